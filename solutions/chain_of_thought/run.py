"""Answer to chain_of_thought.run."""

import math
from itertools import accumulate

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Keep one value. Each operation replaces it, and what it was before is forgotten.",
    "Reduce the value after every operation. Python's % gives a residue in 0..mod-1 for negative numbers, too.",
    "Start the list with start % mod. For each (name, m) take the list's last value, add, subtract, multiply by m or "
    "multiply it by itself, and append the result % mod, with brackets around the sum.",
)


def _apply(value, name, number):
    return {"plus": value + number, "minus": value - number, "times": value * number, "square": value**2}[name]


def run(start, ops, mod):
    values = [start % mod]
    for name, number in ops:
        values.append(_apply(values[-1], name, number) % mod)
    return values


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    chain = [("plus", draw(11, 40)), ("times", draw(3, 10)), ("minus", draw(3, 40)), ("plus", draw(41, 90))]
    yield case("plus, minus and times", start=draw(2, 50), ops=chain, mod=100)
    chain = [("times", draw(4, 10)), ("plus", draw(60, 99)), ("times", draw(4, 10)), ("times", draw(4, 10))]
    yield case("plus, minus and times", start=draw(31, 90), ops=chain, mod=100)
    start = draw(1, 30)
    chain = [("minus", start + draw(3, 30)), ("times", draw(2, 4)), ("plus", draw(2, 9)), ("square", 0)]
    yield case("below zero", start=start, ops=chain, mod=100)
    chain = [("plus", draw(5, 20)), ("square", 0), ("minus", draw(30, 60)), ("times", draw(3, 6)), ("square", 0)]
    yield case("squares, another modulus", start=draw(5, 15), ops=chain, mod=2 * draw(13, 24) + 1)
    yield case("a start outside the residues", start=draw(120, 900), ops=[("times", 7), ("plus", 95)], mod=100)
    yield case(
        "a start outside the residues", start=-draw(120, 900), ops=[("plus", 1), ("square", 0)], mod=draw(40, 90)
    )
    yield case("no operation", start=draw(0, 100), ops=[], mod=100)


@right
def accumulated(start, ops, mod):
    rules = {
        "plus": lambda value, number: value + number,
        "minus": lambda value, number: value - number,
        "times": lambda value, number: value * number,
        "square": lambda value, _: pow(value, 2, mod),
    }
    return list(accumulate(ops, lambda value, op: rules[op[0]](value, op[1]) % mod, initial=start % mod))


@right
def exact_until_it_is_written(start, ops, mod):
    values = [start]
    for name, number in ops:
        values.append(_apply(values[-1], name, number))
    return [value % mod for value in values]


@right
def tensors(start, ops, mod):
    value = torch.tensor(start).remainder(mod)
    written = [value.item()]
    for name, number in ops:
        if name == "plus":
            value = (value + number).remainder(mod)
        elif name == "minus":
            value = (value - number).remainder(mod)
        else:
            value = (value * (number if name == "times" else value)).remainder(mod)
        written.append(value.item())
    return written


@second_source("sympy 1.14: FiniteField")
def sympy_residues(start, ops, mod):
    from sympy import FF

    field = FF(mod, symmetric=False)
    values = [field(start)]
    for name, number in ops:
        values.append(_apply(values[-1], name, field(number)))
    return [int(value) for value in values]


@wrong
def LeavesOutTheStart(start, ops, mod):
    """The start is missing: the list begins with its residue, before the first operation."""
    return run(start, ops, mod)[1:]


@wrong
def ReturnsOnlyTheEnd(start, ops, mod):
    """Only the last value came back. The values on the way are what is asked for: they are the chain of thought."""
    return run(start, ops, mod)[-1:]


@wrong
def ObeysPrecedence(start, ops, mod):
    """Products were worked out before sums, as in a formula. A chain is read from left to right, without precedence."""
    values, done, product, last = [start % mod], 0, 1, start
    for name, number in ops:
        if name in ("plus", "minus"):
            done, product, last = done + product * last, 1 if name == "plus" else -1, number
        elif name == "times":
            product, last = product * last, number
        else:
            last = last**2
        values.append((done + product * last) % mod)
    return values


@wrong
def KeepsTheSign(start, ops, mod):
    """A value below zero stayed negative, as a remainder does in C. Residues lie in 0..mod-1."""
    values = [int(math.fmod(start, mod))]
    for name, number in ops:
        values.append(int(math.fmod(_apply(values[-1], name, number), mod)))
    return values


@wrong
def NeverReduces(start, ops, mod):
    """The values grow without bound: every one of them is to be reduced modulo mod."""
    values = [start]
    for name, number in ops:
        values.append(_apply(values[-1], name, number))
    return values


@wrong
def ReducesOnlyTheEnd(start, ops, mod):
    """Only the last value was reduced: every value in the list is a residue."""
    values = NeverReduces(start, ops, mod)
    return [*values[:-1], values[-1] % mod]


@wrong
def ReducesTheNumberOnly(start, ops, mod):
    """Sums and differences were not reduced. In Python % binds more tightly than + and -: where do brackets belong?"""
    values = [start % mod]
    for name, number in ops:
        if name in ("plus", "minus"):
            values.append(_apply(values[-1], name, number % mod))
        else:
            values.append(_apply(values[-1], name, number) % mod)
    return values


@wrong
def AppliesEveryOpToTheStart(start, ops, mod):
    """Each operation was applied to the start. It takes the value that the operation before it left."""
    return [start % mod, *(_apply(start, name, number) % mod for name, number in ops)]


@wrong
def DoublesForSquare(start, ops, mod):
    """A square was taken for twice the value: it is the value times itself."""
    values = [start % mod]
    for name, number in ops:
        op = ("times", 2) if name == "square" else (name, number)
        values.append(_apply(values[-1], *op) % mod)
    return values


@wrong
def AssumesHundred(start, ops, mod):
    """The modulus was taken to be 100, as it is in the course model's chains. Here it is an argument."""
    return run(start, ops, 100)


@wrong
def KeepsTheStartAsGiven(start, ops, mod):
    """The start was listed as it was given. It may lie outside 0..mod-1: reduce it, too."""
    return [start, *run(start, ops, mod)[1:]]


@wrong
def MultipliesByTheSquaresNumber(start, ops, mod):
    """A square was worked out as times its number, which means nothing: what is the value multiplied by?"""
    return run(start, [("times", m) if name == "square" else (name, m) for name, m in ops], mod)
