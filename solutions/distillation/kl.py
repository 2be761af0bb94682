"""Answer to distillation.kl."""

import math

import torch
from torch.nn.functional import kl_div

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "A divergence is an expectation of a difference of logarithms. Under which of the two distributions is it taken?",
    "Take log_softmax of both. For the reverse direction exchange the two, then use the same formula.",
    "With a, b = (log p, log q) or (log q, log p): (a.exp() * (a - b)).sum(-1).",
)


def kl(zp, zq, mode):
    log_p, log_q = zp.log_softmax(-1), zq.log_softmax(-1)
    first, second = (log_p, log_q) if mode == "forward" else (log_q, log_p)
    return (first.exp() * (first - second)).sum(-1)


def cases(rng):
    def draw(group, N, C, mode, spread=2.0):
        zp, zq = (spread * torch.randn(N, C, generator=rng) + torch.randn(N, 1, generator=rng) for _ in range(2))
        return case(group, zp=zp, zq=zq, mode=mode)

    yield draw("forward", 4, 3, "forward")
    yield draw("forward", 2, 7, "forward")
    yield draw("reverse", 3, 5, "reverse")
    yield draw("reverse", 5, 4, "reverse")
    yield draw("logits far apart", 3, 6, "forward", spread=80.0)
    yield draw("logits far apart", 2, 5, "reverse", spread=80.0)
    zp = 2 * torch.randn(3, 4, generator=rng)
    for mode in ("forward", "reverse"):
        yield case("equal distributions", zp=zp, zq=zp + torch.tensor([[2.0], [-1.0], [0.5]]), mode=mode)


@right
def by_kl_div(zp, zq, mode):
    log_p, log_q = zp.log_softmax(-1), zq.log_softmax(-1)
    if mode == "reverse":
        log_p, log_q = log_q, log_p
    return kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)


@right
def by_kl_div_of_probabilities(zp, zq, mode):
    target, given = {"forward": (zp, zq), "reverse": (zq, zp)}[mode]
    return kl_div(given.log_softmax(1), target.softmax(1), reduction="none").sum(1)


@right
def row_by_row_in_float64(zp, zq, mode):
    values = []
    for p, q in zip(zp.double(), zq.double(), strict=True):
        a, b = (p, q) if mode == "forward" else (q, p)
        mean_gap = (a.softmax(0) * (a - b)).sum()
        values.append(mean_gap - a.logsumexp(0) + b.logsumexp(0))
    return torch.stack(values).float()


@second_source("torch.distributions: kl_divergence of two Categorical")
def torch_distributions(zp, zq, mode):
    from torch.distributions import Categorical, kl_divergence

    p, q = Categorical(logits=zp.double()), Categorical(logits=zq.double())
    return (kl_divergence(p, q) if mode == "forward" else kl_divergence(q, p)).float()


@second_source("scipy 1.17: special.rel_entr")
def scipy_rel_entr(zp, zq, mode):
    from scipy.special import rel_entr, softmax

    p, q = (softmax(z.double().numpy(), axis=-1) for z in (zp, zq))
    return torch.from_numpy((rel_entr(p, q) if mode == "forward" else rel_entr(q, p)).sum(-1)).float()


@wrong
def SwapsTheDirections(zp, zq, mode):
    """The directions are swapped: forward is KL(p || q), weighted by the teacher p. F.kl_div(a, b) is KL(b || a)."""
    return kl(zq, zp, mode)


@wrong
def IsAlwaysForward(zp, zq, mode):
    """The mode was ignored: that is the forward divergence in both."""
    return kl(zp, zq, "forward")


@wrong
def GivesBits(zp, zq, mode):
    """Those are bits: nats use the natural logarithm."""
    return kl(zp, zq, mode) / math.log(2)


@wrong
def AveragesOverClasses(zp, zq, mode):
    """The classes were averaged. An expectation is a sum: the probabilities are its weights already."""
    return kl(zp, zq, mode) / zp.shape[1]


@wrong
def AveragesOverRows(zp, zq, mode):
    """The rows were averaged: one value for each was asked for."""
    return kl(zp, zq, mode).mean()


@wrong
def AveragesBothDirections(zp, zq, mode):
    """That is the mean of both directions, which is symmetric. Only the one that mode names was asked for."""
    return (kl(zp, zq, "forward") + kl(zp, zq, "reverse")) / 2


@wrong
def LeavesTheEntropyIn(zp, zq, mode):
    """That is a cross-entropy, which is not 0 for equal distributions: subtract the entropy of the first one."""
    first, second = (zp, zq) if mode == "forward" else (zq, zp)
    return -(first.softmax(-1) * second.log_softmax(-1)).sum(-1)


@wrong
def GivesProbabilitiesToKlDiv(zp, zq, mode):
    """F.kl_div got probabilities: its first argument is a logarithm."""
    first, second = (zp, zq) if mode == "forward" else (zq, zp)
    return kl_div(second.softmax(-1), first.softmax(-1), reduction="none").sum(-1)


@wrong
def SubtractsRawLogits(zp, zq, mode):
    """Raw logits were subtracted. Each row of them has an arbitrary offset: normalise with log_softmax."""
    first, second = (zp, zq) if mode == "forward" else (zq, zp)
    return (first.softmax(-1) * (first - second)).sum(-1)


@wrong
def NormalisesOverTheBatch(zp, zq, mode):
    """The softmax ran over the rows: each row is one distribution over the classes."""
    log_p, log_q = zp.log_softmax(0), zq.log_softmax(0)
    first, second = (log_p, log_q) if mode == "forward" else (log_q, log_p)
    return (first.exp() * (first - second)).sum(-1)


@wrong
def TakesTheLogOfSoftmax(zp, zq, mode):
    """A softmax rounded a tiny probability to 0, and its logarithm is -inf: compute log_softmax in one step."""
    first, second = (zp, zq) if mode == "forward" else (zq, zp)
    p, q = first.softmax(-1), second.softmax(-1)
    return (p * (p.log() - q.log())).sum(-1)
