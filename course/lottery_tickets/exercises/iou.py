"""Compare two tickets' masks."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-7)


def iou(a: Tensor, b: Tensor) -> tuple[float, float]:
    """Say how much two masks agree, and how much two independent random masks would.

    Two tickets agree if they keep the same weights. Most weights are pruned in both, so places that both prune say
    little: they do not count. The overlap is intersection over union: the number of weights that both keep, divided by
    the number that at least one of them keeps.

    Parameters
    ----------
    a, b : Tensor, of one shape, bool
        True where a weight is kept. At least one entry.

    Returns
    -------
    overlap : float
        Intersection over union; 1.0 where both masks are empty.
    chance : float
        The expected intersection over the expected union, when random masks of these two densities are drawn
        independently of each other; 1.0 where both masks are empty.

    Source: Jaccard's index. If P(a) and P(b) are independent, both happen with the probability P(a) P(b).
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, ...], both: int, only_a: int, only_b: int) -> Case:
    rng = torch.Generator().manual_seed(100 * both + 10 * only_a + only_b)
    order = torch.randperm(torch.Size(shape).numel(), generator=rng).view(shape)
    a = order < both + only_a
    return case(group, a=a, b=(order < both) | ((order >= both + only_a) & (order < both + only_a + only_b)))


EXAMPLES = [
    _example("unequal densities", (6, 5), 4, 3, 9),
    _example("equal densities", (4, 7), 3, 4, 4),
    _example("nothing in common", (5, 4), 0, 6, 3),
    _example("one is empty", (3, 5), 0, 4, 0),
    _example("both are empty", (2, 4), 0, 0, 0),
]
