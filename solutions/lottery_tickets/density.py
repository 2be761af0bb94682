"""Answer to lottery_tickets.density."""

from fractions import Fraction

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "A layer that loses the share p of what it has left keeps 1 - p of it. What has it left after two such rounds?",
    "After r rounds a layer of n weights has n * (1 - p)**r, the output layer n * (1 - p_out)**r. Which number do you "
    "divide by?",
    "For each r from 0 to rounds: add (1 - p)**r * n over sizes[:-1], add (1 - p_out)**r * sizes[-1], and divide by "
    "sum(sizes).",
)


def density(sizes, p, p_out, rounds):
    hidden, out = sum(sizes[:-1]), sizes[-1]
    return [(hidden * (1 - p) ** r + out * (1 - p_out) ** r) / (hidden + out) for r in range(rounds + 1)]


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def rate(low, high):
        return draw(low, high) / 100

    sizes = [draw(5000, 9000), draw(1000, 3000), draw(100, 500)]
    yield case("a small output layer", sizes=sizes, p=rate(15, 30), p_out=rate(5, 12), rounds=draw(6, 10))
    sizes = [draw(30, 50), draw(100, 200), draw(10, 20), draw(150, 300)]
    yield case("a large output layer", sizes=sizes, p=rate(30, 45), p_out=rate(10, 22), rounds=draw(4, 6))
    sizes = [draw(60, 90), draw(20, 40)]
    yield case("a large output layer", sizes=sizes, p=rate(10, 20), p_out=rate(30, 50), rounds=draw(3, 5))
    yield case("an output layer alone", sizes=[draw(50, 900)], p=rate(30, 50), p_out=rate(5, 20), rounds=3)
    yield case("no round", sizes=[draw(5, 90), draw(5, 90)], p=rate(20, 50), p_out=rate(5, 19), rounds=0)


@right
def round_after_round(sizes, p, p_out, rounds):
    left, shares = [float(size) for size in sizes], []
    for _ in range(rounds + 1):
        shares.append(sum(left) / sum(sizes))
        left = [n * (1 - p) for n in left[:-1]] + [left[-1] * (1 - p_out)]
    return shares


@right
def matrix_in_float64(sizes, p, p_out, rounds):
    n = torch.tensor(sizes, dtype=torch.float64)
    kept = torch.tensor([1 - p] * (len(sizes) - 1) + [1 - p_out], dtype=torch.float64)
    powers = kept ** torch.arange(rounds + 1)[:, None]
    return tuple((powers @ n / n.sum()).tolist())


@right
def exact_fractions(sizes, p, p_out, rounds):
    kept = [1 - Fraction(p)] * (len(sizes) - 1) + [1 - Fraction(p_out)]
    pairs = list(zip(sizes, kept, strict=True))
    return [float(sum(n * k**r for n, k in pairs) / sum(sizes)) for r in range(rounds + 1)]


def _shares(sizes, rates, rounds, left=lambda rate, r: (1 - rate) ** r):
    return [
        sum(n * left(rate, r) for n, rate in zip(sizes, rates, strict=True)) / sum(sizes) for r in range(rounds + 1)
    ]


def _rates(sizes, p, p_out):
    return [p] * (len(sizes) - 1) + [p_out]


@wrong
def PrunesTheOutputAlike(sizes, p, p_out, rounds):
    """The output layer lost the share p, like the others: its own rate is p_out."""
    return density(sizes, p, p, rounds)


@wrong
def WeighsTheRates(sizes, p, p_out, rounds):
    """One average rate was used for all rounds. The layers shrink at their own rates, and the mixture changes: follow
    each layer on its own."""
    mean = sum(n * rate for n, rate in zip(sizes, _rates(sizes, p, p_out), strict=True)) / sum(sizes)
    return [(1 - mean) ** r for r in range(rounds + 1)]


@wrong
def ScalesTheOutputsDensity(sizes, p, p_out, rounds):
    """The output layer got the others' density times p_out / p. What is smaller is its rate: it keeps more, not less,
    in every round."""
    shares = density(sizes, p, p, rounds)
    return [1.0] + [s * (1 + (p_out / p - 1) * sizes[-1] / sum(sizes)) for s in shares[1:]]


@wrong
def AveragesTheLayers(sizes, p, p_out, rounds):
    """The layers' densities were averaged as if they were of one size: count weights."""
    return _shares([1] * len(sizes), _rates(sizes, p, p_out), rounds)


@wrong
def AveragesTwoDensities(sizes, p, p_out, rounds):
    """The output layer's density and that of the others were averaged, as if either held half of all weights: count
    weights."""
    return [((1 - p) ** r + (1 - p_out) ** r) / 2 for r in range(rounds + 1)]


@wrong
def TakesSharesOfTheOriginal(sizes, p, p_out, rounds):
    """Every round took the same number of weights away: the rate is a share of what is left."""
    return _shares(sizes, _rates(sizes, p, p_out), rounds, lambda rate, r: max(0.0, 1 - r * rate))


@wrong
def FallsBelowZero(sizes, p, p_out, rounds):
    """Every round took the same number of weights away, in the end more than there are: the rate is a share of what is
    left."""
    return _shares(sizes, _rates(sizes, p, p_out), rounds, lambda rate, r: 1 - r * rate)


@wrong
def TakesOneShareOfTheOriginal(sizes, p, p_out, rounds):
    """Every round took the share p of all weights that there were at first. The rate is a share of what a layer has
    left, and the output layer has a rate of its own."""
    return [1 - r * p for r in range(rounds + 1)]


@wrong
def ReturnsTheSparsity(sizes, p, p_out, rounds):
    """That is the share that was pruned: return the share that is left."""
    return [1 - share for share in density(sizes, p, p_out, rounds)]


@wrong
def KeepsTheRate(sizes, p, p_out, rounds):
    """A round kept the share p of a layer: it drops p and keeps 1 - p."""
    return density(sizes, 1 - p, 1 - p_out, rounds)


@wrong
def KeepsOneRate(sizes, p, p_out, rounds):
    """All layers kept the share p in a round: p is dropped, and 1 - p is kept. The output layer drops p_out."""
    return [p**r for r in range(rounds + 1)]


@wrong
def StartsAfterTheFirstRound(sizes, p, p_out, rounds):
    """The list begins with round 1: its first entry is the whole network, 1.0."""
    return density(sizes, p, p_out, rounds + 1)[1:]


@wrong
def LeavesOutTheStart(sizes, p, p_out, rounds):
    """One share is missing: with the one before any pruning there are rounds + 1."""
    return density(sizes, p, p_out, rounds)[1:]


@wrong
def TakesTheFirstForTheOutput(sizes, p, p_out, rounds):
    """The first layer was pruned at the output's rate: the output layer is the last."""
    return density(sizes[::-1], p, p_out, rounds)


@wrong
def CountsTheWeights(sizes, p, p_out, rounds):
    """Those are numbers of weights: divide by how many there were at the start."""
    return [share * sum(sizes) for share in density(sizes, p, p_out, rounds)]
