"""Answer to lora.grads."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Name the bottleneck h = A x, so that y = s B h + ... with s = alpha / rank. What reaches B, and what reaches h?",
    "B gets the sum over the batch of s g h'. What reaches h is s B' g, and from there x leads on to A.",
    "In rows: h = x @ A.T, and g @ B is what reaches h. Each gradient is (what arrives).T @ (what went in), times s.",
)


def grads(x, g, A, B, alpha):
    scale = alpha / A.shape[0]
    dA = scale * (g @ B).T @ x
    dB = scale * g.T @ (x @ A.T)
    return dA, dB


def cases(rng):
    def draw(group, n, d_out, d_in, rank, alpha, first_step=False):
        return case(
            group,
            x=torch.randn(n, d_in, generator=rng),
            g=torch.randn(n, d_out, generator=rng) / n,
            A=torch.randn(rank, d_in, generator=rng) / d_in**0.5,
            B=torch.zeros(d_out, rank) if first_step else torch.randn(d_out, rank, generator=rng) / rank**0.5,
            alpha=alpha,
        )

    yield draw("rectangular weight", 5, 9, 6, 3, 12.0)
    yield draw("rectangular weight", 2, 4, 11, 2, 1.0)
    yield draw("square weight, rank as large", 3, 5, 5, 5, 8.0)
    yield draw("first step: B is zero", 4, 6, 8, 3, 5.0, first_step=True)


@right
def sum_over_rows(x, g, A, B, alpha):
    scale = alpha / len(A)
    dA = sum(torch.outer(B.T @ row_g, row_x) for row_x, row_g in zip(x, g, strict=True))
    dB = sum(torch.outer(row_g, A @ row_x) for row_x, row_g in zip(x, g, strict=True))
    return scale * dA, scale * dB


@right
def through_the_full_gradient(x, g, A, B, alpha):
    dW = torch.einsum("no,ni->oi", g.double(), x.double()) * alpha / len(A)
    return (B.double().T @ dW).float(), (dW @ A.double().T).float()


@second_source("autograd")
def autograd(x, g, A, B, alpha):
    A, B = A.clone().requires_grad_(), B.clone().requires_grad_()
    y = alpha / A.shape[0] * (x @ A.T @ B.T)
    return torch.autograd.grad(y, (A, B), g)


@wrong
def ForgetsScale(x, g, A, B, alpha):
    """The scale alpha / rank is part of y, so it is part of both gradients."""
    return grads(x, g, A, B, A.shape[0])


@wrong
def ScalesOnlyOne(x, g, A, B, alpha):
    """dB is scaled but dA is not: the chain to A passes through the scale too."""
    return (g @ B).T @ x, grads(x, g, A, B, alpha)[1]


@wrong
def AveragesOverTheBatch(x, g, A, B, alpha):
    """The gradients were divided by the batch size once more: g already carries the 1 / n of a mean."""
    dA, dB = grads(x, g, A, B, alpha)
    return dA / len(x), dB / len(x)


@wrong
def ReturnsBFirst(x, g, A, B, alpha):
    """The two gradients came back in the wrong order: dA first, then dB."""
    dA, dB = grads(x, g, A, B, alpha)
    return dB, dA


@wrong
def StopsAtB(x, g, A, B, alpha):
    """dA is always zero here. It is zero only while B is: once B has moved, A learns too."""
    return torch.zeros_like(A), grads(x, g, A, B, alpha)[1]


@wrong
def UsesOnlyTheFirstRow(x, g, A, B, alpha):
    """Only the first row of the batch was used: every row adds its share."""
    return grads(x[:1], g[:1], A, B, alpha)


@wrong
def Descends(x, g, A, B, alpha):
    """The sign is turned: return the gradient. The optimiser subtracts it."""
    dA, dB = grads(x, g, A, B, alpha)
    return -dA, -dB
