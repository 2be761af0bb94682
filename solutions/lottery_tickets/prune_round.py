"""Answer to lottery_tickets.prune_round."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The share is one of the survivors, so count them first. Which weights may the ranking contain?",
    "Give pruned places an absolute value of infinity: then the smallest ones are all survivors. A stable sort keeps "
    "equal values in the order in which they stand.",
    "k = math.floor(p * int(mask.sum()) + 0.5). Take W.abs() with infinity where the mask is False, flattened; "
    "argsort(stable=True)[:k] are the places to set to False in a flat copy of the mask. Give it W's shape again.",
)


def prune_round(W, mask, p):
    return _drop(W.abs(), mask, math.floor(p * int(mask.sum()) + 0.5))


def _drop(score, mask, k):
    """Drop the k survivors of least score, the first of equals first."""
    kept = mask.flatten().clone()
    kept[score.masked_fill(~mask, torch.inf).flatten().argsort(stable=True)[:k]] = False
    return kept.view(mask.shape)


def cases(rng):
    def mask_of(shape, alive):
        mask = torch.zeros(math.prod(shape), dtype=torch.bool)
        mask[torch.randperm(len(mask), generator=rng)[:alive]] = True
        return mask.view(shape)

    def draw(group, shape, alive, p, held=True):
        W, mask = torch.randn(shape, generator=rng), mask_of(shape, alive)
        if not held:
            W[tuple((~mask).nonzero()[-1])] = torch.inf
        return case(group, W=W * mask if held else W, mask=mask, p=p)

    def zeros():
        """Six survivors are 0, three are to go, and the last place, which is 0 as well, is none."""
        alive = torch.randperm(19, generator=rng)[:14]
        W, mask = torch.randn(20, generator=rng), torch.zeros(20, dtype=torch.bool)
        mask[alive], W[alive[:6]] = True, 0.0
        return case("zeros among the survivors", W=(W * mask).view(4, 5), mask=mask.view(4, 5), p=0.2)

    # With these rates p times the survivors is never half a weight, except where the group says so.
    yield draw("the first round", (5, 7), 35, 0.2)
    yield draw("a later round", (6, 8), 31, 0.36)
    yield draw("a later round", (4, 3, 5), 42, 0.2)
    yield draw("half a weight rounds up", (5, 6), 18, 0.25)
    yield draw("half a weight rounds up", (23,), 21, 0.5)
    yield draw("the mask was not held", (7, 5), 22, 0.36, held=False)
    mask = mask_of((5, 4), 17)
    sizes = torch.tensor([0.25] * 4 + [0.5] * 7 + [1.0] * 6)[torch.randperm(17, generator=rng)]
    W = torch.zeros(5, 4)
    W[mask] = sizes * (2 * torch.randint(0, 2, (17,), generator=rng) - 1)
    yield case("ties", W=W, mask=mask, p=0.36)
    yield zeros()
    yield draw("nothing to drop, or everything", (4, 6), 0, 0.2)
    yield draw("nothing to drop, or everything", (3, 7), 14, 0.0)
    yield draw("nothing to drop, or everything", (6, 3), 11, 1.0)


@right
def one_weight_at_a_time(W, mask, p):
    values, kept = W.flatten().tolist(), mask.flatten().tolist()
    alive = [i for i, there in enumerate(kept) if there]
    for i in sorted(alive, key=lambda i: abs(values[i]))[: int(p * len(alive) + 0.5)]:
        kept[i] = False
    return torch.tensor(kept).reshape(W.shape)


@right
def ranks_of_the_survivors(W, mask, p):
    kept = mask.clone()
    survivors = W[mask].double().square()
    ranks = survivors.argsort(stable=True).argsort()
    kept[mask] = ranks >= math.floor(p * len(survivors) + 0.5)
    return kept


@second_source("torch 2.13: nn.utils.prune, a second time on what was pruned")
def torch_prune(W, mask, p):
    from torch.nn.utils import prune

    layer = torch.nn.Module()
    layer.weight = torch.nn.Parameter(W.clone())
    prune.custom_from_mask(layer, "weight", mask.float())
    # Ranks instead of sizes: torch leaves open which of equal weights goes first.
    ranks = W.abs().flatten().argsort(stable=True).argsort().view(W.shape).float()
    if mask.any():
        prune.l1_unstructured(layer, "weight", math.floor(p * int(mask.sum()) + 0.5), ranks)
    return layer.weight_mask.bool()


def _count(mask, p):
    return math.floor(p * int(mask.sum()) + 0.5)


@wrong
def CountsThePrunedOnes(W, mask, p):
    """Too many were dropped: p is a share of the weights that are still there, not of all."""
    return _drop(W.abs(), mask, math.floor(p * mask.numel() + 0.5))


@wrong
def RevivesPrunedWeights(W, mask, p):
    """A pruned weight came back: its place was ranked with the others. Only survivors can be dropped, or kept."""
    pruned = mask.numel() - int(mask.sum())
    return _drop(W.abs(), torch.ones_like(mask), pruned + _count(mask, p))


@wrong
def PrunesZerosAgain(W, mask, p):
    """Places that were pruned before were dropped once more, so too many survivors stay: take them out of the
    ranking."""
    return mask & _drop((W * mask).abs(), torch.ones_like(mask), _count(mask, p))


@wrong
def RanksPrunedPlacesAsZeros(W, mask, p):
    """Pruned places were ranked as zeros, ahead of the survivors, and some came back: a survivor can be 0 itself, and
    infinity times 0 is no zero. Take those places out of the ranking."""
    gone = mask.numel() - int(mask.sum())
    return _drop((W * mask).abs(), torch.ones_like(mask), gone + _count(mask, p))


@wrong
def CountsPrunedPlacesAsTheSmallest(W, mask, p):
    """Pruned places were ranked as zeros, ahead of the survivors, and the wrong ones were dropped: a survivor
    can be 0 itself, and infinity times 0 is no zero. Take those places out of the ranking."""
    return mask & RanksPrunedPlacesAsZeros(W, mask, p)


@wrong
def FailsWhereNothingIsDropped(W, mask, p):
    """It fails where no weight is to be dropped, as where none is left: then the next mask is the last one."""
    W[mask].abs().kthvalue(_count(mask, p))
    return prune_round(W, mask, p)


@wrong
def ForgetsTheAbs(W, mask, p):
    """The most negative weights were dropped: rank absolute values."""
    return _drop(W, mask, _count(mask, p))


@wrong
def DropsTheLargest(W, mask, p):
    """The largest weights were dropped: the smallest ones go."""
    return _drop(-W.abs(), mask, _count(mask, p))


@wrong
def MarksThePruned(W, mask, p):
    """The mask is inverted: True is for weights that are kept."""
    return ~prune_round(W, mask, p)


@wrong
def KeepsTheShare(W, mask, p):
    """The share p was kept: it is the share that is dropped."""
    return _drop(W.abs(), mask, int(mask.sum()) - _count(mask, p))


@wrong
def RoundsDown(W, mask, p):
    """The count was cut to an integer: round it to the nearest one, halves up."""
    return _drop(W.abs(), mask, int(p * int(mask.sum())))


@wrong
def RoundsHalvesToEven(W, mask, p):
    """Python's round takes a half to the even neighbour: the contract takes it up."""
    return _drop(W.abs(), mask, round(p * int(mask.sum())))


@wrong
def DropsAllTies(W, mask, p):
    """A threshold dropped every weight of the same size as the last one: the count is exact, ties or not."""
    k = _count(mask, p)
    return mask & (W.abs() > W[mask].abs().sort().values[k - 1]) if k else mask


@wrong
def TiesFromTheEnd(W, mask, p):
    """Of equal weights the last one was dropped: the first goes first."""
    return _drop(W.abs().flatten().flip(0), mask.flatten().flip(0), _count(mask, p)).flip(0).view(mask.shape)
