"""Answer to pruning.lamp."""

import math

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Take one layer and square it. For each of its entries, which of the others enter the sum below?",
    "squares[:, None] <= squares of the flat layer is a matrix that says so: row i marks what is not smaller than "
    "entry i. Summed over its columns it gives all denominators at once.",
    "Divide the squares by (larger * squares).sum(1). The denominator is 0 only in a layer of zeros: there, take 0 "
    "instead of 0 / 0, for instance with torch.where. Reshape each result like its layer.",
)


def lamp(weights):
    return [_scores(W.square()).reshape(W.shape) for W in weights]


def _scores(squares):
    flat = squares.flatten()
    below = ((flat[:, None] <= flat) * flat).sum(1)
    return _ratio(flat, below)


def _ratio(above, below):
    return torch.where(above == 0, 0.0, above / below)


def cases(rng):
    def signed(magnitudes, shape):
        shuffled = magnitudes[torch.randperm(len(magnitudes), generator=rng)].reshape(shape)
        return (2 * torch.randint(0, 2, shape, generator=rng) - 1) * shuffled / 16

    def different(*shape):
        n = math.prod(shape)
        return signed(1 + torch.randperm(2 * n, generator=rng)[:n], shape)

    yield case("layers of different scale", weights=[different(4, 5), different(3, 4) / 16, 4 * different(2, 3)])
    yield case("layers of different scale", weights=[different(5, 3) / 8, different(2, 5)])
    yield case("a convolution and a linear layer", weights=[different(3, 2, 4), different(2, 3)])
    pools = [[1] * 4 + [2] * 5 + [4] * 3, [1] * 3 + [3] * 5 + [7] * 2]
    shapes = [(3, 4), (5, 2)]
    few = [signed(torch.tensor(pool), shape) for pool, shape in zip(pools, shapes, strict=True)]
    yield case("equal magnitudes", weights=few)
    pruned = different(4, 6) * (torch.randperm(24, generator=rng) % 3 == 0).reshape(4, 6)
    yield case("zeros", weights=[pruned, torch.zeros(3, 2), different(2, 4)])
    # Their squares are still far from the smallest float32.
    yield case("tiny weights", weights=[different(3, 4) * 2.0**-36, different(2, 3)])


@right
def sorted_sums(weights):
    scores = []
    for W in weights:
        values, places = W.double().square().flatten().sort()
        sums = values.flip(0).cumsum(0).flip(0)
        # Equal weights share the sum of the first of them.
        below = sums[torch.searchsorted(values, values)]
        score = torch.empty_like(values)
        score[places] = torch.where(values > 0, values / below, 0.0)
        scores.append(score.reshape(W.shape).float())
    return scores


@right
def one_weight_at_a_time(weights):
    scores = []
    for W in weights:
        values = [w * w for w in W.flatten().tolist()]
        found = [value / sum(v for v in values if v >= value) if value else 0.0 for value in values]
        scores.append(torch.tensor(found).reshape(W.shape))
    return scores


@right
def numpy_unique(weights):
    import numpy as np

    scores = []
    for W in weights:
        values, owner, counts = np.unique(np.abs(W.numpy()), return_inverse=True, return_counts=True)
        squares = np.square(values, dtype=np.float64)
        below = np.cumsum((counts * squares)[::-1])[::-1]
        score = np.divide(squares, below, out=np.zeros_like(squares), where=below > 0)
        scores.append(torch.from_numpy(score[owner].reshape(W.shape).astype(np.float32)))
    return scores


@wrong
def SumsOverAllLayers(weights):
    """The sum below ran over the weights of all layers: it is that of the weight's own layer."""
    every = torch.cat([W.flatten() for W in weights]).square()
    return [_ratio(W.square(), ((W.square()[..., None] <= every) * every).sum(-1)) for W in weights]


@wrong
def SumsTheSmaller(weights):
    """The sum below ran over the weights that are not larger: it is over those that are not smaller."""
    flat = [W.square().flatten() for W in weights]
    return [_ratio(f, ((f[:, None] >= f) * f).sum(1)).reshape(W.shape) for f, W in zip(flat, weights, strict=True)]


@wrong
def LeavesItselfOut(weights):
    """The sum below ran over larger weights only, so the largest one was divided by 0. A weight is in its own sum."""
    flat = [W.square().flatten() for W in weights]
    return [_ratio(f, ((f[:, None] < f) * f).sum(1)).reshape(W.shape) for f, W in zip(flat, weights, strict=True)]


@wrong
def ForgetsTheSquare(weights):
    """The magnitudes were added and divided as they are: square them first."""
    return [_scores(W.abs()).reshape(W.shape) for W in weights]


@wrong
def TakesTheRoot(weights):
    """The root of the scores was taken. It would rank alike, but the score is a ratio of squares."""
    return [score.sqrt() for score in lamp(weights)]


@wrong
def DividesByTheWholeLayer(weights):
    """All weights of the layer entered the sum below. Only those that are not smaller do."""
    return [_ratio(W.square(), W.square().sum()) for W in weights]


@wrong
def DividesByTheLargest(weights):
    """The squares were divided by the largest of the layer: the sum of all that are not smaller belongs below."""
    return [_ratio(W.square(), W.square().max()) for W in weights]


@wrong
def BreaksTies(weights):
    """Equal weights got different scores, as a running sum over the sorted ones gives. Each is in the other's sum."""
    scores = []
    for W in weights:
        values, places = W.square().flatten().sort(stable=True)
        score = torch.empty_like(values)
        score[places] = _ratio(values, values.flip(0).cumsum(0).flip(0))
        scores.append(score.reshape(W.shape))
    return scores


@wrong
def SumsWithinRows(weights):
    """The sum below ran over the weight's own row: it is that of the whole layer."""
    return [torch.stack([_scores(row.square()).reshape(row.shape) for row in W]) for W in weights]


@wrong
def DividesZeroByZero(weights):
    """In a layer of zeros 0 was divided by 0, which is nan: a weight of 0 scores 0."""
    flat = [W.square().flatten() for W in weights]
    return [(f / ((f[:, None] <= f) * f).sum(1)).reshape(W.shape) for f, W in zip(flat, weights, strict=True)]


@wrong
def SquaresTheSum(weights):
    """The magnitudes were added and their sum squared. The sum below is one of squares."""
    flat = [W.abs().flatten() for W in weights]
    below = [((f[:, None] <= f) * f).sum(1).square() for f in flat]
    return [_ratio(f.square(), b).reshape(W.shape) for f, b, W in zip(flat, below, weights, strict=True)]


@wrong
def AddsAnEpsilon(weights):
    """The sum below was enlarged, which swallows small weights. Look for 0 / 0 itself: tiny layers have scores, too."""
    flat = [W.square().flatten() for W in weights]
    below = [((f[:, None] <= f) * f).sum(1) + 1e-8 for f in flat]
    return [(f / b).reshape(W.shape) for f, b, W in zip(flat, below, weights, strict=True)]
