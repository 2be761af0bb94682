"""Answer to lora.nf4_levels."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Start with torch.linspace(0.5, offset, 9). Which of its numbers must not be used, and what would it give?",
    "torch.special.ndtri is Q (scipy.stats.norm.ppf is, too). Drop the probability 1/2 from both halves.",
    "Concatenate -ndtri(linspace(0.5, offset, 8)[1:]), a zero and ndtri(linspace(0.5, offset, 9)[1:]). Then sort "
    "and divide by the maximum.",
)


def nf4_levels(offset):
    positive = torch.special.ndtri(torch.linspace(0.5, offset, 9, dtype=torch.float64)[1:])
    negative = -torch.special.ndtri(torch.linspace(0.5, offset, 8, dtype=torch.float64)[1:])
    levels = torch.cat([negative, torch.zeros(1), positive]).sort().values
    return (levels / levels.max()).float()


def cases(rng):
    def draw(low, high):
        return low + (high - low) * torch.rand((), generator=rng, dtype=torch.float64).item()

    yield case("near NF4's offset", offset=draw(0.955, 0.98))
    yield case("levels close together", offset=draw(0.75, 0.9))
    yield case("levels far apart", offset=draw(0.99, 0.999))


@right
def standard_library(offset):
    from statistics import NormalDist

    step = offset - 0.5
    levels = [-NormalDist().inv_cdf(0.5 + step * i / 7) for i in range(7, 0, -1)] + [0.0]
    levels += [NormalDist().inv_cdf(0.5 + step * i / 8) for i in range(1, 9)]
    return torch.tensor(levels) / max(levels)


@right
def inverse_error_function(offset):
    # The square root of 2 in Q cancels in the last division.
    negative, positive = (torch.erfinv(torch.linspace(0, 2 * offset - 1, n)[1:]) for n in (8, 9))
    return torch.cat([-negative.flip(0), torch.zeros(1), positive]) / positive[-1]


@right
def bisection(offset):
    p = torch.cat([0.5 - (offset - 0.5) * torch.arange(7, -1, -1) / 7, 0.5 + (offset - 0.5) * torch.arange(1, 9) / 8])
    low, high = torch.full((16,), -9.0, dtype=torch.float64), torch.full((16,), 9.0, dtype=torch.float64)
    for _ in range(60):
        middle = (low + high) / 2
        below = torch.special.ndtr(middle) < p
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    levels = torch.where(p == 0.5, 0.0, low)
    return (levels / levels[-1]).float()


@second_source("scipy 1.17: stats.norm.ppf")
def scipy_quantiles(offset):
    import numpy as np
    from scipy.stats import norm

    positive = norm.ppf(np.linspace(offset, 0.5, 9)[:-1])
    negative = -norm.ppf(np.linspace(offset, 0.5, 8)[:-1])
    levels = np.sort(np.concatenate([positive, [0.0], negative]))
    return torch.from_numpy(levels / levels.max()).float()


def _halves(offset, below, above):
    negative, positive = (torch.special.ndtri(torch.linspace(0.5, offset, n + 1)[1:]) for n in (below, above))
    return torch.cat([-negative.flip(0), torch.zeros(1), positive])


@wrong
def SpacesTheLevelsEvenly(offset):
    """The levels are evenly spaced. Their probabilities should be: weights crowd around 0, and so do the levels."""
    return torch.cat([torch.linspace(-1, 0, 8), torch.linspace(0, 1, 9)[1:]])


@wrong
def HasNoZero(offset):
    """No level is exactly 0: sixteen quantiles over one even grid straddle it. Build the two halves apart."""
    quantiles = torch.special.ndtri(torch.linspace(1 - offset, offset, 16))
    return quantiles / quantiles.max()


@wrong
def SwapsTheHalves(offset):
    """There are 8 negative and 7 positive levels: it should be the other way round."""
    levels = _halves(offset, 8, 7)
    return levels / levels.max()


@wrong
def ForgetsToNormalise(offset):
    """Those are the raw quantiles: divide by the largest, so that the levels end at -1 and 1."""
    return _halves(offset, 7, 8)


@wrong
def SharesOneGrid(offset):
    """The negative half took its probabilities from the grid of nine. It has a grid of its own, of eight."""
    positive = torch.special.ndtri(torch.linspace(0.5, offset, 9)[1:])
    return torch.cat([-positive[1:].flip(0), torch.zeros(1), positive]) / positive[-1]


@wrong
def LeavesThemUnsorted(offset):
    """The levels are not in ascending order: a code is an index into the sorted list."""
    levels = _halves(offset, 7, 8)
    return torch.cat([levels[8:].flip(0), levels[7:8], levels[:7]]) / levels.max()


@wrong
def IgnoresTheOffset(offset):
    """These are the levels for NF4's own offset: the function should take the one that it is given."""
    return nf4_levels(1 - (1 / 30 + 1 / 32) / 2)


@wrong
def LeavesTheNegativesUnsorted(offset):
    """The negative half runs the wrong way: the levels ascend from -1 to 1, so sort them."""
    levels = nf4_levels(offset)
    return torch.cat([levels[:7].flip(0), levels[7:]])
