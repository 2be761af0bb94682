"""Answer to pruning.sensitivity."""

import math
from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Two loops, over the layers and over the sparsities. What must the list look like that evaluate gets inside?",
    "It is a new list with one element replaced: copy = list(weights), then copy[i] = the pruned layer. Begin with a "
    "fresh copy for every sparsity.",
    "The pruned layer is weights[i] times its magnitude mask, which `magnitude` gives you. Collect the floats of each "
    "layer in a list, and those lists in torch.tensor([...]).",
)


def sensitivity(evaluate, weights, sparsities):
    return torch.tensor(
        [
            [evaluate([*weights[:i], _pruned(W, sparsity), *weights[i + 1 :]]) for sparsity in sparsities]
            for i, W in enumerate(weights)
        ]
    )


def _pruned(W, sparsity):
    k = math.floor(sparsity * W.numel() + 0.5)
    flat = W.flatten()
    return flat.index_fill(0, flat.abs().argsort(stable=True)[:k], 0).reshape(W.shape)


def cases(rng):
    def draw(group, sizes, tokens, sparsities):
        weights = []
        for d_in, d_out in pairwise(sizes):
            signs = 2 * torch.randint(0, 2, (d_out, d_in), generator=rng) - 1
            magnitudes = 1 + torch.randperm(2 * d_out * d_in, generator=rng)[: d_out * d_in].reshape(d_out, d_in)
            weights.append(signs * magnitudes / (d_out * d_in))
        X = torch.randn(tokens, sizes[0], generator=rng)
        Y = torch.randn(tokens, sizes[-1], generator=rng)
        return case(group, weights=weights, sparsities=sparsities, X=X, Y=Y)

    yield draw("rising sparsities", [5, 7, 4], 9, [0.25, 0.5, 0.6875, 0.875])
    yield draw("rising sparsities", [4, 6, 5, 3], 7, [0.375, 0.75])
    yield draw("sparsities in any order", [6, 5, 4], 8, [0.8125, 0.3125, 0.5625])
    yield draw("sparsities in any order", [3, 4, 6, 5, 2], 10, [0.5, 0.75, 0.25])
    yield draw("nothing and everything", [4, 5, 3], 6, [1.0, 0.0])
    yield draw("one layer", [6, 4], 5, [0.625, 0.125, 0.4375])


@right
def one_copy_that_is_mended(evaluate, weights, sparsities):
    table = torch.empty(len(weights), len(sparsities))
    work = [W.clone() for W in weights]
    for i, W in enumerate(weights):
        ordered = torch.cat([W.abs().flatten().sort().values, torch.tensor([math.inf])])
        for j, sparsity in enumerate(sparsities):
            threshold = ordered[math.floor(sparsity * W.numel() + 0.5)]
            work[i][W.abs() < threshold] = 0
            table[i, j] = evaluate(work)
            work[i].copy_(W)
    return table


@right
def sparsity_by_sparsity(evaluate, weights, sparsities):
    columns = []
    for sparsity in sparsities:
        column = []
        for i in range(len(weights)):
            column.append(evaluate([_pruned(W, sparsity if i == j else 0.0) for j, W in enumerate(weights)]))
        columns.append(torch.tensor(column, dtype=torch.float64))
    return torch.stack(columns, dim=1).float()


@second_source("torch 2.13: nn.utils.prune.l1_unstructured")
def torch_prune(evaluate, weights, sparsities):
    from torch.nn.utils import prune

    table = torch.zeros(len(weights), len(sparsities))
    for i in range(len(weights)):
        for j, sparsity in enumerate(sparsities):
            layers = torch.nn.ModuleList(torch.nn.Linear(*W.T.shape, bias=False) for W in weights)
            for layer, W in zip(layers, weights, strict=True):
                layer.weight.data = W.clone()
            prune.l1_unstructured(layers[i], "weight", math.floor(sparsity * weights[i].numel() + 0.5))
            table[i, j] = evaluate([layer.weight for layer in layers])
    return table


def _scan(evaluate, weights, sparsities, prune):
    """Evaluate `prune(i, sparsity)`, a list of weights, for all layers and sparsities."""
    return torch.tensor([[evaluate(prune(i, sparsity)) for sparsity in sparsities] for i in range(len(weights))])


def _replaced(weights, i, W):
    return [*weights[:i], W, *weights[i + 1 :]]


@wrong
def LeavesLayersPruned(evaluate, weights, sparsities):
    """Layers that were scanned before are still pruned: all others must be as they were given."""
    work = list(weights)

    def prune(i, sparsity):
        work[i] = _pruned(weights[i], sparsity)
        return work

    return _scan(evaluate, weights, sparsities, prune)


@wrong
def PrunesWhatIsPruned(evaluate, weights, sparsities):
    """A layer was not restored between two sparsities, so a lower one after a higher one changed nothing."""
    work = list(weights)

    def prune(i, sparsity):
        work[i] = _pruned(work[i], sparsity)
        return _replaced(weights, i, work[i])

    return _scan(evaluate, weights, sparsities, prune)


@wrong
def PrunesEveryLayer(evaluate, weights, sparsities):
    """All layers were pruned together, so every row is the same. Prune one at a time."""
    return _scan(evaluate, weights, sparsities, lambda i, sparsity: [_pruned(W, sparsity) for W in weights])


@wrong
def PrunesTheOthers(evaluate, weights, sparsities):
    """All layers were pruned but one. It is the other way round: one layer is pruned, all others stay."""
    return _scan(
        evaluate,
        weights,
        sparsities,
        lambda i, sparsity: _replaced([_pruned(W, sparsity) for W in weights], i, weights[i]),
    )


@wrong
def TransposesTheTable(evaluate, weights, sparsities):
    """Rows and columns are swapped: a row belongs to a layer, a column to a sparsity."""
    return sensitivity(evaluate, weights, sparsities).T


@wrong
def PrunesTheLargest(evaluate, weights, sparsities):
    """The weights of largest magnitude were pruned: those of least magnitude should be."""
    return _scan(
        evaluate, weights, sparsities, lambda i, s: _replaced(weights, i, weights[i] - _pruned(weights[i], 1 - s))
    )


@wrong
def ForgetsTheAbs(evaluate, weights, sparsities):
    """The signed weights were sorted, so large negative ones went first. Magnitude is the absolute value."""

    def prune(i, sparsity):
        k = math.floor(sparsity * weights[i].numel() + 0.5)
        flat = weights[i].flatten()
        return _replaced(weights, i, flat.index_fill(0, flat.argsort()[:k], 0).reshape(weights[i].shape))

    return _scan(evaluate, weights, sparsities, prune)


@wrong
def ReportsTheIncrease(evaluate, weights, sparsities):
    """The loss of the unpruned network was subtracted. The table holds the losses themselves."""
    return sensitivity(evaluate, weights, sparsities) - evaluate(weights)


@wrong
def KeepsTheShare(evaluate, weights, sparsities):
    """That share of the layer was kept. Sparsity is the share that is pruned."""
    return sensitivity(evaluate, weights, [1 - sparsity for sparsity in sparsities])


@wrong
def RanksAllLayersTogether(evaluate, weights, sparsities):
    """One threshold for the whole network was used, so a layer lost another share than its column says."""
    ordered = torch.cat([torch.cat([W.flatten() for W in weights]).abs().sort().values, torch.tensor([math.inf])])

    def prune(i, sparsity):
        threshold = ordered[math.floor(sparsity * (len(ordered) - 1) + 0.5)]
        return _replaced(weights, i, weights[i] * (weights[i].abs() >= threshold))

    return _scan(evaluate, weights, sparsities, prune)


@wrong
def ThresholdsAtSparsity(evaluate, weights, sparsities):
    """The magnitudes were compared with the sparsity itself. It is a share of the weights, not a magnitude."""
    return _scan(
        evaluate, weights, sparsities, lambda i, s: _replaced(weights, i, weights[i] * (weights[i].abs() >= s))
    )


@wrong
def CutsTheCount(evaluate, weights, sparsities):
    """The number of pruned weights was cut to a whole number. It is rounded, and halves go up."""

    def prune(i, sparsity):
        n = weights[i].numel()
        return _replaced(weights, i, _pruned(weights[i], int(sparsity * n) / n))

    return _scan(evaluate, weights, sparsities, prune)


@wrong
def RoundsHalvesToEven(evaluate, weights, sparsities):
    """Python's and torch's round take 4.5 to 4, the nearest even number. Here halves go up."""

    def prune(i, sparsity):
        n = weights[i].numel()
        return _replaced(weights, i, _pruned(weights[i], round(sparsity * n) / n))

    return _scan(evaluate, weights, sparsities, prune)
