"""Answer to chain_of_thought.corrupt."""

from functools import reduce
from itertools import accumulate

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "The wrong step is steps[index] + shift, modulo mod. Which of the steps before and after it may the model see?",
    "steps[index] is the result of ops[index], so that operation is done already. Which one comes next?",
    "prefix is steps[:index] + [wrong step]. For the answer, start from the wrong step and do each operation of "
    "ops[index + 1:] in turn, modulo mod.",
)


def corrupt(ops, steps, index, shift, mod):
    mistake = (steps[index] + shift) % mod
    return [*steps[:index], mistake], _go_on(mistake, ops[index + 1 :], mod)


def _do(value, operation, mod):
    name, operand = operation
    return {"plus": value + operand, "minus": value - operand, "times": value * operand, "square": value**2}[name] % mod


def _go_on(value, ops, mod):
    return reduce(lambda v, operation: _do(v, operation, mod), ops, value)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def chain(names, mod):
        """Operations and their results from a random start; factors share nothing with 100, so no mistake is lost."""
        ops = []
        for name in names:
            operand = {"times": (3, 7, 9)[draw(0, 3)], "square": 0}.get(name, draw(11, mod // 2))
            ops.append((name, operand))
        return ops, list(accumulate(ops, lambda v, operation: _do(v, operation, mod), initial=draw(2, mod)))[1:]

    def made(group, names, index, mod, shift):
        ops, steps = chain(names, mod)
        return case(group, ops=ops, steps=steps, index=index, shift=shift, mod=mod)

    names = ["plus", "times", "minus", "times", "plus"]
    yield made("a mistake half way", names, draw(1, 3), 100, draw(2, 10))
    yield made("a mistake half way", ["times", "plus", "square", "plus"], 1, 2 * draw(25, 40), -draw(2, 10))
    ops, steps = chain(["plus", "times", "square", "minus"], 100)
    yield case("the step wraps around", ops=ops, steps=steps, index=1, shift=100 - steps[1] + draw(1, 9), mod=100)
    ops, steps = chain(["times", "plus", "times"], 97)
    yield case("the step wraps around", ops=ops, steps=steps, index=0, shift=-steps[0] - draw(1, 9), mod=97)
    ops, steps = chain(["plus", "times", "minus"], 100)
    yield case("the step wraps around", ops=ops, steps=steps, index=1, shift=-steps[1] - draw(11, 49), mod=100)
    yield made("the first step", ["times", "times", "plus"], 0, draw(60, 90), draw(3, 20))
    yield made("the last step", ["plus", "times", "minus"], 2, 100, draw(2, 30))
    ops, steps = chain(["plus", "times", "plus"], 100)
    erased = [ops[0], ("times", 5), ops[2]]
    steps = [steps[0], steps[0] * 5 % 100, (steps[0] * 5 + ops[2][1]) % 100]
    yield case("two roads to one answer", ops=erased, steps=steps, index=0, shift=20 * draw(1, 5), mod=100)


@right
def one_loop(ops, steps, index, shift, mod):
    prefix, value = [], 0
    for i, (name, operand) in enumerate(ops):
        if i < index:
            prefix.append(steps[i])
        elif i == index:
            value = (steps[i] + shift) % mod
            prefix.append(value)
        elif name == "plus":
            value = (value + operand) % mod
        elif name == "minus":
            value = (value - operand) % mod
        elif name == "times":
            value = (value * operand) % mod
        else:
            value = (value * value) % mod
    return prefix, value


@right
def whole_numbers_first(ops, steps, index, shift, mod):
    prefix = list(steps[: index + 1])
    prefix[-1] = (prefix[-1] + shift) % mod
    value = prefix[-1]
    for name, operand in ops[index + 1 :]:
        value = value**2 if name == "square" else value * operand if name == "times" else value
        value += {"plus": operand, "minus": -operand}.get(name, 0)
    return prefix, value % mod


@wrong
def KeepsTheRest(ops, steps, index, shift, mod):
    """The right steps after the mistake are still there, and the model can read the old answer off the last one."""
    prefix, answer = corrupt(ops, steps, index, shift, mod)
    return prefix + steps[index + 1 :], answer


@wrong
def StopsBeforeTheMistake(ops, steps, index, shift, mod):
    """The wrong step is not among those shown: the model cannot rely on what it does not see."""
    prefix, answer = corrupt(ops, steps, index, shift, mod)
    return prefix[:-1], answer


@wrong
def ReturnsTheOldAnswer(ops, steps, index, shift, mod):
    """That is the answer of the right steps: work the chain out again from the wrong one."""
    return corrupt(ops, steps, index, shift, mod)[0], steps[-1]


@wrong
def RepeatsTheOperation(ops, steps, index, shift, mod):
    """An operation was done twice: the wrong step stands for the result of ops[index]."""
    prefix, _ = corrupt(ops, steps, index, shift, mod)
    return prefix, _go_on(prefix[-1], ops[index:], mod)


@wrong
def SkipsAnOperation(ops, steps, index, shift, mod):
    """An operation was left out: which one comes right after the wrong step?"""
    prefix, _ = corrupt(ops, steps, index, shift, mod)
    return prefix, _go_on(prefix[-1], ops[index + 2 :], mod)


@wrong
def ShiftsTheAnswer(ops, steps, index, shift, mod):
    """The shift was added to the old answer. Products and squares change it on the way: work the chain out again."""
    return corrupt(ops, steps, index, shift, mod)[0], (steps[-1] + shift) % mod


@wrong
def ForgetsToWrap(ops, steps, index, shift, mod):
    """The wrong step lies outside 0 to mod - 1, and anybody sees that it is wrong: take it modulo mod."""
    prefix, answer = corrupt(ops, steps, index, shift, mod)
    return [*prefix[:-1], steps[index] + shift], answer


@wrong
def CountsFromOne(ops, steps, index, shift, mod):
    """The step before the one asked for became wrong: steps are counted from 0."""
    return corrupt(ops, steps, max(index - 1, 0), shift, mod)


@wrong
def ReturnsTheMistake(ops, steps, index, shift, mod):
    """The wrong step was returned as the answer: the operations after it are still to be done."""
    prefix, _ = corrupt(ops, steps, index, shift, mod)
    return prefix, prefix[-1]


@wrong
def EditsTheSteps(ops, steps, index, shift, mod):
    """The list of right steps was edited in place: it is still needed. Build a new one."""
    prefix, answer = corrupt(ops, steps, index, shift, mod)
    steps[index] = prefix[-1]
    return prefix, answer


@wrong
def StopsAtZero(ops, steps, index, shift, mod):
    """A wrong step below zero became 0. What is a negative number modulo mod?"""
    mistake = max(0, steps[index] + shift) % mod
    return [*steps[:index], mistake], _go_on(mistake, ops[index + 1 :], mod)
