"""Answer to lora.swap."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You know W_merged = W + update 1 and want W + update 2. You have written a function for each of the two steps.",
    "Each update has its own scale: alpha divided by the rank of its own A. One is subtracted, the other added.",
    "base = (W_merged.float() - scaled B1 @ A1).to(W_merged.dtype); then the same with base.float() plus the scaled "
    "B2 @ A2. Or call your unmerge and your merge.",
)


def swap(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    base = (W_merged.float() - (alpha1 / A1.shape[0]) * (B1 @ A1)).to(W_merged.dtype)
    return (base.float() + (alpha2 / A2.shape[0]) * (B2 @ A2)).to(W_merged.dtype)


def cases(rng):
    def draw(group, d_out, d_in, ranks, alphas):
        W = torch.randn(d_out, d_in, generator=rng)
        A1, A2 = (torch.randn(r, d_in, generator=rng) for r in ranks)
        B1, B2 = (torch.randn(d_out, r, generator=rng) for r in ranks)
        return case(group, W_merged=W, A1=A1, B1=B1, alpha1=alphas[0], A2=A2, B2=B2, alpha2=alphas[1])

    def exact_in_float32(group, d_out, d_in, ranks, alphas):
        # Every number is a small multiple of 1/1024, so float32 is exact and only the two roundings count.
        W = (torch.randint(-255, 256, (d_out, d_in), generator=rng) / 64).bfloat16()
        A1, A2 = (torch.randint(-40, 41, (r, d_in), generator=rng) / 32 for r in ranks)
        B1, B2 = (torch.randint(-40, 41, (d_out, r), generator=rng) / 32 for r in ranks)
        return case(group, W_merged=W, A1=A1, B1=B1, alpha1=alphas[0], A2=A2, B2=B2, alpha2=alphas[1])

    yield draw("equal ranks", 9, 6, (3, 3), (4.5, 2.0))
    yield draw("different ranks", 4, 11, (2, 5), (3.0, 7.5))
    yield draw("different ranks", 8, 8, (4, 1), (6.0, 1.5))
    yield exact_in_float32("bfloat16 weight", 16, 12, (4, 2), (2.0, 6.0))
    yield exact_in_float32("bfloat16 weight", 11, 14, (2, 8), (8.0, 4.0))


@right
def addmm_twice(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    dtype, weight = W_merged.dtype, W_merged
    for A, B, scale in ((A1, B1, -alpha1 / len(A1)), (A2, B2, alpha2 / len(A2))):
        weight = torch.addmm(weight.to(torch.float32), B, A, alpha=scale).to(dtype)
    return weight


@right
def einsum_in_float64(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    old, new = (torch.einsum("or,ri->oi", B.double(), A.double()) for A, B in ((A1, B1), (A2, B2)))
    base = torch.empty_like(W_merged).copy_(W_merged.double() - alpha1 / len(A1) * old)
    return torch.empty_like(W_merged).copy_(base.double() + alpha2 / len(A2) * new)


@second_source("peft 0.21: Linear.unmerge and Linear.merge, each in float32")
def peft_swap(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(W_merged.shape[1], W_merged.shape[0], bias=False)
    base.weight.data = W_merged.float().clone()
    layer = Linear(base, "one", LoraConfig(r=len(A1), lora_alpha=alpha1), r=len(A1), lora_alpha=alpha1)
    layer.update_layer("two", len(A2), lora_alpha=alpha2, config=LoraConfig(r=len(A2), lora_alpha=alpha2))
    for name, A, B in (("one", A1, B1), ("two", A2, B2)):
        layer.lora_A[name].weight.data, layer.lora_B[name].weight.data = A, B
    layer.merged_adapters.append("one")
    layer.unmerge()
    base.weight.data = base.weight.data.to(W_merged.dtype).float()
    layer.merge(adapter_names=["two"])
    return base.weight.detach().to(W_merged.dtype)


def _exchange(W_merged, old, new):
    return ((W_merged.float() - old).to(W_merged.dtype).float() + new).to(W_merged.dtype)


@wrong
def LeavesTheFirstIn(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """Adapter 1 is still inside: the result holds both. Subtract its update first."""
    return _exchange(W_merged, 0, alpha2 / len(A2) * (B2 @ A2))


@wrong
def SwapsBackwards(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """The signs are turned: adapter 1 was added again and adapter 2 subtracted."""
    return _exchange(W_merged, alpha2 / len(A2) * (B2 @ A2), alpha1 / len(A1) * (B1 @ A1))


@wrong
def ForgetsTheScales(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """Both products went in unscaled: each adapter has its own alpha / rank."""
    return _exchange(W_merged, B1 @ A1, B2 @ A2)


@wrong
def SharesOneRank(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """The alpha of adapter 2 was divided by the rank of adapter 1: take the rank from A2."""
    return _exchange(W_merged, alpha1 / len(A1) * (B1 @ A1), alpha2 / len(A1) * (B2 @ A2))


@wrong
def RoundsOnlyAtTheEnd(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """The recovered base was not rounded. It was a number of W's dtype, and rounding puts most of it back exactly."""
    return (W_merged.float() - alpha1 / len(A1) * (B1 @ A1) + alpha2 / len(A2) * (B2 @ A2)).to(W_merged.dtype)


@wrong
def RoundsTheChangeFirst(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """The change was rounded to W's dtype before it met the weight: add in float32, then round."""
    return W_merged + (alpha2 / len(A2) * (B2 @ A2) - alpha1 / len(A1) * (B1 @ A1)).to(W_merged.dtype)


@wrong
def SharesOneAlpha(W_merged, A1, B1, alpha1, A2, B2, alpha2):
    """Adapter 2 was scaled with the alpha of adapter 1: each has its own."""
    return _exchange(W_merged, alpha1 / len(A1) * (B1 @ A1), alpha1 / len(A2) * (B2 @ A2))
