"""Answer to chain_of_thought.first_error."""

from itertools import zip_longest

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Walk through both lists together and stop at the first place where they differ.",
    "zip stops at the end of the shorter list. If nothing differed so far, what do the two lengths tell?",
    "Return i at the first i below both lengths where predicted[i] != gold[i]. After the loop: -1 for equal lengths, "
    "else the shorter length.",
)


def first_error(predicted, gold):
    for i, (step, wanted) in enumerate(zip(predicted, gold, strict=False)):
        if step != wanted:
            return i
    return -1 if len(predicted) == len(gold) else min(len(predicted), len(gold))


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def steps(count):
        return torch.randperm(100, generator=rng)[:count].tolist()

    gold = steps(7)
    at = draw(2, 5)
    yield case(
        "a wrong step, and its consequences", predicted=gold[:at] + [(x + 1) % 100 for x in gold[at:]], gold=gold
    )
    gold = steps(6)
    at = draw(1, 4)
    swapped = [*gold[:at], gold[at + 1], gold[at], *gold[at + 2 :]]
    yield case("a wrong step, and a right answer", predicted=[*swapped, 40], gold=[*gold, 40])
    yield case("a list ends early", predicted=gold[: draw(2, 5)], gold=gold)
    yield case("a list ends early", predicted=[*gold, gold[-1]], gold=gold)
    yield case("no error", predicted=gold, gold=list(gold))
    yield case("an empty list", predicted=[], gold=steps(draw(2, 5)))
    yield case("an empty list", predicted=steps(draw(2, 5)), gold=[])


@right
def padded(predicted, gold):
    pairs = zip_longest(predicted, gold, fillvalue=None)
    return next((i for i, (step, wanted) in enumerate(pairs) if step != wanted), -1)


@right
def longest_common_prefix(predicted, gold):
    lengths = range(min(len(predicted), len(gold)) + 1)
    agreed = max(n for n in lengths if predicted[:n] == gold[:n])
    return -1 if predicted == gold else agreed


@right
def with_tensors(predicted, gold):
    length = max(len(predicted), len(gold))
    rows = torch.full((2, length), -1)
    rows[0, : len(predicted)] = torch.tensor(predicted, dtype=torch.int64)
    rows[1, : len(gold)] = torch.tensor(gold, dtype=torch.int64)
    errors = (rows[0] != rows[1]).nonzero()
    return int(errors[0]) if len(errors) else -1


def _errors(predicted, gold):
    return [i for i, (x, y) in enumerate(zip_longest(predicted, gold)) if x != y]


@wrong
def FindsTheLast(predicted, gold):
    """That is the last error: later ones may only be consequences of the first."""
    return max(_errors(predicted, gold), default=-1)


@wrong
def IgnoresTheLengths(predicted, gold):
    """The comparison ended with the shorter list: a missing step is an error, and so is one too many."""
    return next((i for i, (x, y) in enumerate(zip(predicted, gold, strict=False)) if x != y), -1)


@wrong
def CountsFromOne(predicted, gold):
    """The first step has the index 0."""
    return min(_errors(predicted, gold), default=-2) + 1


@wrong
def TrustsARightAnswer(predicted, gold):
    """The last steps agree, and that was taken for the whole: a right answer can come from wrong steps."""
    return -1 if predicted[-1:] == gold[-1:] else first_error(predicted, gold)


@wrong
def LooksAnywhere(predicted, gold):
    """A step was accepted because its value occurs somewhere in the solution. Compare it with the step in its place."""
    unknown = [i for i, step in enumerate(predicted) if step not in gold]
    return min(unknown, default=-1 if len(predicted) == len(gold) else min(len(predicted), len(gold)))


@wrong
def ComparesLengthsFirst(predicted, gold):
    """The lengths differ, and the error was put at the end. An earlier step may be wrong; and which list is shorter?"""
    return first_error(predicted, gold) if len(predicted) == len(gold) else max(len(predicted), len(gold)) - 1


@wrong
def CountsTheErrors(predicted, gold):
    """That is how many steps are wrong. Asked is where the first one stands."""
    return len(_errors(predicted, gold))


@wrong
def ReturnsTheLength(predicted, gold):
    """Where nothing is wrong, the result is -1: the length of the list is no index of a step."""
    return len(gold) if predicted == gold else first_error(predicted, gold)
