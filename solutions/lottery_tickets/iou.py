"""Answer to lottery_tickets.iou."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "For bool tensors & is the intersection and | the union. For the chance you need only the two densities.",
    "With densities d and e, a place is kept by both random masks with the probability d * e. With which probability "
    "is it kept by at least one?",
    "The union has the probability d + e - d * e: those kept twice would be counted twice. Divide; and where the union "
    "is empty return 1.0 for both.",
)


def iou(a, b):
    d, e = a.double().mean().item(), b.double().mean().item()
    union = int((a | b).sum())
    return (int((a & b).sum()) / union, d * e / (d + e - d * e)) if union else (1.0, 1.0)


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, shape, both, only_a, only_b):
        order = torch.randperm(torch.Size(shape).numel(), generator=rng).view(shape)
        end = both + only_a
        return case(group, a=order < end, b=(order < both) | ((order >= end) & (order < end + only_b)))

    yield draw("unequal densities", (9, 8), number(7, 12), number(3, 7), number(14, 20))
    yield draw("unequal densities", (4, 5, 6), number(20, 25), number(30, 40), number(5, 12))
    some = number(6, 10)
    yield draw("equal densities", (7, 10), number(5, 12), some, some)
    yield draw("nothing in common", (6, 9), 0, number(5, 9), number(10, 20))
    yield draw("equal masks", (5, 8), number(9, 15), 0, 0)
    yield draw("one is empty", (7, 4), 0, 0, number(5, 12))
    yield draw("both are empty", (4, 6), 0, 0, 0)


@right
def sets_of_places(a, b):
    A, B = ({tuple(place) for place in mask.nonzero().tolist()} for mask in (a, b))
    if not A | B:
        return 1.0, 1.0
    neither = (1 - len(A) / a.numel()) * (1 - len(B) / b.numel())
    return len(A & B) / len(A | B), len(A) * len(B) / a.numel() ** 2 / (1 - neither)


@right
def inner_products(a, b):
    x, y = a.flatten().double(), b.flatten().double()
    d, e, union = x.mean(), y.mean(), x.sum() + y.sum() - x @ y
    if union == 0:
        return 1.0, 1.0
    return ((x @ y) / union).item(), (d * e / (d + e - d * e)).item()


@second_source("scipy 1.17: spatial.distance.jaccard, and a count over all pairs of places")
def scipy_jaccard(a, b):
    from scipy.spatial.distance import jaccard

    # Every place of one mask against every place of the other: that is independence without a formula.
    one, other = a.flatten()[:, None], b.flatten()[None, :]
    either = (one | other).sum().item()
    chance = (one & other).sum().item() / either if either else 1.0
    return float(1 - jaccard(a.flatten().numpy(), b.flatten().numpy())), chance


def _densities(a, b):
    return a.double().mean().item(), b.double().mean().item()


@wrong
def CountsCommonZeros(a, b):
    """Places that both masks prune counted as agreement. In sparse masks nearly all places do: leave them out."""
    return (a == b).double().mean().item(), iou(a, b)[1]


@wrong
def TakesTheProductForChance(a, b):
    """The chance is the expected intersection only: divide it by the expected union, as the overlap is."""
    d, e = _densities(a, b)
    return iou(a, b)[0], d * e


@wrong
def AddsTheDensities(a, b):
    """In the chance, places that both masks keep were counted twice in the union."""
    d, e = _densities(a, b)
    return iou(a, b)[0], d * e / (d + e) if d + e else 1.0


@wrong
def AssumesEqualDensities(a, b):
    """The chance uses the density of one mask for both: they may keep different shares."""
    d, _ = _densities(a, b)
    return iou(a, b)[0], d / (2 - d) if a.any() or b.any() else 1.0


@wrong
def DividesByOneMask(a, b):
    """The overlap is a share of one mask's weights: divide by the weights that at least one of them keeps."""
    return int((a & b).sum()) / max(int(a.sum()), 1) if a.any() or b.any() else 1.0, iou(a, b)[1]


@wrong
def CountsTheCommonTwice(a, b):
    """That is Dice's coefficient: common weights count twice in it. Divide their number by that of the union."""
    kept = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / kept if kept else 1.0, iou(a, b)[1]


@wrong
def AddsTheMasks(a, b):
    """In the overlap, weights that both masks keep were counted twice in the union."""
    kept = int(a.sum()) + int(b.sum())
    return int((a & b).sum()) / kept if kept else 1.0, iou(a, b)[1]


@wrong
def LeavesNan(a, b):
    """Two empty masks gave 0 / 0: they agree, so both values are 1.0."""
    return iou(a, b) if a.any() or b.any() else (float("nan"), float("nan"))


@wrong
def GivesZeroForTwoEmptyMasks(a, b):
    """Two empty masks were said to have nothing in common: they are equal, so both values are 1.0."""
    return iou(a, b) if a.any() or b.any() else (0.0, 0.0)


@wrong
def PutsChanceFirst(a, b):
    """The order is wrong: the overlap first, then the chance."""
    return iou(a, b)[::-1]
