"""Answer to pruning.two_four."""

from itertools import combinations

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Give W a shape in which each group is a row of its own.",
    "W.reshape(-1, 4) does. Now two of four must go in each row: sort its magnitudes stably with argsort(dim=1, "
    "stable=True). (torch wants this dim by name.)",
    "The first two places of each sorted row are pruned: mask.scatter_(1, places, False) on a mask of True. Reshape "
    "the mask like W.",
)


def two_four(W):
    return _prune(W.abs().reshape(-1, 4), 2).reshape(W.shape)


def _prune(scores, k):
    """Prune the k lowest of each row."""
    mask = torch.ones_like(scores, dtype=torch.bool)
    return mask.scatter_(1, scores.argsort(dim=1, stable=True)[:, :k], False)


def cases(rng):
    def signed(magnitudes):
        return magnitudes * (2 * torch.randint(0, 2, magnitudes.shape, generator=rng) - 1) / 16

    def different(d_out, d_in):
        return signed(1 + torch.randperm(3 * d_out * d_in, generator=rng)[: d_out * d_in].reshape(d_out, d_in))

    yield case("no two magnitudes are equal", W=different(4, 12))
    yield case("no two magnitudes are equal", W=different(8, 20))
    yield case("a square weight", W=different(12, 12))
    yield case("one group in a row", W=different(8, 4))
    yield case("equal magnitudes", W=signed(torch.randint(1, 4, (8, 16), generator=rng)))
    # Of each group three are 0: one of them stays.
    few = different(4, 16) * (torch.rand(4, 4, 4, generator=rng).argsort(dim=2) == 0).reshape(4, 16)
    yield case("zeros", W=few)


@right
def number_of_larger_neighbours(W):
    groups = W.abs().reshape(len(W), -1, 4)
    later = torch.ones(4, 4).tril(-1).bool()
    beats = (groups[..., :, None] > groups[..., None, :]) | ((groups[..., :, None] == groups[..., None, :]) & later)
    return (beats.sum(-1) >= 2).reshape(W.shape)


@right
def best_of_the_six_patterns(W):
    # Of patterns that keep as much the last is taken: it keeps the later columns.
    patterns = torch.zeros(6, 4, dtype=torch.bool)
    for pattern, kept in zip(patterns, combinations(range(4), 2), strict=True):
        pattern[list(kept)] = True
    totals = W.abs().reshape(-1, 4) @ patterns.float().T
    return patterns[5 - totals.flip(1).argmax(1)].reshape(W.shape)


@second_source("torch 2.13: ao.pruning.WeightNormSparsifier")
def torch_sparsifier(W):
    from torch.ao.pruning import WeightNormSparsifier

    model = torch.nn.Sequential(torch.nn.Linear(W.shape[1], len(W), bias=False, dtype=torch.float64))
    # It leaves ties open: an addition too small to part unequal magnitudes settles them.
    model[0].weight.data = W.double().abs() + 1e-9 * torch.arange(1, 1 + W.shape[1])
    sparsifier = WeightNormSparsifier(sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    sparsifier.prepare(model, [{"tensor_fqn": "0.weight"}])
    sparsifier.step()
    return model[0].parametrizations.weight[0].mask.bool()


@wrong
def GroupsDownTheColumns(W):
    """The groups run down the columns, along the outputs. They run along the inputs, within a row."""
    return _prune(W.abs().T.reshape(-1, 4), 2).reshape(W.T.shape).T


@wrong
def StridesTheGroups(W):
    """The groups were taken with a stride. A group is four neighbours: reshape(-1, 4), not (4, -1)."""
    strided = W.abs().reshape(len(W), 4, -1).transpose(1, 2)
    return _prune(strided.reshape(-1, 4), 2).reshape(strided.shape).transpose(1, 2).reshape(W.shape)


@wrong
def KeepsOne(W):
    """One weight of each four was kept: the pattern keeps two."""
    return _prune(W.abs().reshape(-1, 4), 3).reshape(W.shape)


@wrong
def PrunesOne(W):
    """One weight of each four was pruned: the pattern prunes two."""
    return _prune(W.abs().reshape(-1, 4), 1).reshape(W.shape)


@wrong
def PrunesHalfOfEachRow(W):
    """Half of each row was pruned, wherever it stood. The hardware needs two of every four neighbours."""
    return _prune(W.abs(), W.shape[1] // 2)


@wrong
def PrunesHalfOfTheLayer(W):
    """Half of the layer was pruned, wherever it stood. The hardware needs two of every four neighbours."""
    return _prune(W.abs().reshape(1, -1), W.numel() // 2).reshape(W.shape)


@wrong
def SlidesTheGroups(W):
    """The groups overlap: they are cut side by side, at columns 0, 4, 8 and so on."""
    mask = torch.ones_like(W, dtype=torch.bool)
    for start in range(W.shape[1] - 3):
        mask[:, start : start + 4] &= _prune(W.abs()[:, start : start + 4], 2)
    return mask


@wrong
def ForgetsTheAbs(W):
    """The signed weights were compared, so large negative ones went first. Compare magnitudes."""
    return _prune(W.reshape(-1, 4), 2).reshape(W.shape)


@wrong
def InvertsTheMask(W):
    """The mask is upside down: True marks a weight that is kept."""
    return ~two_four(W)


@wrong
def PrunesLaterTiesFirst(W):
    """Of equal magnitudes the one with the higher column was pruned first, as topk may do: the lower goes first."""
    return _prune(W.abs().reshape(-1, 4).flip(1), 2).flip(1).reshape(W.shape)


@wrong
def KeepsTheTies(W):
    """A group kept more than two: a threshold keeps all weights that equal it. Keep exactly two."""
    groups = W.abs().reshape(-1, 4)
    return (groups >= groups.sort(dim=1).values[:, 2:3]).reshape(W.shape)


@wrong
def PrunesZerosToo(W):
    """A group with three zeros kept one weight. Keep exactly two: the stored format has two places in any case."""
    return two_four(W) & (W != 0)


@wrong
def KeepsByTopk(W):
    """Of equal magnitudes torch.topk keeps any, in no fixed order. A stable sort keeps theirs."""
    groups = W.abs().reshape(-1, 4)
    mask = torch.zeros_like(groups, dtype=torch.bool)
    return mask.scatter_(1, groups.topk(2).indices, True).reshape(W.shape)
