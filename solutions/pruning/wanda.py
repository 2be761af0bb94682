"""Answer to pruning.wanda."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "One number per input feature is needed from X. Over which two of its dimensions is the norm taken?",
    "X.flatten(0, 1).norm(dim=0) has the shape (d_in,), and W.abs() times that broadcasts along the rows.",
    "Sort the scores stably: argsort(dim=1, stable=True), for torch wants this dim by name. The first k places of each "
    "row are pruned: start with a mask of ones and let mask.scatter_(1, places, False) do it.",
)


def wanda(W, X, sparsity):
    return _lowest_of_each_row_dropped(W.abs() * X.flatten(0, 1).norm(dim=0), sparsity)


def _lowest_of_each_row_dropped(scores, sparsity):
    """Prune within each row."""
    k = math.floor(sparsity * scores.shape[1] + 0.5)
    mask = torch.ones_like(scores, dtype=torch.bool)
    return mask.scatter_(1, scores.argsort(dim=1, stable=True)[:, :k], False)


def _layer(rng, B, T, d_in, d_out):
    """Draw a weight and inputs until no two scores of a row come close; their squares are exact in float64."""

    # Sums of squares of small whole numbers are exact: equal norms are equal in any order of summation.
    def integers(most, *shape):
        return torch.randint(1, most, shape, generator=rng) * (2 * torch.randint(0, 2, shape, generator=rng) - 1)

    while True:
        seldom = torch.rand(B, T, d_in, generator=rng) < torch.rand(d_in, generator=rng)
        seldom[0, 0] = True
        X = integers(8, B, T, d_in) * seldom * 2 ** torch.randint(0, 4, (d_in,), generator=rng) / 4
        W = integers(120, d_out, d_in) / 64
        squares = (W.double() ** 2 * (X.double() ** 2).sum((0, 1))).sort(dim=1).values
        if (squares[:, 1:] > 1.001 * squares[:, :-1]).all():
            return W, X


def cases(rng):
    def draw(group, shape, d_out, sparsity):
        W, X = _layer(rng, *shape, d_out)
        return case(group, W=W, X=X, sparsity=sparsity)

    def telling(*sizes):
        """Draw until other measures of a feature prune other weights."""
        while True:
            drawn = draw(*sizes)
            measures = (SumsMagnitudes, TakesTheLargestInput, AveragesTheNorms)
            answers = (wanda, *measures, UsesTheFirstSequence, AveragesTheSequencesFirst)
            if len({tuple(answer(**drawn.inputs).flatten().tolist()) for answer in answers}) == len(answers):
                return drawn

    yield telling("features of different scale", (2, 7, 9), 5, 0.5)
    yield draw("features of different scale", (3, 4, 6), 8, 0.25)
    yield draw("features of different scale", (2, 3, 11), 4, 0.6875)
    yield draw("a square weight", (3, 5, 7), 7, 0.375)
    W, X = _layer(rng, 2, 6, 10, 3)
    X = X * (torch.randperm(10, generator=rng) % 2)
    yield case("silent features", W=W, X=X, sparsity=0.3125)
    W, X = _layer(rng, 3, 5, 4, 4)
    # Each column comes twice, with other signs and its tokens in another order.
    W, X = torch.cat([W, -W], 1), torch.cat([X, X.flip(1)], 2)
    yield case("equal scores", W=W, X=X, sparsity=0.375)
    yield case("nothing or everything is pruned", W=W, X=X, sparsity=0.0)
    yield case("nothing or everything is pruned", W=W, X=X, sparsity=1.0)


@right
def root_mean_square_in_float64(W, X, sparsity):
    scores = W.double().abs() * X.double().square().mean((0, 1)).sqrt()
    ranks = scores.argsort(dim=1, stable=True).argsort(dim=1)
    return ranks >= math.floor(sparsity * W.shape[1] + 0.5)


@right
def row_by_row(W, X, sparsity):
    norms = torch.einsum("bti,bti->i", X, X).sqrt().tolist()
    mask = torch.full(W.shape, True)
    for j, row in enumerate(W.tolist()):
        order = sorted(range(len(row)), key=lambda i: abs(row[i]) * norms[i])
        mask[j, order[: math.floor(sparsity * len(row) + 0.5)]] = False
    return mask


@second_source("torch 2.13: nn.utils.prune.l1_unstructured with scores, row by row")
def torch_prune(W, X, sparsity):
    from torch.nn.utils import prune

    norms = torch.linalg.vector_norm(X.double(), dim=(0, 1))
    masks = []
    for row in W:
        module = torch.nn.Module()
        module.row = torch.nn.Parameter(row.clone())
        # It leaves ties open: an addition too small to part unequal scores settles them.
        scores = row.double().abs() * norms + 1e-9 * torch.arange(len(row))
        prune.l1_unstructured(module, "row", math.floor(sparsity * len(row) + 0.5), importance_scores=scores)
        masks.append(module.row_mask.bool())
    return torch.stack(masks)


def _norms(X):
    return X.flatten(0, 1).norm(dim=0)


@wrong
def RanksTheWholeLayer(W, X, sparsity):
    """All scores of the layer were ranked together. Wanda compares within a row, so every output loses equally many."""
    scores = (W.abs() * _norms(X)).reshape(1, -1)
    return _lowest_of_each_row_dropped(scores, sparsity).reshape(W.shape)


@wrong
def RanksEachColumn(W, X, sparsity):
    """The scores were compared within a column. The rows of W are its outputs: compare within a row."""
    return _lowest_of_each_row_dropped((W.abs() * _norms(X)).T, sparsity).T


@wrong
def ForgetsTheInputs(W, X, sparsity):
    """The weights were ranked by magnitude: the norm of the input feature is the other factor."""
    return _lowest_of_each_row_dropped(W.abs(), sparsity)


@wrong
def SumsMagnitudes(W, X, sparsity):
    """The features were measured by their mean magnitude, the L1 norm. A few large inputs count more in the L2 norm."""
    return _lowest_of_each_row_dropped(W.abs() * X.abs().sum((0, 1)), sparsity)


@wrong
def TakesTheLargestInput(W, X, sparsity):
    """The features were measured by their largest input: the L2 norm counts all tokens."""
    return _lowest_of_each_row_dropped(W.abs() * X.abs().amax((0, 1)), sparsity)


@wrong
def ForgetsTheRoot(W, X, sparsity):
    """The norm is still squared: take the square root, or square the weight, too."""
    return _lowest_of_each_row_dropped(W.abs() * _norms(X).square(), sparsity)


@wrong
def ForgetsTheAbs(W, X, sparsity):
    """The signed weights were ranked, so large negative ones went first. Take their magnitude."""
    return _lowest_of_each_row_dropped(W * _norms(X), sparsity)


@wrong
def UsesTheFirstSequence(W, X, sparsity):
    """Only the first sequence was looked at: the norm goes over the tokens of all of them."""
    return _lowest_of_each_row_dropped(W.abs() * X[0].norm(dim=0), sparsity)


@wrong
def AveragesTheSequencesFirst(W, X, sparsity):
    """The sequences were averaged before the norm was taken, so inputs of opposite sign cancelled each other."""
    return _lowest_of_each_row_dropped(W.abs() * X.mean(0).norm(dim=0), sparsity)


@wrong
def InvertsTheMask(W, X, sparsity):
    """The mask is upside down: True marks a weight that is kept."""
    return ~wanda(W, X, sparsity)


@wrong
def CutsTheCount(W, X, sparsity):
    """The number to prune in a row was cut to a whole number. It is rounded, and halves go up."""
    return _lowest_of_each_row_dropped(W.abs() * _norms(X), int(sparsity * W.shape[1]) / W.shape[1])


@wrong
def PrunesLaterTiesFirst(W, X, sparsity):
    """Of equal scores the one with the higher column was pruned first: the lower goes first."""
    return _lowest_of_each_row_dropped((W.abs() * _norms(X)).flip(1), sparsity).flip(1)


@wrong
def AveragesTheNorms(W, X, sparsity):
    """Each sequence got a norm of its own, and these were averaged: one norm goes over the tokens of all sequences."""
    return _lowest_of_each_row_dropped(W.abs() * X.norm(dim=1).mean(0), sparsity)


@wrong
def KeepsByTopk(W, X, sparsity):
    """Of equal scores torch.topk keeps any, in no fixed order. A stable sort keeps theirs."""
    k = math.floor(sparsity * W.shape[1] + 0.5)
    mask = torch.zeros_like(W, dtype=torch.bool)
    return mask.scatter_(1, (W.abs() * _norms(X)).topk(W.shape[1] - k).indices, True)


@wrong
def PrunesByTopk(W, X, sparsity):
    """Of equal scores torch.topk takes any, in no fixed order, to prune. A stable sort keeps theirs."""
    k = math.floor(sparsity * W.shape[1] + 0.5)
    mask = torch.ones_like(W, dtype=torch.bool)
    return mask.scatter_(1, (W.abs() * _norms(X)).topk(k, largest=False).indices, False)


@wrong
def KeepsAllInPlaceOfNone(W, X, sparsity):
    """Where nothing should stay everything did: with keep = 0, order[:, -keep:] is the whole row."""
    mask = wanda(W, X, sparsity)
    return mask if mask.any() else ~mask
