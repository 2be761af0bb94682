"""Answer to distillation.topk."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "If the logits that go were -inf, what would a softmax over all V make of them?",
    "A stable sort keeps equal values in their order. torch.topk promises nothing about them, and neither does a "
    "comparison with the k-th value, which may keep too many.",
    "zt.sort(dim=-1, descending=True, stable=True) gives values and indices. Put the softmax of the first k values "
    "where their indices say: torch.zeros_like(zt).scatter(-1, indices, probabilities).",
)


def topk(zt, k):
    values, indices = zt.sort(dim=-1, descending=True, stable=True)
    return torch.zeros_like(zt).scatter(-1, indices[..., :k], values[..., :k].softmax(-1))


def cases(rng):
    def draw(group, shape, k, ties=False):
        zt = 2 * torch.randn(shape, generator=rng)
        return case(group, zt=(zt / 2).round() if ties else zt, k=k)

    yield draw("no ties", (4, 6), 3)
    yield draw("no ties", (2, 9), 4)
    yield draw("ties", (5, 12), 4, ties=True)
    # A long row: torch.topk and an unstable sort choose among equal logits as they please.
    row = torch.randint(0, 3, (2, 200), generator=rng).float()
    yield case("ties", zt=row, k=150)
    yield draw("more leading dimensions", (2, 4, 5), 2)
    yield draw("one class", (4, 5), 1)
    yield draw("all classes", (3, 4), 4)


@right
def mask_by_rank(zt, k):
    order = torch.argsort(-zt, dim=-1, stable=True)
    rank = torch.argsort(order, dim=-1)
    return zt.masked_fill(rank >= k, float("-inf")).softmax(-1)


@right
def probabilities_divided_by_their_sum(zt, k):
    p = zt.double().softmax(-1)
    keep = torch.zeros_like(zt, dtype=torch.bool)
    for row, kept in zip(zt.reshape(-1, zt.shape[-1]).tolist(), keep.view(-1, zt.shape[-1]), strict=True):
        kept[sorted(range(len(row)), key=lambda i: -row[i])[:k]] = True
    p = p * keep
    return (p / p.sum(-1, keepdim=True)).float()


@right
def one_argmax_after_the_other(zt, k):
    left, keep = zt.clone(), torch.zeros_like(zt, dtype=torch.bool)
    V = zt.shape[-1]
    for _ in range(k):
        largest = left == left.amax(-1, keepdim=True)
        first = torch.where(largest, torch.arange(V), V).amin(-1, keepdim=True)
        keep.scatter_(-1, first, True)
        left.scatter_(-1, first, float("-inf"))
    return torch.where(keep, zt, float("-inf")).softmax(-1)


@second_source("numpy 2: lexsort; scipy 1.17: special.softmax")
def numpy_lexsort(zt, k):
    import numpy as np
    from scipy.special import softmax

    z = zt.numpy()
    index = np.broadcast_to(np.arange(z.shape[-1]), z.shape)
    kept = np.lexsort((index, -z), axis=-1)[..., :k]
    out = np.zeros_like(z)
    np.put_along_axis(out, kept, softmax(np.take_along_axis(z, kept, -1), axis=-1), -1)
    return torch.from_numpy(out)


def _kept(zt, k):
    return topk(zt, k) > 0


@wrong
def ForgetsToRenormalise(zt, k):
    """The kept probabilities add up to less than 1: normalise them again."""
    return zt.softmax(-1) * _kept(zt, k)


@wrong
def KeepsAllTies(zt, k):
    """More than k classes were kept where others equal the k-th: exactly k stay, the lowest indices first."""
    threshold = zt.topk(k, -1).values[..., -1:]
    return zt.masked_fill(zt < threshold, float("-inf")).softmax(-1)


@wrong
def LeavesTiesToTorch(zt, k):
    """torch.topk chooses among equal logits as it pleases. The lowest indices count: sort with stable=True."""
    values, indices = zt.topk(k, -1)
    return torch.zeros_like(zt).scatter(-1, indices, values.softmax(-1))


@wrong
def DropsAllTies(zt, k):
    """Classes equal to the k-th were dropped: exactly k stay, the lowest indices first."""
    threshold = zt.topk(k, -1).values[..., -1:]
    above = zt.masked_fill(zt <= threshold, float("-inf"))
    return above.softmax(-1).nan_to_num(0.0)


@wrong
def TiesGoToTheHighestIndex(zt, k):
    """Of equal logits the ones with the highest index were kept: the lowest count."""
    return topk(zt.flip(-1), k).flip(-1)


@wrong
def RanksOverTheBatch(zt, k):
    """The largest were looked for across the first dimension: the classes are the last, and each row has its own k."""
    k_there = min(k, zt.shape[0])
    keep = _kept(zt.transpose(0, -1), k_there).transpose(0, -1)
    return zt.masked_fill(~keep, float("-inf")).softmax(-1).nan_to_num(0.0)


@wrong
def KeepsOnlyTheBest(zt, k):
    """Only the best class is left, which is a hard label: keep k classes and how they relate."""
    return topk(zt, 1)


@wrong
def GivesAllTheSameShare(zt, k):
    """The k kept classes got equal shares: they relate to each other as before."""
    return _kept(zt, k) / k


@wrong
def KeepsTheSmallest(zt, k):
    """The smallest logits were kept: sort in descending order."""
    keep = _kept(-zt, k)
    return zt.masked_fill(~keep, float("-inf")).softmax(-1)


@wrong
def SetsLogitsToZero(zt, k):
    """The other logits were set to 0, which is a logit like any other: its probability is not 0. Use -inf."""
    return (zt * _kept(zt, k)).softmax(-1)


@wrong
def SpreadsTheRest(zt, k):
    """What the dropped classes had was spread over them evenly: their probability is 0."""
    keep, p = _kept(zt, k), zt.softmax(-1)
    dropped = (p * ~keep).sum(-1, keepdim=True) / max(zt.shape[-1] - k, 1)
    return torch.where(keep, p, dropped)


@wrong
def SoftmaxesTheProbabilities(zt, k):
    """A softmax was applied to probabilities: apply it to the kept logits, or divide by the sum."""
    return zt.softmax(-1).masked_fill(~_kept(zt, k), float("-inf")).softmax(-1)


@wrong
def ReturnsOnlyTheKept(zt, k):
    """Only the k kept probabilities came back, sorted: put them where their classes are, among V entries."""
    return zt.sort(dim=-1, descending=True, stable=True).values[..., :k].softmax(-1)
