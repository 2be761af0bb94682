"""Answer to bench.forward."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Rows of x are inputs: what must W become for x @ ... to have the shape (batch, d_out)?",
    "The scale is alpha divided by the rank, and the rank is a dimension of A.",
    "x @ W.T + (alpha / rank) * (x @ A.T) @ B.T",
)


def forward(x, W, A, B, alpha):
    return x @ W.T + (alpha / A.shape[0]) * (x @ A.T) @ B.T


def cases(rng):
    def draw(group, batch, d_out, d_in, rank, alpha):
        x = torch.randn(batch, d_in, generator=rng)
        W = torch.randn(d_out, d_in, generator=rng)
        A = torch.randn(rank, d_in, generator=rng)
        B = torch.randn(d_out, rank, generator=rng)
        return case(group, x=x, W=W, A=A, B=B, alpha=alpha)

    yield draw("rectangular weight", 4, 9, 6, 3, 12.0)
    yield draw("rectangular weight", 2, 4, 11, 2, 1.0)
    yield draw("square weight", 5, 8, 8, 4, 10.0)
    yield draw("rank 1", 3, 7, 5, 1, 3.0)


@right
def by_linear(x, W, A, B, alpha):
    linear = torch.nn.functional.linear
    return linear(x, W) + alpha / len(A) * linear(linear(x, A), B)


@right
def by_einsum(x, W, A, B, alpha):
    update = torch.einsum("or,ri,bi->bo", B, A, x)
    return torch.einsum("oi,bi->bo", W, x) + alpha / A.size(0) * update


@wrong
def ForgetsScale(x, W, A, B, alpha):
    """The update is added unscaled: multiply it by alpha / rank."""
    return x @ W.T + (x @ A.T) @ B.T


@wrong
def ScalesByAlphaAlone(x, W, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha itself."""
    return x @ W.T + alpha * (x @ A.T) @ B.T


@wrong
def ForgetsTheBase(x, W, A, B, alpha):
    """Only the update is returned: the frozen weight still takes part."""
    return (alpha / A.shape[0]) * (x @ A.T) @ B.T


@wrong
def TakesTheRankFromB(x, W, A, B, alpha):
    """The rank is B's second dimension; its first is d_out."""
    return x @ W.T + (alpha / B.shape[0]) * (x @ A.T) @ B.T
