"""Answer to lottery_tickets.per_round."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Look at what is left instead of what is dropped. By which factor does each round multiply it?",
    "If a round drops the share r, then (1 - r) multiplied by itself, once for each round, must be 1 - total.",
    "So 1 - r is the root of 1 - total, of the order rounds: a power with the exponent 1 / rounds.",
)


def per_round(total, rounds):
    return 1 - (1 - total) ** (1 / rounds)


def cases(rng):
    def share(low, high):
        return float(torch.rand((), generator=rng)) * (high - low) + low

    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    yield case("several rounds", total=share(0.8, 0.98), rounds=draw(6, 20))
    yield case("several rounds", total=share(0.3, 0.45), rounds=draw(3, 5))
    yield case("several rounds", total=share(0.55, 0.75), rounds=2)
    yield case("one round, or nothing to prune", total=share(0.2, 0.45), rounds=1)
    yield case("one round, or nothing to prune", total=0.0, rounds=draw(2, 9))


@right
def logarithms(total, rounds):
    return -math.expm1(math.log1p(-total) / rounds)


@right
def bisection(total, rounds):
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if (1 - middle) ** rounds < 1 - total else (middle, high)
    return low


@second_source("scipy 1.17: optimize.brentq")
def scipy_root(total, rounds):
    from scipy.optimize import brentq

    return brentq(lambda rate: (1 - rate) ** rounds - (1 - total), 0.0, 1.0, xtol=1e-14)


@wrong
def TakesTheRootOfThePruned(total, rounds):
    """That is the paper's slip, total to the power of 1 / rounds: what multiplies from round to round is the share
    that is left."""
    return total ** (1 / rounds)


@wrong
def DividesEvenly(total, rounds):
    """The total was divided by the number of rounds. The survivors become fewer, so equal shares of them add up to
    less."""
    return total / rounds


@wrong
def ReturnsTheKeptShare(total, rounds):
    """That is what a round keeps: return what it drops."""
    return (1 - total) ** (1 / rounds)


@wrong
def CompoundsInstead(total, rounds):
    """That is what so many rounds prune at the rate total: here total is the result, and the rate is asked for."""
    return 1 - (1 - total) ** rounds


@wrong
def RootsTheWrongShare(total, rounds):
    """The root of what is pruned was taken for what a round keeps: what a round keeps multiplies to what is left."""
    return 1 - total ** (1 / rounds)


@wrong
def GivesPercent(total, rounds):
    """That is a percentage: return a share from 0 to 1."""
    return 100 * per_round(total, rounds)
