"""Answer to distillation.ensemble."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "In which order do these three come: the mean over the nets, the logarithm, the softmax over the classes?",
    "log_softmax over the classes comes first. The logarithm of a sum of exponentials is logsumexp, which never "
    "leaves the logarithm, so nothing underflows.",
    "logits.log_softmax(-1).logsumexp(0) is the logarithm of the sum over the nets. A mean divides by M: subtract "
    "math.log(len(logits)).",
)


def ensemble(logits):
    return logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))


def cases(rng):
    def draw(group, M, N, C, spread=2.0):
        # Each net has its own offset and its own sharpness, so that averaging earlier gives something else.
        offset, sharpness = torch.randn(M, N, 1, generator=rng), 0.5 + torch.rand(M, 1, 1, generator=rng)
        return case(group, logits=spread * sharpness * torch.randn(M, N, C, generator=rng) + offset)

    yield draw("several nets", 3, 4, 5)
    yield draw("several nets", 5, 2, 3)
    yield draw("as many nets as examples and classes", 4, 4, 4)
    yield draw("one net", 1, 3, 6)
    yield draw("logits far apart", 2, 5, 3, spread=200.0)
    yield draw("logits far apart", 4, 2, 6, spread=300.0)
    one = 2 * torch.randn(1, 3, 4, generator=rng)
    yield case("nets that agree", logits=one + torch.tensor([0.0, 3.0, -2.0])[:, None, None])


@right
def net_after_net(logits):
    total = torch.tensor(-torch.inf, dtype=torch.float64)
    for net in logits.double():
        total = torch.logaddexp(total, net - net.logsumexp(-1, keepdim=True) - math.log(len(logits)))
    return total.float()


@right
def largest_taken_out(logits):
    # The largest log-probability of a class is taken out, so that its exponential is 1.
    log_p = logits.log_softmax(-1)
    top = log_p.amax(0)
    return top + (log_p - top).exp().mean(0).log()


@second_source("torch.distributions: MixtureSameFamily of Categorical")
def torch_mixture(logits):
    from torch.distributions import Categorical, MixtureSameFamily

    M, N, C = logits.shape
    mixture = MixtureSameFamily(Categorical(torch.ones(N, M)), Categorical(logits=logits.transpose(0, 1)))
    return torch.stack([mixture.log_prob(torch.full((N,), c)) for c in range(C)], dim=1)


@second_source("scipy 1.17: special.logsumexp with weights")
def scipy_logsumexp(logits):
    from scipy.special import log_softmax, logsumexp

    log_p = log_softmax(logits.double().numpy(), axis=-1)
    return torch.from_numpy(logsumexp(log_p, axis=0, b=1 / len(log_p))).float()


@wrong
def AveragesTheLogits(logits):
    """The logits were averaged, and each net has an offset and a scale of its own: average probabilities."""
    return logits.mean(0)


@wrong
def NormalisesTheMeanLogit(logits):
    """That is a softmax of the mean logits, a geometric mean: a net that is sure of a class's absence vetoes it.
    Average the probabilities."""
    return logits.mean(0).log_softmax(-1)


@wrong
def AveragesLogProbabilities(logits):
    """Log-probabilities were averaged. That is a geometric mean, and its exponentials do not add up to 1."""
    return logits.log_softmax(-1).mean(0)


@wrong
def SumsTheProbabilities(logits):
    """The probabilities were added: a mean divides by the number of nets."""
    return logits.log_softmax(-1).logsumexp(0)


@wrong
def SubtractsM(logits):
    """M itself was subtracted. Dividing inside a logarithm subtracts the logarithm of M."""
    return logits.log_softmax(-1).logsumexp(0) - len(logits)


@wrong
def ReturnsProbabilities(logits):
    """Those are probabilities: take their logarithm, so that they can stand where a teacher's logits stand."""
    return logits.softmax(-1).mean(0)


@wrong
def TakesTheLogOfTheMean(logits):
    """A softmax rounded a tiny probability to 0 in every net, and its logarithm is -inf: stay with logarithms."""
    return logits.softmax(-1).mean(0).log()


@wrong
def NormalisesOverTheNets(logits):
    """The softmax ran over the nets: each net has a distribution over the classes, the last dimension."""
    return logits.log_softmax(0).logsumexp(0) - math.log(len(logits))


@wrong
def NormalisesOverTheExamples(logits):
    """The softmax ran over the examples: the classes are the last dimension."""
    return logits.log_softmax(1).logsumexp(0) - math.log(len(logits))


@wrong
def SkipsTheSoftmax(logits):
    """Raw logits were exponentiated, so a net with larger logits counts more: normalise each net first."""
    return logits.logsumexp(0) - math.log(len(logits))


@wrong
def TrustsTheSurestNet(logits):
    """Only the net with the largest probability counts. All nets are averaged."""
    return logits.log_softmax(-1).amax(0)


@wrong
def AveragesOverTheExamples(logits):
    """The mean ran over the examples: the nets are the first dimension."""
    return logits.log_softmax(-1).logsumexp(1) - math.log(logits.shape[1])
