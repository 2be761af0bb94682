"""Merge the update into the weight."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def merge(W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """Fold a LoRA update into the base weight, so that inference costs nothing extra.

    Parameters
    ----------
    W : Tensor, shape (d_out, d_in), float32 or bfloat16
        The frozen weight. It must not change: other adapters still need it.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float
        The update is scaled by alpha / rank.

    Returns
    -------
    Tensor, shape (d_out, d_in), dtype of W
        W + (alpha / rank) B A, summed in float32 and rounded to W's dtype once, at the end.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    raise NotImplementedError


def _example(group: str, d_out: int, d_in: int, rank: int, alpha: float, dtype: torch.dtype) -> Case:
    rng = torch.Generator().manual_seed(d_out * d_in + rank)
    return case(
        group,
        W=torch.randn(d_out, d_in, generator=rng).to(dtype),
        A=torch.randint(-40, 41, (rank, d_in), generator=rng) / 32,
        B=torch.randint(-40, 41, (d_out, rank), generator=rng) / 32,
        alpha=alpha,
    )


EXAMPLES = [
    _example("rectangular weight", 5, 7, 2, 6.0, torch.float32),
    _example("square weight", 6, 6, 3, 1.5, torch.float32),
    _example("bfloat16 weight", 4, 8, 2, 8.0, torch.bfloat16),
]
