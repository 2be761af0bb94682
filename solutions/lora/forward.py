"""Answer to lora.forward."""

import torch
from torch.nn.functional import linear

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "x holds row vectors, so W x is written x @ W.T. What does that make of B A x?",
    "Go through the bottleneck: from d_in to rank with A, then from rank to d_out with B, then scale.",
    "torch.nn.functional.linear(x, W, b) is the base, with a bias or none. It also applies A, then B: scale and add.",
)


def forward(x, W, b, A, B, alpha):
    return linear(x, W, b) + (alpha / A.shape[0]) * linear(linear(x, A), B)


def cases(rng):
    def draw(group, leading, d_out, d_in, rank, alpha, bias=True):
        return case(
            group,
            x=torch.randn(*leading, d_in, generator=rng),
            W=torch.randn(d_out, d_in, generator=rng) / d_in**0.5,
            b=torch.randn(d_out, generator=rng) if bias else None,
            A=torch.randn(rank, d_in, generator=rng) / d_in**0.5,
            B=torch.randn(d_out, rank, generator=rng) / rank**0.5,
            alpha=alpha,
        )

    yield draw("a batch of sequences", (3, 4), 9, 6, 3, 12.0)
    yield draw("a batch of sequences", (2, 1, 5), 5, 11, 2, 1.0)
    yield draw("square weight", (5,), 8, 8, 4, 10.0)
    yield draw("no bias", (2, 4), 6, 9, 3, 5.0, bias=False)
    yield draw("one vector", (), 7, 5, 2, 3.0)


@right
def matrix_products(x, W, b, A, B, alpha):
    base = x @ W.T
    if b is not None:
        base = base + b
    return base + x @ A.T @ B.T * (alpha / len(A))


@right
def einsum_in_float64(x, W, b, A, B, alpha):
    inner = torch.einsum("...i,ri->...r", x.double(), A.double())
    update = torch.einsum("...r,or->...o", inner, B.double()) * alpha / len(A)
    base = torch.einsum("...i,oi->...o", x.double(), W.double())
    return (base + update + (0 if b is None else b)).float()


@right
def merged_weight(x, W, b, A, B, alpha):
    return linear(x, W + alpha / len(A) * (B @ A), b)


@second_source("peft 0.21: Linear.forward")
def peft_forward(x, W, b, A, B, alpha):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(W.shape[1], W.shape[0], bias=b is not None)
    base.weight.data = W
    if b is not None:
        base.bias.data = b
    config = LoraConfig(r=len(A), lora_alpha=alpha)
    layer = Linear(base, "default", config, r=len(A), lora_alpha=alpha)
    layer.lora_A["default"].weight.data = A
    layer.lora_B["default"].weight.data = B
    return layer(x)


@wrong
def ForgetsScale(x, W, b, A, B, alpha):
    """The update B A x is added unscaled: multiply it by alpha / rank."""
    return linear(x, W, b) + linear(linear(x, A), B)


@wrong
def ScalesByAlphaAlone(x, W, b, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha itself. Some lecture notes drop the division."""
    return linear(x, W, b) + alpha * linear(linear(x, A), B)


@wrong
def MultipliesByRank(x, W, b, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha times the rank."""
    return linear(x, W, b) + alpha * A.shape[0] * linear(linear(x, A), B)


@wrong
def DropsTheBias(x, W, b, A, B, alpha):
    """The base layer lost its bias: where there is one, it stays."""
    return linear(x, W) + (alpha / A.shape[0]) * linear(linear(x, A), B)


@wrong
def ScalesTheBaseToo(x, W, b, A, B, alpha):
    """The scale was applied to the whole sum. It belongs to the update; the base is not scaled."""
    return (alpha / A.shape[0]) * (linear(x, W, b) + linear(linear(x, A), B))


@wrong
def ReturnsTheUpdateOnly(x, W, b, A, B, alpha):
    """Only the update came back: add it to what the frozen layer gives."""
    return (alpha / A.shape[0]) * linear(linear(x, A), B)


@wrong
def TransposesTheUpdate(x, W, b, A, B, alpha):
    """The update acts transposed. x holds rows: A', not B, meets them first. Square layers hide it."""
    return linear(x, W, b) + (alpha / A.shape[0]) * (x @ B @ A)


@wrong
def TakesTheRankFromB(x, W, b, A, B, alpha):
    """The rank is B's second dimension; its first is d_out."""
    return linear(x, W, b) + (alpha / B.shape[0]) * linear(linear(x, A), B)


@wrong
def DividesByTheRoot(x, W, b, A, B, alpha):
    """The scale is alpha / rank. Dividing by the root of the rank is rank-stabilised LoRA, another convention."""
    return linear(x, W, b) + (alpha / A.shape[0] ** 0.5) * linear(linear(x, A), B)


@wrong
def ForgetsAlpha(x, W, b, A, B, alpha):
    """The scale is alpha / rank: the update was divided by the rank, but alpha is missing."""
    return linear(x, W, b) + linear(linear(x, A), B) / A.shape[0]
