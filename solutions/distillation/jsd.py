"""Answer to distillation.jsd."""

import math

import torch
from torch.nn.functional import kl_div

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write m first. It mixes probabilities, so both softmaxes come before it.",
    "Where a probability is 0, p * log p should be 0. torch.special.xlogy(p, p / m) would still divide 0 by 0; which "
    "logarithms do you know without a division?",
    "log m is torch.logaddexp(log_p + log(beta), log_q + log(1 - beta)), which is always finite. Then add "
    "beta * p * (log_p - log_m) and (1 - beta) * q * (log_q - log_m), and sum over the classes.",
)


def jsd(zp, zq, beta):
    log_p, log_q = zp.log_softmax(-1), zq.log_softmax(-1)
    log_m = torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    return (beta * log_p.exp() * (log_p - log_m) + (1 - beta) * log_q.exp() * (log_q - log_m)).sum(-1)


def cases(rng):
    def draw(group, N, C, beta):
        zp, zq = (2 * torch.randn(N, C, generator=rng) + torch.randn(N, 1, generator=rng) for _ in range(2))
        return case(group, zp=zp, zq=zq, beta=beta)

    yield draw("beta of one half", 3, 5, 0.5)
    yield draw("beta below one half", 2, 6, 0.1)
    yield draw("beta below one half", 5, 4, 0.3)
    yield draw("beta above one half", 4, 3, 0.8)
    zp = 2 * torch.randn(3, 4, generator=rng)
    yield case("equal distributions", zp=zp, zq=zp + torch.tensor([[2.0], [-1.0], [0.5]]), beta=0.6)
    # The last class has no float32 probability in either, the others in one of the two at least.
    apart = torch.tensor([[250.0, 0.0, 1.0, -200.0], [0.0, 1.0, -250.0, -200.0], [0.0, 2.0, 0.5, -300.0]])
    zp, zq = apart[torch.randperm(3, generator=rng)], apart.flip(0)[torch.randperm(3, generator=rng)]
    yield case("logits far apart", zp=zp + torch.randn(3, 4, generator=rng), zq=zq[:, [1, 0, 2, 3]], beta=0.25)


@right
def kl_div_against_the_mixture(zp, zq, beta):
    p, q = zp.double().softmax(-1), zq.double().softmax(-1)
    log_m = (beta * p + (1 - beta) * q).log()
    return (beta * kl_div(log_m, p, reduction="none") + (1 - beta) * kl_div(log_m, q, reduction="none")).sum(-1).float()


@right
def entropy_of_the_mixture(zp, zq, beta):
    # JSD is the entropy of the mixture less the mixture of the entropies.
    p, q = zp.double().softmax(-1), zq.double().softmax(-1)
    mixed, first, second = (torch.special.entr(r).sum(-1) for r in (beta * p + (1 - beta) * q, p, q))
    return (mixed - beta * first - (1 - beta) * second).float()


@right
def class_by_class(zp, zq, beta):
    def part(a, m):
        return a * math.log(a / m) if a > 0 else 0.0

    rows = []
    for p, q in zip(zp.softmax(-1).tolist(), zq.softmax(-1).tolist(), strict=True):
        pairs = [(a, b, beta * a + (1 - beta) * b) for a, b in zip(p, q, strict=True)]
        rows.append(sum(beta * part(a, m) + (1 - beta) * part(b, m) for a, b, m in pairs))
    return torch.tensor(rows)


@second_source("scipy 1.17: spatial.distance.jensenshannon, special.rel_entr where beta is not one half")
def scipy_jensenshannon(zp, zq, beta):
    from scipy.spatial.distance import jensenshannon
    from scipy.special import rel_entr, softmax

    p, q = (softmax(z.double().numpy(), axis=-1) for z in (zp, zq))
    if beta == 0.5:
        return torch.from_numpy(jensenshannon(p, q, axis=-1) ** 2).float()
    m = beta * p + (1 - beta) * q
    return torch.from_numpy((beta * rel_entr(p, m) + (1 - beta) * rel_entr(q, m)).sum(-1)).float()


def _mean_log_ratio(log_a, log_b):
    return (log_a.exp() * (log_a - log_b)).sum(-1)


def _logs(zp, zq, beta):
    """log p, log q and the logarithm of their mixture with weight beta on p."""
    log_p, log_q = zp.log_softmax(-1), zq.log_softmax(-1)
    return log_p, log_q, torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))


@wrong
def MixesHalfAndHalf(zp, zq, beta):
    """The mixture is half of each: its weights are beta and 1 - beta, too."""
    log_p, log_q, log_m = _logs(zp, zq, 0.5)
    return beta * _mean_log_ratio(log_p, log_m) + (1 - beta) * _mean_log_ratio(log_q, log_m)


@wrong
def WeighsHalfAndHalf(zp, zq, beta):
    """The two divergences were averaged: their weights are beta and 1 - beta, like those of the mixture."""
    log_p, log_q, log_m = _logs(zp, zq, beta)
    return (_mean_log_ratio(log_p, log_m) + _mean_log_ratio(log_q, log_m)) / 2


@wrong
def SwapsTheWeights(zp, zq, beta):
    """Teacher and student are swapped: beta goes with p, in the mixture and in front of its divergence."""
    return jsd(zp, zq, 1 - beta)


@wrong
def SwapsTheWeightsOfTheMixture(zp, zq, beta):
    """The weights of the mixture are swapped: beta goes with p there, too."""
    log_p, log_q, log_m = _logs(zp, zq, 1 - beta)
    return beta * _mean_log_ratio(log_p, log_m) + (1 - beta) * _mean_log_ratio(log_q, log_m)


@wrong
def SwapsTheWeightsOfTheParts(zp, zq, beta):
    """The weights of the two divergences are swapped: beta goes with KL(p || m)."""
    log_p, log_q, log_m = _logs(zp, zq, beta)
    return (1 - beta) * _mean_log_ratio(log_p, log_m) + beta * _mean_log_ratio(log_q, log_m)


@wrong
def TakesTheRoot(zp, zq, beta):
    """That is the Jensen-Shannon distance, which scipy returns: the divergence is its square."""
    return jsd(zp.double(), zq.double(), beta).clamp(min=0).sqrt().float()


@wrong
def MixesTheLogits(zp, zq, beta):
    """The logits were mixed before the softmax, which gives another distribution: mix the probabilities."""
    log_m = (beta * zp + (1 - beta) * zq).log_softmax(-1)
    return beta * _mean_log_ratio(zp.log_softmax(-1), log_m) + (1 - beta) * _mean_log_ratio(zq.log_softmax(-1), log_m)


@wrong
def ReversesTheParts(zp, zq, beta):
    """The divergences are reversed: m stands second in both. Mind that F.kl_div(a, b) is KL(b || a)."""
    log_p, log_q, log_m = _logs(zp, zq, beta)
    return beta * _mean_log_ratio(log_m, log_p) + (1 - beta) * _mean_log_ratio(log_m, log_q)


@wrong
def SkipsTheMixture(zp, zq, beta):
    """p and q were compared with each other. Each is compared with the mixture m, which keeps the result finite."""
    log_p, log_q = zp.log_softmax(-1), zq.log_softmax(-1)
    return beta * _mean_log_ratio(log_p, log_q) + (1 - beta) * _mean_log_ratio(log_q, log_p)


@wrong
def LeavesTheEntropiesIn(zp, zq, beta):
    """That is the entropy of the mixture, which is not 0 for equal distributions. p and q are compared with m, so
    log p and log q take part."""
    log_m = _logs(zp, zq, beta)[2]
    return -(log_m.exp() * log_m).sum(-1)


@wrong
def GivesBits(zp, zq, beta):
    """Those are bits: nats use the natural logarithm."""
    return jsd(zp, zq, beta) / math.log(2)


@wrong
def TakesTheLogOfZero(zp, zq, beta):
    """Where a probability is 0 its logarithm is -inf, and 0 times that is nan. Such a class adds nothing."""
    p, q = zp.softmax(-1), zq.softmax(-1)
    m = beta * p + (1 - beta) * q
    return (beta * p * (p.log() - m.log()) + (1 - beta) * q * (q.log() - m.log())).sum(-1)
