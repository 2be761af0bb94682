"""Answer to lora.merge."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Which shape must the update have to be added to W? Only one order of the two factors gives it.",
    "The scale is alpha divided by the rank, and the rank is a dimension of A.",
    "W.float() + (alpha / A.shape[0]) * (B @ A), then back to W's dtype.",
)


def merge(W, A, B, alpha):
    return (W.float() + (alpha / A.shape[0]) * (B @ A)).to(W.dtype)


def cases(rng):
    def draw(group, d_out, d_in, rank, alpha):
        W = torch.randn(d_out, d_in, generator=rng)
        A = torch.randn(rank, d_in, generator=rng)
        B = torch.randn(d_out, rank, generator=rng)
        return case(group, W=W, A=A, B=B, alpha=alpha)

    def exact_in_float32(group, d_out, d_in, rank, alpha):
        # Multiples of 1/32: every order of summation gives the same float32, so rounding once is unambiguous.
        W = torch.randn(d_out, d_in, generator=rng).bfloat16()
        A = torch.randint(-40, 41, (rank, d_in), generator=rng) / 32
        B = torch.randint(-40, 41, (d_out, rank), generator=rng) / 32
        return case(group, W=W, A=A, B=B, alpha=alpha)

    yield draw("rectangular weight", 9, 6, 3, 12.0)
    yield draw("rectangular weight", 4, 11, 2, 1.0)
    yield draw("square weight", 8, 8, 4, 10.0)
    yield draw("rank 1", 7, 5, 1, 3.0)
    yield exact_in_float32("bfloat16 weight", 16, 12, 4, 2.0)


@right
def addmm(W, A, B, alpha):
    return torch.addmm(W.float(), B, A, alpha=alpha / A.size(0)).to(W.dtype)


@right
def einsum_in_float64(W, A, B, alpha):
    update = torch.einsum("or,ri->oi", B.double(), A.double())
    return (W.double() + alpha / len(A) * update).float().to(W.dtype)


@second_source("peft 0.21: Linear.get_delta_weight")
def peft_delta(W, A, B, alpha):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(W.shape[1], W.shape[0], bias=False)
    config = LoraConfig(r=len(A), lora_alpha=alpha)
    layer = Linear(base, "default", config, r=len(A), lora_alpha=alpha)
    layer.lora_A["default"].weight.data = A
    layer.lora_B["default"].weight.data = B
    return (W.float() + layer.get_delta_weight("default").detach()).to(W.dtype)


@wrong
def ForgetsScale(W, A, B, alpha):
    """The product B A is added unscaled: multiply it by alpha / rank first."""
    return (W.float() + B @ A).to(W.dtype)


@wrong
def ScalesByAlphaAlone(W, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha itself."""
    return (W.float() + alpha * (B @ A)).to(W.dtype)


@wrong
def TransposesTheUpdate(W, A, B, alpha):
    """The update was transposed: B A already has the shape (d_out, d_in) of W."""
    return (W.float() + (alpha / A.shape[0]) * (B @ A).T).to(W.dtype)


@wrong
def EditsTheBase(W, A, B, alpha):
    """W was edited in place. Return a new tensor: the base serves other adapters too."""
    W += ((alpha / A.shape[0]) * (B @ A)).to(W.dtype)
    return W


@wrong
def Unmerges(W, A, B, alpha):
    """The update was subtracted: that is how to take an adapter out again."""
    return (W.float() - (alpha / A.shape[0]) * (B @ A)).to(W.dtype)


@wrong
def RoundsTheUpdateFirst(W, A, B, alpha):
    """The update was rounded to W's dtype before the sum: sum in float32 and round once."""
    return W + ((alpha / A.shape[0]) * (B @ A)).to(W.dtype)


@wrong
def TakesTheRankFromB(W, A, B, alpha):
    """The rank is B's second dimension; its first is d_out."""
    return (W.float() + (alpha / B.shape[0]) * (B @ A)).to(W.dtype)


@wrong
def ForgetsAlpha(W, A, B, alpha):
    """The scale is alpha / rank: the update was divided by the rank, but alpha is missing."""
    return (W.float() + (B @ A) / A.shape[0]).to(W.dtype)
