"""Answer to lora.fit."""

import torch
from torch.nn.functional import linear, mse_loss

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You can let autograd work, or call your own grads with the gradient of the loss by the output. What is that?",
    "With autograd: copy A and B, let the copies require a gradient, and in each step compute the loss anew. Change "
    "them inside torch.no_grad(), both after both gradients are there. Detach what you return.",
    "torch.optim.SGD([A, B], lr=lr) on the copies does the step; call zero_grad() before each backward(). The loss is "
    "torch.nn.functional.mse_loss of the output and y. Return the copies, detached.",
)


def fit(x, y, W, b, A, B, alpha, lr, steps):
    A, B = A.clone().requires_grad_(), B.clone().requires_grad_()
    for _ in range(steps):
        output = linear(x, W, b) + (alpha / A.shape[0]) * linear(linear(x, A), B)
        dA, dB = torch.autograd.grad((output - y).square().mean(), (A, B))
        with torch.no_grad():
            A -= lr * dA
            B -= lr * dB
    return A.detach(), B.detach()


def cases(rng):
    def draw(group, n, d_out, d_in, rank, alpha, lr, steps):
        # Rows of equal length, a small lr, few steps: neither the sum of the errors nor an ascent overflows.
        x = 2.0 * torch.randint(0, 2, (n, d_in), generator=rng) - 1
        W, change = (torch.randn(d_out, d_in, generator=rng) / d_in**0.5 for _ in range(2))
        b = torch.randn(d_out, generator=rng) if "no bias" not in group else None
        A = (2 * torch.rand(rank, d_in, generator=rng) - 1) / d_in**0.5
        B = torch.randn(d_out, rank, generator=rng) / rank
        if "new" in group:
            B = torch.zeros(d_out, rank)
        y = linear(x, W + change, b)
        return case(group, x=x, y=y, W=W, b=b, A=A, B=B, alpha=alpha, lr=lr, steps=steps)

    yield draw("one step of a new adapter", 6, 4, 5, 2, 5.0, 0.1, 1)
    yield draw("a new adapter", 4, 3, 6, 2, 3.0, 0.04, 10)
    yield draw("a new adapter", 5, 2, 4, 2, 1.5, 0.06, 12)
    yield draw("a new adapter, no bias", 3, 4, 5, 4, 6.0, 0.04, 8)
    yield draw("a trained adapter goes on", 4, 3, 6, 3, 2.0, 0.05, 10)


@right
def gradients_by_hand(x, y, W, b, A, B, alpha, lr, steps):
    scale, frozen = alpha / len(A), linear(x, W, b) - y
    for _ in range(steps):
        g = 2 * (frozen + scale * (x @ A.T @ B.T)) / y.numel()
        A, B = A - lr * scale * (g @ B).T @ x, B - lr * scale * g.T @ (x @ A.T)
    return A, B


@right
def optimiser_in_float64(x, y, W, b, A, B, alpha, lr, steps):
    factors = [torch.nn.Parameter(factor.double()) for factor in (A, B)]
    optimiser = torch.optim.SGD(factors, lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        merged = W.double() + alpha / len(A) * factors[1] @ factors[0]
        mse_loss(linear(x.double(), merged, None if b is None else b.double()), y.double()).backward()
        optimiser.step()
    return tuple(factor.detach().float() for factor in factors)


@right
def through_the_covariance(x, y, W, b, A, B, alpha, lr, steps):
    # The loss depends on x and y through two small matrices only.
    wanted = y - linear(x, W, b)
    C, M = x.T @ x, wanted.T @ x
    scale, pull = alpha / len(A), 2 * lr / y.numel()
    for _ in range(steps):
        slope = pull * scale * (scale * B @ A @ C - M)
        A, B = A - B.T @ slope, B - slope @ A.T
    return A, B


@second_source("peft 0.21: Linear, trained by torch.optim.SGD")
def peft_layer(x, y, W, b, A, B, alpha, lr, steps):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(W.shape[1], W.shape[0], bias=b is not None)
    base.weight.data = W.clone()
    if b is not None:
        base.bias.data = b.clone()
    base.requires_grad_(False)
    layer = Linear(base, "default", LoraConfig(r=len(A), lora_alpha=alpha), r=len(A), lora_alpha=alpha)
    layer.lora_A["default"].weight.data = A.clone()
    layer.lora_B["default"].weight.data = B.clone()
    optimiser = torch.optim.SGD([p for p in layer.parameters() if p.requires_grad], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        mse_loss(layer(x), y).backward()
        optimiser.step()
    return layer.lora_A["default"].weight, layer.lora_B["default"].weight


def _slopes(x, y, W, b, A, B, scale):
    """The gradients by A and B of the mean squared error, with any scale."""
    g = 2 * (linear(x, W, b) + scale * (x @ A.T @ B.T) - y) / y.numel()
    return scale * (g @ B).T @ x, scale * g.T @ (x @ A.T)


def _descend(x, y, W, b, A, B, scale, lr_A, lr_B, steps):
    for _ in range(steps):
        dA, dB = _slopes(x, y, W, b, A, B, scale)
        A, B = A - lr_A * dA, B - lr_B * dB
    return A, B


@wrong
def ForgetsScale(x, y, W, b, A, B, alpha, lr, steps):
    """The update was trained unscaled: the layer's output has the factor alpha / rank, and so do both gradients."""
    return _descend(x, y, W, b, A, B, 1.0, lr, lr, steps)


@wrong
def DropsTheBias(x, y, W, b, A, B, alpha, lr, steps):
    """The frozen layer lost its bias, so the adapter learned to make up for it."""
    return _descend(x, y, W, None, A, B, alpha / len(A), lr, lr, steps)


@wrong
def AveragesOverRowsOnly(x, y, W, b, A, B, alpha, lr, steps):
    """The squared errors were summed over the outputs: the loss is the mean over all n * d_out entries."""
    return _descend(x, y, W, b, A, B, alpha / len(A), lr * y.shape[1], lr * y.shape[1], steps)


@wrong
def SumsTheLoss(x, y, W, b, A, B, alpha, lr, steps):
    """The squared errors were summed: the loss is their mean. The steps were n * d_out times too large."""
    return _descend(x, y, W, b, A, B, alpha / len(A), lr * y.numel(), lr * y.numel(), steps)


@wrong
def MovesOneAfterTheOther(x, y, W, b, A, B, alpha, lr, steps):
    """A moved before B's gradient was taken: take both gradients first, then both steps."""
    scale = alpha / len(A)
    for _ in range(steps):
        A = A - lr * _slopes(x, y, W, b, A, B, scale)[0]
        B = B - lr * _slopes(x, y, W, b, A, B, scale)[1]
    return A, B


@wrong
def FreezesA(x, y, W, b, A, B, alpha, lr, steps):
    """A never moved. Its gradient is zero only while B is: from the second step on A learns, too."""
    return _descend(x, y, W, b, A, B, alpha / len(A), 0.0, lr, steps)


@wrong
def TrainsTheBaseToo(x, y, W, b, A, B, alpha, lr, steps):
    """W trained beside the factors and took over a part of their work: it is frozen."""
    scale = alpha / len(A)
    for _ in range(steps):
        g = 2 * (linear(x, W, b) + scale * (x @ A.T @ B.T) - y) / y.numel()
        dA, dB = _slopes(x, y, W, b, A, B, scale)
        W, A, B = W - lr * g.T @ x, A - lr * dA, B - lr * dB
    return A, B


@wrong
def PilesUpGradients(x, y, W, b, A, B, alpha, lr, steps):
    """The gradients of earlier steps were added to the new ones: backward() adds up until you call zero_grad()."""
    sum_A, sum_B = torch.zeros_like(A), torch.zeros_like(B)
    for _ in range(steps):
        dA, dB = _slopes(x, y, W, b, A, B, alpha / len(A))
        sum_A, sum_B = sum_A + dA, sum_B + dB
        A, B = A - lr * sum_A, B - lr * sum_B
    return A, B


@wrong
def StartsAfresh(x, y, W, b, A, B, alpha, lr, steps):
    """B was set to zero first. Start from the B that was given: it may have been trained before."""
    return fit(x, y, W, b, A, torch.zeros_like(B), alpha, lr, steps)


@wrong
def ForgetsTheTwo(x, y, W, b, A, B, alpha, lr, steps):
    """The steps are half as long as they should be: the derivative of a square has a factor 2."""
    return _descend(x, y, W, b, A, B, alpha / len(A), lr / 2, lr / 2, steps)


@wrong
def MovesBFirst(x, y, W, b, A, B, alpha, lr, steps):
    """B moved before A's gradient was taken: take both gradients first, then both steps."""
    scale = alpha / len(A)
    for _ in range(steps):
        B = B - lr * _slopes(x, y, W, b, A, B, scale)[1]
        A = A - lr * _slopes(x, y, W, b, A, B, scale)[0]
    return A, B


@wrong
def Ascends(x, y, W, b, A, B, alpha, lr, steps):
    """The factors climb: each moves by minus lr times its gradient. Check the sign of the error, too."""
    return _descend(x, y, W, b, A, B, alpha / len(A), -lr, -lr, steps)


@wrong
def TakesOneStepTooMany(x, y, W, b, A, B, alpha, lr, steps):
    """There was one step too many: count them again."""
    return fit(x, y, W, b, A, B, alpha, lr, steps + 1)
