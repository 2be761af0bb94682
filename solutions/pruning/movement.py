"""Answer to pruning.movement."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write down one step of gradient descent on S. By what does it change S?",
    "It subtracts lr times the derivative by S, which is G * W of that step. All steps add up.",
    "Multiply G and W entry by entry, sum over the first dimension, and multiply by -lr.",
)


def movement(W, G, lr):
    return -lr * (G * W).sum(0)


def cases(rng):
    def draw(group, steps, d_out, d_in, lr):
        start = torch.randn(d_out, d_in, generator=rng)
        G = torch.randn(steps, d_out, d_in, generator=rng)
        W = start - 0.2 * (G.cumsum(0) - G)
        return case(group, W=W, G=G, lr=lr)

    yield draw("several steps", 5, 4, 3, 0.3)
    yield draw("several steps", 3, 6, 2, 1.5)
    yield draw("as many steps as rows", 4, 4, 4, 0.6)
    yield draw("one step", 1, 5, 3, 0.4)
    some = draw("weights at zero", 6, 2, 5, 0.7)
    held = some.inputs["W"] * (torch.rand(2, 5, generator=rng) > 0.5)
    held[:, 0, 0] = 0
    yield case(some.group, W=held, G=some.inputs["G"], lr=0.7)


@right
def einsum_in_float64(W, G, lr):
    return torch.einsum("toi,toi->oi", W.double(), G.double()).mul(-lr).float()


@right
def step_by_step(W, G, lr):
    S = torch.zeros_like(W[0])
    for weight, gradient in zip(W, G, strict=True):
        S -= lr * gradient * weight
    return S


@second_source("autograd: straight-through gates, trained by torch.optim.SGD")
def straight_through(W, G, lr):
    scores = torch.nn.Parameter(torch.zeros_like(W[0]))
    optimiser = torch.optim.SGD([scores], lr=lr)
    for weight, gradient in zip(W, G, strict=True):
        optimiser.zero_grad()
        kept = (scores > scores.median()).float()
        gate = kept + scores - scores.detach()
        # Any loss with this gradient by the masked weight will do; the simplest is linear in it.
        (gradient * (weight * gate)).sum().backward()
        optimiser.step()
    return scores


@wrong
def FlipsTheSign(W, G, lr):
    """The sign is wrong: a step goes against the gradient, so a weight that moves away from zero scores high."""
    return lr * (G * W).sum(0)


@wrong
def TakesTheAbs(W, G, lr):
    """The magnitude was taken, so moving towards zero scores as high as moving away. Keep the sign."""
    return (lr * (G * W).sum(0)).abs()


@wrong
def AddsPlainMagnitudes(W, G, lr):
    """The magnitudes of all steps were added, without the rate. A score is the sum of the steps themselves, signed."""
    return (G * W).abs().sum(0)


@wrong
def AddsMagnitudes(W, G, lr):
    """The magnitudes of all steps were added. The steps have signs: what one adds, another may take away."""
    return lr * (G * W).abs().sum(0)


@wrong
def TakesTheLastStep(W, G, lr):
    """That is the last step alone: the score collects what all steps did."""
    return -lr * G[-1] * W[-1]


@wrong
def AveragesTheSteps(W, G, lr):
    """The steps were averaged: the score is their sum."""
    return -lr * (G * W).mean(0)


@wrong
def ForgetsTheRate(W, G, lr):
    """The rate is missing: every step of gradient descent changes a score by lr times its derivative."""
    return -(G * W).sum(0)


@wrong
def MultipliesTheSums(W, G, lr):
    """The sums over the steps were multiplied. Multiply in each step, then add."""
    return -lr * G.sum(0) * W.sum(0)


@wrong
def ForgetsTheWeight(W, G, lr):
    """Only the gradients were added. That is how far a weight moved, but not whether towards zero or away."""
    return -lr * G.sum(0)


@wrong
def UsesTheLastWeight(W, G, lr):
    """The last weight was used for all steps: every step has the weight from before it."""
    return -lr * G.sum(0) * W[-1]


@wrong
def ComparesMagnitudes(W, G, lr):
    """That is by how much the magnitudes grew. A score does not compare weights: it adds up the steps of a descent."""
    return W[-1].abs() - W[0].abs()


@wrong
def MeasuresTheWay(W, G, lr):
    """That is how far the weights moved, to whatever side. A score adds up steps of its own; away from zero is up."""
    return (W[-1] - W[0]).abs()
