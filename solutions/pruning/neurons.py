"""Answer to pruning.neurons."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Row j of W1 leads into neuron j. Where else does neuron j appear?",
    "It has an entry of b1 and a column of W2. First find which neurons stay: sort W1.norm(dim=1) stably.",
    "kept = W1.norm(dim=1).argsort(stable=True)[k:].sort().values puts them in their old order. Then index the rows "
    "of W1, the entries of b1 and the columns of W2 with it.",
)


def neurons(W1, b1, W2, k):
    return _cut(W1, b1, W2, W1.norm(dim=1), k)


def _cut(W1, b1, W2, scores, k):
    kept = scores.argsort(stable=True)[k:].sort().values
    return W1[kept], b1[kept], W2[:, kept]


def cases(rng):
    # Sums of squares of whole numbers are exact: equal norms are equal in any order of summation.
    def integers(*shape):
        return torch.randint(-30, 31, shape, generator=rng)

    def around(group, W1, d_out, k):
        d_hidden = len(W1)
        b1 = 1.5 * torch.randn(d_hidden, generator=rng)
        W2 = torch.randn(d_out, d_hidden, generator=rng)
        return case(group, W1=W1 / 16, b1=b1, W2=W2, k=k)

    def draw(group, d_hidden, d_in, d_out, k):
        W1 = integers(d_hidden, d_in)
        while len(W1.square().sum(1).unique()) < d_hidden:
            W1 = integers(d_hidden, d_in)
        return around(group, W1, d_out, k)

    def telling(group, *sizes):
        """Draw until other ways to rank the neurons remove other ones."""
        while True:
            drawn = draw(group, *sizes)
            left = [answer(**drawn.inputs)[0] for answer in (neurons, SumsMagnitudes, CountsTheBias)]
            if len({tuple(W1.flatten().tolist()) for W1 in left}) == len(left):
                return drawn

    yield telling("no two norms are equal", 9, 5, 4, 4)
    yield telling("no two norms are equal", 12, 3, 15, 7)
    yield draw("as many outputs as neurons", 8, 6, 8, 3)
    row = integers(4)
    row[0] = 31
    turned = torch.stack([row[torch.randperm(4, generator=rng)] for _ in range(5)]) * torch.tensor([[1], [-1]] * 3)[:5]
    mixed = torch.cat([turned, 3 * turned[:2], turned[2:4] // 4])
    yield around("equal norms", mixed[torch.randperm(9, generator=rng)], 5, 4)
    silent = integers(7, 4) + 40
    silent[torch.randperm(7, generator=rng)[:3]] = 0
    yield around("neurons without incoming weights", silent, 3, 2)
    yield draw("no neuron goes, or all but one", 6, 4, 3, 0)
    yield draw("no neuron goes, or all but one", 5, 3, 7, 4)


@right
def mask_of_neurons(W1, b1, W2, k):
    ranks = W1.double().square().sum(1).argsort(stable=True).argsort()
    return W1[ranks >= k], b1[ranks >= k], W2.T[ranks >= k].T


@right
def one_after_another(W1, b1, W2, k):
    norms = torch.linalg.vector_norm(W1, dim=1).tolist()
    left = list(range(len(norms)))
    for _ in range(k):
        left.remove(min(left, key=lambda j: norms[j]))
    rows = [W1[j] for j in left]
    return torch.stack(rows), b1[left], torch.stack([W2[:, j] for j in left], dim=1)


@second_source("torch 2.13: nn.utils.prune.ln_structured")
def torch_prune(W1, b1, W2, k):
    from torch.nn.utils import prune

    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(W1.clone())
    # It leaves ties open: a factor too small to part unequal norms settles them, and a column those of zeros.
    places = 1e-9 * torch.arange(1, 1 + len(W1), dtype=torch.float64)[:, None]
    scores = W1.double() * (1 + places)
    scores[:, 0] += places[:, 0] * (W1 == 0).all(1)
    prune.ln_structured(module, "weight", k, n=2, dim=0, importance_scores=scores)
    kept = module.weight_mask.bool().all(1) if k else torch.ones(len(W1), dtype=torch.bool)
    return W1[kept], b1[kept], W2[:, kept]


@wrong
def LeavesW2(W1, b1, W2, k):
    """W2 still has a column for every old neuron: cut the columns of those that went."""
    W1, b1, _ = neurons(W1, b1, W2, k)
    return W1, b1, W2


@wrong
def LeavesTheBias(W1, b1, W2, k):
    """b1 still has an entry for every old neuron: cut those that went."""
    W1, _, W2 = neurons(W1, b1, W2, k)
    return W1, b1, W2


@wrong
def ZeroesInstead(W1, b1, W2, k):
    """The neurons were set to zero, which saves no time. Return smaller tensors."""
    gone = W1.norm(dim=1).argsort(stable=True)[:k]
    return W1.index_fill(0, gone, 0), b1.index_fill(0, gone, 0), W2.index_fill(1, gone, 0)


@wrong
def CutsRowsOfW2(W1, b1, W2, k):
    """Rows of W2 were cut, but those are the outputs. The hidden neurons are its columns."""
    kept = W1.norm(dim=1).argsort(stable=True)[k:].sort().values
    return W1[kept], b1[kept], W2[kept[kept < len(W2)]]


@wrong
def CutsTheLargest(W1, b1, W2, k):
    """The neurons of largest norm went: those of least norm should."""
    return _cut(W1, b1, W2, -W1.norm(dim=1), k)


@wrong
def KeepsThatMany(W1, b1, W2, k):
    """That many neurons were kept: k says how many go."""
    return neurons(W1, b1, W2, len(W1) - k)


@wrong
def SortsTheNeurons(W1, b1, W2, k):
    """The neurons came back sorted by norm. They keep their old order."""
    kept = W1.norm(dim=1).argsort(stable=True)[k:]
    return W1[kept], b1[kept], W2[:, kept]


@wrong
def PutsTheLargestFirst(W1, b1, W2, k):
    """The neurons came back with the largest norm first, as torch.topk lists them. They keep their old order."""
    kept = W1.norm(dim=1).argsort(stable=True)[k:].flip(0)
    return W1[kept], b1[kept], W2[:, kept]


@wrong
def CutsTheLast(W1, b1, W2, k):
    """The last k neurons went, whatever their norms."""
    kept = len(W1) - k
    return W1[:kept], b1[:kept], W2[:, :kept]


@wrong
def SumsMagnitudes(W1, b1, W2, k):
    """The neurons were ranked by the sum of magnitudes, the L1 norm. Here it is the L2 norm."""
    return _cut(W1, b1, W2, W1.abs().sum(1), k)


@wrong
def CountsTheBias(W1, b1, W2, k):
    """The bias entered the norm: score a neuron by its incoming weights alone."""
    return _cut(W1, b1, W2, torch.cat([W1, b1[:, None]], 1).norm(dim=1), k)


@wrong
def RanksByOutgoingWeights(W1, b1, W2, k):
    """The neurons were ranked by their columns of W2. The incoming weights, their rows of W1, count."""
    return _cut(W1, b1, W2, W2.norm(dim=0), k)


@wrong
def CutsLaterTiesFirst(W1, b1, W2, k):
    """Of equal norms the neuron with the higher index went first: the lower goes first."""
    W1, b1, W2 = neurons(W1.flip(0), b1.flip(0), W2.flip(1), k)
    return W1.flip(0), b1.flip(0), W2.flip(1)


@wrong
def LeavesNoneInPlaceOfAll(W1, b1, W2, k):
    """Where no neuron should go all went: with k = 0, order[:-k] is empty."""
    return neurons(W1, b1, W2, k) if k else (W1[:0], b1[:0], W2[:, :0])
