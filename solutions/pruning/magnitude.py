"""Answer to pruning.magnitude."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Sort the magnitudes. Which function of torch returns the places of the sorted values rather than the values?",
    "W.abs().flatten().argsort(stable=True) lists the places from the least magnitude up, equal ones in their order.",
    "Start with a flat mask of True, set it to False at the first k of those places, and reshape it like W. "
    "k is math.floor(sparsity * W.numel() + 0.5).",
)


def magnitude(W, sparsity):
    k = math.floor(sparsity * W.numel() + 0.5)
    return _without_lowest(W.abs(), k)


def _without_lowest(scores, k):
    mask = torch.ones(scores.numel(), dtype=torch.bool)
    mask[scores.flatten().argsort(stable=True)[:k]] = False
    return mask.reshape(scores.shape)


def cases(rng):
    def draw(group, magnitudes, shape, sparsity):
        signs = 2 * torch.randint(0, 2, shape, generator=rng) - 1
        shuffled = magnitudes[torch.randperm(len(magnitudes), generator=rng)]
        return case(group, W=signs * shuffled.reshape(shape) / 16, sparsity=sparsity)

    def different(n):
        return 1 + torch.randperm(3 * n, generator=rng)[:n]

    yield draw("no two magnitudes are equal", different(35), (5, 7), 0.25)
    yield draw("no two magnitudes are equal", different(54), (9, 6), 0.6875)
    yield draw("a convolution's weight", different(72), (3, 2, 3, 4), 0.5)
    yield draw("the count ends in one half", different(36), (9, 4), 0.125)
    # The boundary always falls inside the middle value, the last case's inside its zeros.
    few = torch.tensor([1] * 7 + [2] * 14 + [3] * 9)
    yield draw("equal magnitudes", few, (6, 5), 0.5)
    yield draw("equal magnitudes", few - 1, (3, 10), 0.1875)
    yield draw("nothing or everything is pruned", different(8), (4, 2), 0.0)
    yield draw("nothing or everything is pruned", different(6), (2, 3), 1.0)


@right
def rank_of_each_weight(W, sparsity):
    ranks = W.abs().flatten().argsort(stable=True).argsort(stable=True)
    return ranks.reshape(W.shape) >= int(sparsity * W.numel() + 0.5)


@right
def counting_what_goes_before(W, sparsity):
    flat, places = W.abs().flatten(), torch.arange(W.numel())
    first = (flat[:, None] < flat) | ((flat[:, None] == flat) & (places[:, None] < places))
    return (first.sum(0) >= math.floor(sparsity * W.numel() + 0.5)).view_as(W)


@right
def python_sort(W, sparsity):
    values = W.flatten().tolist()
    order = sorted(range(len(values)), key=lambda i: (abs(values[i]), i))
    pruned = set(order[: math.floor(sparsity * len(values) + 0.5)])
    return torch.tensor([i not in pruned for i in range(len(values))]).reshape(W.shape)


@second_source("torch 2.13: nn.utils.prune.l1_unstructured")
def torch_prune(W, sparsity):
    from torch.nn.utils import prune

    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(W.clone())
    # It leaves ties open: an addition too small to part unequal magnitudes settles them.
    scores = W.double().abs() + 1e-9 * torch.arange(W.numel()).reshape(W.shape)
    prune.l1_unstructured(module, "weight", math.floor(sparsity * W.numel() + 0.5), importance_scores=scores)
    return module.weight_mask.bool()


@wrong
def PrunesTheTies(W, sparsity):
    """More was pruned than asked for: a threshold takes all weights that equal it. Prune exactly k of them."""
    k = math.floor(sparsity * W.numel() + 0.5)
    return W.abs() > (W.abs().flatten().sort().values[k - 1] if k else -1)


@wrong
def KeepsTheTies(W, sparsity):
    """Less was pruned than asked for: all weights that equal the threshold were kept. Prune exactly k of them."""
    k = math.floor(sparsity * W.numel() + 0.5)
    return W.abs() >= (W.abs().flatten().sort().values[k] if k < W.numel() else math.inf)


@wrong
def PrunesLaterTiesFirst(W, sparsity):
    """Of equal magnitudes the later one was pruned first. See what your sort does with equal values."""
    return _without_lowest(W.abs().flatten().flip(0), math.floor(sparsity * W.numel() + 0.5)).flip(0).reshape(W.shape)


@wrong
def ForgetsTheAbs(W, sparsity):
    """The signed weights were sorted, so large negative ones went first. Magnitude is the absolute value."""
    return _without_lowest(W, math.floor(sparsity * W.numel() + 0.5))


@wrong
def InvertsTheMask(W, sparsity):
    """The mask is upside down: True marks a weight that is kept."""
    return ~magnitude(W, sparsity)


@wrong
def CutsTheCount(W, sparsity):
    """The number of pruned weights was cut to a whole number. It is rounded, and halves go up."""
    return _without_lowest(W.abs(), int(sparsity * W.numel()))


@wrong
def RoundsHalvesToEven(W, sparsity):
    """Python's and torch's round take 4.5 to 4, the nearest even number. Here halves go up."""
    return _without_lowest(W.abs(), round(sparsity * W.numel()))


@wrong
def KeepsTheShare(W, sparsity):
    """That share of the weights was kept. Sparsity is the share that is pruned."""
    return _without_lowest(W.abs(), W.numel() - math.floor(sparsity * W.numel() + 0.5))


@wrong
def RanksEachRow(W, sparsity):
    """Every row lost the same number of weights. Rank all weights of the layer together."""
    return torch.stack([magnitude(row, sparsity) for row in W])


@wrong
def ThresholdsAtSparsity(W, sparsity):
    """The magnitudes were compared with the sparsity itself. It is a share of the weights, not a magnitude."""
    return W.abs() >= sparsity


@wrong
def KeepsByTopk(W, sparsity):
    """Of equal magnitudes torch.topk keeps any, in no fixed order. A stable sort keeps theirs."""
    k = math.floor(sparsity * W.numel() + 0.5)
    mask = torch.zeros(W.numel(), dtype=torch.bool)
    mask[W.abs().flatten().topk(W.numel() - k).indices] = True
    return mask.reshape(W.shape)


@wrong
def PrunesByTopk(W, sparsity):
    """Of equal magnitudes torch.topk takes any, in no fixed order, to prune. A stable sort keeps theirs."""
    mask = torch.ones(W.numel(), dtype=torch.bool)
    mask[W.abs().flatten().topk(math.floor(sparsity * W.numel() + 0.5), largest=False).indices] = False
    return mask.reshape(W.shape)


@wrong
def KeepsAllInPlaceOfNone(W, sparsity):
    """Where nothing should stay everything did: with keep = 0, order[-keep:] is the whole list."""
    return magnitude(W, sparsity) if math.floor(sparsity * W.numel() + 0.5) < W.numel() else torch.full(W.shape, True)
