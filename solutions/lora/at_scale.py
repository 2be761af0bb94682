"""Answer to lora.at_scale."""

import torch
from torch.nn.functional import linear

from autograder.exercise import case, right, wrong

HINTS = (
    "Count what each way of bracketing B A x has to hold: one of them never leaves vectors.",
    "Send x through A first. What comes out has only rank entries for each token.",
    "Three products of tokens by a matrix: with W, with A, and from there with B. Scale the last one and add.",
)


def at_scale(x, W, A, B, alpha):
    return linear(x, W) + (alpha / len(A)) * linear(linear(x, A), B)


def cases(rng):
    def draw(group, tokens, rank, alpha):
        seed = int(torch.randint(10, 10**6, (), generator=rng))
        return case(group, seed=seed, tokens=tokens, rank=rank, alpha=alpha)

    yield draw("rank 1", 3, 1, 5.0)
    yield draw("rank 4", 2, 4, 10.0)


@right
def token_by_token(x, W, A, B, alpha):
    return torch.stack([W @ token + B @ (A @ token) * (alpha / A.shape[0]) for token in x])


@right
def addmm(x, W, A, B, alpha):
    return torch.addmm(x @ W.T, x @ A.T, B.T, alpha=alpha / A.size(0))


@wrong
def FormsTheUpdate(x, W, A, B, alpha):
    """It ran out of memory. B A is as large as W, and so is any copy of W. Let A meet the tokens before B does."""
    return linear(x, W) + linear(x, (alpha / len(A)) * (B @ A))


@wrong
def ForgetsScale(x, W, A, B, alpha):
    """The update B A x is added unscaled: multiply it by alpha / rank."""
    return linear(x, W) + linear(linear(x, A), B)


@wrong
def ScalesByAlphaAlone(x, W, A, B, alpha):
    """The scale is alpha divided by the rank, not alpha itself."""
    return linear(x, W) + alpha * linear(linear(x, A), B)


@wrong
def MergesInPlace(x, W, A, B, alpha):
    """W was changed in place. That saves the memory, and spoils the base for every other adapter."""
    W.addmm_(B, A, alpha=alpha / len(A))
    return linear(x, W)
