"""Answer to distillation.soften."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The temperature acts on the logits. What must then happen for the classes to add up to 1?",
    "Divide the logits by T and apply a softmax over the last dimension.",
    "(z / T).softmax(dim=-1): the built-in softmax subtracts the largest logit first, so nothing overflows.",
)


def soften(z, T):
    return (z / T).softmax(-1)


def cases(rng):
    def draw(group, shape, T):
        return case(group, z=2 * torch.randn(shape, generator=rng) + 1, T=T)

    yield draw("T above 1", (5, 3), 3.5)
    yield draw("T above 1", (2, 7), 8.0)
    yield draw("T below 1", (4, 6), 0.4)
    yield draw("T = 1", (3, 5), 1.0)
    yield draw("one distribution", (6,), 2.0)
    yield draw("more leading dimensions", (2, 4, 3), 1.5)
    # Integers and a power of two: the quotients are exact, however large they are.
    z = torch.randint(-6, 7, (4, 5), generator=rng) + torch.tensor([[1000.0], [-990.0], [700.0], [-450.0]])
    z[0, 1] = z[0, 3]
    yield case("logits far from 0", z=z, T=4.0)


@right
def shifted_by_the_largest(z, T):
    weights = ((z - z.amax(-1, keepdim=True)) / T).exp()
    return weights / weights.sum(-1, keepdim=True)


@right
def through_the_logarithm_in_float64(z, T):
    scaled = z.double() / T
    return (scaled - scaled.logsumexp(-1, keepdim=True)).exp().float()


@right
def pairs_of_classes(z, T):
    # 1 / p_i is the sum over j of exp((z_j - z_i) / T).
    return 1 / ((z[..., None, :] - z[..., :, None]).double() / T).exp().sum(-1).float()


@second_source("scipy 1.17: special.softmax")
def scipy_softmax(z, T):
    from scipy.special import softmax

    return torch.from_numpy(softmax(z.numpy() / T, axis=-1))


@wrong
def IgnoresT(z, T):
    """T was not used: divide the logits by it."""
    return z.softmax(-1)


@wrong
def MultipliesByT(z, T):
    """The logits were multiplied by T, which sharpens above 1: divide."""
    return (z * T).softmax(-1)


@wrong
def DividesByTSquared(z, T):
    """The logits were divided by T squared. The square belongs to the loss; here T stands once."""
    return (z / T**2).softmax(-1)


@wrong
def DividesTheProbabilities(z, T):
    """The probabilities were divided by T, so they no longer add up to 1: divide the logits, before the softmax."""
    return z.softmax(-1) / T


@wrong
def SoftensTheProbabilities(z, T):
    """A softmax was applied to probabilities. It belongs on the logits, and only once."""
    return (z.softmax(-1) / T).softmax(-1)


@wrong
def ForgetsToNormalise(z, T):
    """The probabilities were raised to 1 / T, which is the right shape, but they no longer add up to 1."""
    return z.softmax(-1) ** (1 / T)


@wrong
def NormalisesOverTheBatch(z, T):
    """The softmax ran over the first dimension: the classes are the last."""
    return (z / T).softmax(0)


@wrong
def NormalisesOverDimensionOne(z, T):
    """The softmax ran over dimension 1, which is the last one of two only. There may be any number: use -1."""
    return (z / T).softmax(1)


@wrong
def NormalisesOverEverything(z, T):
    """All entries together add up to 1: each distribution over the last dimension should."""
    return (z / T).flatten().softmax(0).reshape(z.shape)


@wrong
def OverflowsInExp(z, T):
    """The exponentials of large logits are infinite, those of very negative ones are 0, and their quotient is nan.
    Shift each distribution's logits first, or let softmax do it."""
    weights = (z / T).exp()
    return weights / weights.sum(-1, keepdim=True)


@wrong
def ReturnsLogs(z, T):
    """Those are log-probabilities: probabilities were asked for."""
    return (z / T).log_softmax(-1)
