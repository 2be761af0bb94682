"""Answer to pruning.global_magnitude."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Put all weights into one long tensor first: then it is one layer, which you can prune already.",
    "torch.cat([W.flatten() for W in weights]) keeps the order that ties follow. Rank its magnitudes in a stable sort.",
    "Make one flat mask, cut it with mask.split([W.numel() for W in weights]) and reshape each part like its layer.",
)


def global_magnitude(weights, sparsity):
    return _lowest_of_all_dropped([W.abs() for W in weights], sparsity)


def _lowest_of_all_dropped(scores, sparsity):
    flat = torch.cat([score.flatten() for score in scores])
    mask = torch.ones(len(flat), dtype=torch.bool)
    mask[flat.argsort(stable=True)[: _count(len(flat), sparsity)]] = False
    parts = mask.split([score.numel() for score in scores])
    return [part.reshape(score.shape) for part, score in zip(parts, scores, strict=True)]


def _count(n, sparsity):
    return math.floor(sparsity * n + 0.5)


def cases(rng):
    def signed(magnitudes, shape):
        shuffled = magnitudes[torch.randperm(len(magnitudes), generator=rng)].reshape(shape)
        return (2 * torch.randint(0, 2, shape, generator=rng) - 1) * shuffled / 64

    def draw(group, shapes, widths, sparsity):
        # A layer's magnitudes leave its own rest on division by the number of layers: no two are equal.
        weights = []
        for i, (shape, width) in enumerate(zip(shapes, widths, strict=True)):
            n = math.prod(shape)
            places = torch.randperm(n * width, generator=rng)[:n]
            weights.append(signed(places * len(shapes) + i + 1, shape))
        return case(group, weights=weights, sparsity=sparsity)

    yield draw("layers of different scale", [(5, 4), (3, 5), (2, 3)], [2, 5, 9], 0.4375)
    yield draw("layers of different scale", [(4, 7), (3, 4), (6, 3), (2, 6)], [4, 2, 3, 8], 0.71875)
    yield draw("a convolution and a linear layer", [(4, 2, 3), (3, 4)], [3, 11], 0.5)
    yield draw("the count ends in one half", [(3, 7), (5, 3)], [6, 2], 0.125)
    shapes = [(4, 3), (2, 5), (4, 2)]
    pools = [[1] * 2 + [2] * 6 + [3] * 4, [1] * 3 + [2] * 4 + [5] * 3, [2] * 5 + [4] * 3]
    few = [signed(torch.tensor(pool), shape) for pool, shape in zip(pools, shapes, strict=True)]
    yield case("equal magnitudes in several layers", weights=few, sparsity=0.4375)
    yield case("equal magnitudes in several layers", weights=few[::-1], sparsity=0.5625)
    small, large = 1 + torch.randperm(12, generator=rng), 20 + torch.randperm(10, generator=rng)
    layers = [signed(large, (5, 2)), signed(small, (3, 4))]
    yield case("a layer loses everything", weights=layers, sparsity=0.625)
    yield draw("everything is pruned", [(3, 4), (2, 5)], [3, 6], 1.0)


@right
def one_threshold_and_a_tie_count(weights, sparsity):
    k = _count(sum(W.numel() for W in weights), sparsity)
    ordered = torch.cat([W.flatten() for W in weights]).abs().sort().values
    if k == 0:
        return [torch.ones_like(W, dtype=torch.bool) for W in weights]
    left, masks = k - int((ordered < ordered[k - 1]).sum()), []
    for W in weights:
        tied = (W.abs() == ordered[k - 1]).flatten()
        goes = tied & (tied.cumsum(0) <= left)
        left -= int(goes.sum())
        masks.append((W.abs() >= ordered[k - 1]) & ~goes.reshape(W.shape))
    return masks


@right
def python_sort(weights, sparsity):
    places = [(abs(w), layer, i) for layer, W in enumerate(weights) for i, w in enumerate(W.flatten().tolist())]
    masks = [torch.full(W.shape, True) for W in weights]
    for _, layer, i in sorted(places)[: _count(len(places), sparsity)]:
        masks[layer].view(-1)[i] = False
    return masks


@second_source("torch 2.13: nn.utils.prune.global_unstructured")
def torch_prune(weights, sparsity):
    from torch.nn.utils import prune

    modules, scores, start = [], {}, 0
    for W in weights:
        modules.append(torch.nn.Module())
        modules[-1].weight = torch.nn.Parameter(W.clone())
        # It leaves ties open: an addition too small to part unequal magnitudes settles them.
        places = torch.arange(start, start + W.numel()).reshape(W.shape)
        scores[modules[-1], "weight"] = W.double().abs() + 1e-9 * places
        start += W.numel()
    prune.global_unstructured(list(scores), prune.L1Unstructured, scores, amount=_count(start, sparsity))
    return [module.weight_mask.bool() for module in modules]


@wrong
def RanksEachLayer(weights, sparsity):
    """Every layer lost the same share. One ranking goes over all layers, and the shares follow from it."""
    return [_lowest_of_all_dropped([W.abs()], sparsity)[0] for W in weights]


@wrong
def SharesTheCountEqually(weights, sparsity):
    """Every layer lost the same number of weights, however large it is. Rank all weights together."""
    k = _count(sum(W.numel() for W in weights), sparsity) / len(weights)
    return [_lowest_of_all_dropped([W.abs()], min(k / W.numel(), 1.0))[0] for W in weights]


@wrong
def RescalesTheLayers(weights, sparsity):
    """The magnitudes were divided by a size of their layer first. Rank them as they are: that is what global means."""
    return _lowest_of_all_dropped([W.abs() / W.abs().mean() for W in weights], sparsity)


@wrong
def ForgetsTheAbs(weights, sparsity):
    """The signed weights were sorted, so large negative ones went first. Magnitude is the absolute value."""
    return _lowest_of_all_dropped(weights, sparsity)


@wrong
def InvertsTheMasks(weights, sparsity):
    """The masks are upside down: True marks a weight that is kept."""
    return [~mask for mask in global_magnitude(weights, sparsity)]


@wrong
def PrunesTheTies(weights, sparsity):
    """More was pruned than asked for: a threshold takes all weights that equal it. Prune exactly k of them."""
    ordered = torch.cat([W.flatten() for W in weights]).abs().sort().values
    threshold = ordered[_count(len(ordered), sparsity) - 1]
    return [W.abs() > threshold for W in weights]


@wrong
def PrunesLaterTiesFirst(weights, sparsity):
    """Of equal magnitudes the last one was pruned first. Ties follow the order of the list, then that in a layer."""
    flipped = [W.abs().flatten().flip(0) for W in reversed(weights)]
    masks = _lowest_of_all_dropped(flipped, sparsity)
    return [mask.flip(0).reshape(W.shape) for mask, W in zip(reversed(masks), weights, strict=True)]


@wrong
def CutsTheCount(weights, sparsity):
    """The number of pruned weights was cut to a whole number. It is rounded, and halves go up."""
    n = sum(W.numel() for W in weights)
    return _lowest_of_all_dropped([W.abs() for W in weights], int(sparsity * n) / n)


@wrong
def RoundsHalvesToEven(weights, sparsity):
    """Python's and torch's round take 4.5 to 4, the nearest even number. Here halves go up."""
    n = sum(W.numel() for W in weights)
    return _lowest_of_all_dropped([W.abs() for W in weights], round(sparsity * n) / n)


@wrong
def KeepsTheTies(weights, sparsity):
    """Less was pruned than asked for: all weights that equal the threshold were kept. Prune exactly k of them."""
    ordered = torch.cat([torch.cat([W.flatten() for W in weights]).abs().sort().values, torch.tensor([math.inf])])
    threshold = ordered[_count(len(ordered) - 1, sparsity)]
    return [W.abs() >= threshold for W in weights]


@wrong
def KeepsAllInPlaceOfNone(weights, sparsity):
    """Where nothing should stay everything did: with keep = 0, order[-keep:] is the whole list."""
    masks = global_magnitude(weights, sparsity)
    return masks if any(mask.any() for mask in masks) else [~mask for mask in masks]
