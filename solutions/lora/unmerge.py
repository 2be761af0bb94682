"""Answer to lora.unmerge."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Merging added one matrix to the weight. What is left when you know that matrix?",
    "Build the same scaled product as for merging, and take it away in float32: a bfloat16 weight is widened first.",
    "It is merge with the other sign: W_merged.float() minus (alpha / rank) times B @ A, then back to its dtype.",
)


def unmerge(W_merged, A, B, alpha):
    return (W_merged.float() - (alpha / A.shape[0]) * (B @ A)).to(W_merged.dtype)


def cases(rng):
    def draw(group, d_out, d_in, rank, alpha):
        A, B = torch.randn(rank, d_in, generator=rng), torch.randn(d_out, rank, generator=rng)
        return case(group, W_merged=torch.randn(d_out, d_in, generator=rng), A=A, B=B, alpha=alpha)

    def exact_in_float32(group, d_out, d_in, rank, alpha):
        # Every number is a small multiple of 1/1024, so float32 is exact and only the last rounding counts.
        W_merged = (torch.randint(-255, 256, (d_out, d_in), generator=rng) / 64).bfloat16()
        A = torch.randint(-40, 41, (rank, d_in), generator=rng) / 32
        B = torch.randint(-40, 41, (d_out, rank), generator=rng) / 32
        return case(group, W_merged=W_merged, A=A, B=B, alpha=alpha)

    yield draw("rectangular weight", 9, 6, 3, 12.0)
    yield draw("rectangular weight", 4, 11, 2, 1.0)
    yield draw("square weight", 7, 7, 4, 10.0)
    yield exact_in_float32("bfloat16 weight", 16, 12, 4, 2.0)
    yield exact_in_float32("bfloat16 weight", 10, 18, 2, 6.0)


@right
def addmm_with_a_negative_scale(W_merged, A, B, alpha):
    return torch.addmm(W_merged.float(), B, A, alpha=-alpha / len(A)).to(W_merged.dtype)


@right
def einsum_in_float64(W_merged, A, B, alpha):
    update = torch.einsum("or,ri->oi", B.double(), A.double())
    return (W_merged.double() - alpha / len(A) * update).to(W_merged.dtype)


@right
def one_direction_at_a_time(W_merged, A, B, alpha):
    W = W_merged.float()
    for row, column in zip(A, B.T, strict=True):
        W = W - alpha / len(A) * torch.outer(column, row)
    return W.to(W_merged.dtype)


@second_source("peft 0.21: Linear.unmerge in float32")
def peft_unmerge(W_merged, A, B, alpha):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(W_merged.shape[1], W_merged.shape[0], bias=False)
    base.weight.data = W_merged.float().clone()
    layer = Linear(base, "default", LoraConfig(r=len(A), lora_alpha=alpha), r=len(A), lora_alpha=alpha)
    layer.lora_A["default"].weight.data = A
    layer.lora_B["default"].weight.data = B
    layer.merged_adapters.append("default")
    layer.unmerge()
    return base.weight.detach().to(W_merged.dtype)


@wrong
def MergesAgain(W_merged, A, B, alpha):
    """The update was added a second time: taking it out means subtracting it."""
    return (W_merged.float() + (alpha / A.shape[0]) * (B @ A)).to(W_merged.dtype)


@wrong
def ForgetsScale(W_merged, A, B, alpha):
    """The product B A was subtracted unscaled: what went in was (alpha / rank) B A, and as much must come out."""
    return (W_merged.float() - B @ A).to(W_merged.dtype)


@wrong
def ScalesByAlphaAlone(W_merged, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha itself."""
    return (W_merged.float() - alpha * (B @ A)).to(W_merged.dtype)


@wrong
def InvertsTheScale(W_merged, A, B, alpha):
    """The scale was turned over. What undoes an addition is a subtraction, of the same scaled update."""
    return (W_merged.float() - (A.shape[0] / alpha) * (B @ A)).to(W_merged.dtype)


@wrong
def TransposesTheUpdate(W_merged, A, B, alpha):
    """The update was transposed: B A already has the shape (d_out, d_in) of W."""
    return (W_merged.float() - (alpha / A.shape[0]) * (B @ A).T).to(W_merged.dtype)


@wrong
def RoundsTheUpdateFirst(W_merged, A, B, alpha):
    """The update was rounded before it was subtracted: subtract in float32 and round once."""
    return W_merged - ((alpha / A.shape[0]) * (B @ A)).to(W_merged.dtype)
