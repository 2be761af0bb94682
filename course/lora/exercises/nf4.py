"""Quantise a weight block by block."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-6, atol=0.0)


def nf4(w: Tensor, levels: Tensor, block: int = 64) -> tuple[Tensor, Tensor]:
    """Replace every weight by the number of its nearest level, with one scale for each block of weights.

    A block is `block` consecutive entries of w; where n is no multiple of it, the last block is shorter.
    Each block is divided by its absmax, the largest absolute value in it, and each quotient gets the index
    of the level nearest to it. Halfway between two levels the lower one counts. Divide by the absmax exactly:
    an epsilon added to it moves the ties.

    Parameters
    ----------
    w : Tensor, shape (n,), float32
    levels : Tensor, shape (16,), float32
        Ascending, from -1 to 1. For NF4 they are what `nf4_levels` returns.
    block : int

    Returns
    -------
    codes : Tensor, shape (n,), uint8
        Indices into levels. (Stored for good, two of them share a byte.)
    absmax : Tensor, shape (ceil(n / block),), float32
        In a block of zeros absmax is 0, and its entries get the code of the level nearest to 0: code 7 in NF4.

    Source: Dettmers et al. 2023 (arXiv:2305.14314), sections 2 and 3.
    """
    raise NotImplementedError


# NF4's levels, rounded to 64ths so that the middle between two of them is exact.
LEVELS = torch.tensor([-64, -45, -34, -25, -18, -12, -6, 0, 5, 10, 16, 22, 28, 36, 46, 64]) / 64


def _example(group: str, n: int, block: int, zeros: slice, levels: Tensor) -> Case:
    """Draw weights that lie off the middle of any two levels, with blocks of very different sizes."""
    rng = torch.Generator().manual_seed(100 * n + block)
    w = (24 * torch.randn(n, generator=rng)).round().clamp(-63, 62) + 0.25
    w[::block] = 64 * (2 * torch.randint(0, 2, w[::block].shape, generator=rng) - 1)
    w *= (2.0 ** torch.arange(-12, len(w[::block]) - 12)).repeat_interleave(block)[:n]
    w[zeros] = 0
    return case(group, w=w, levels=levels, block=block)


EXAMPLES = [
    _example("a block of zeros, and a shorter one at the end", 13, 5, slice(5, 10), -LEVELS.flip(0)),
    case(
        "halfway between two levels",
        w=torch.tensor([64.0, 2.5, -3.0, 7.5, -15.0, 55.0, -64.0, -54.5, 19.0, -9.0]) / 512,
        levels=LEVELS,
        block=5,
    ),
]
