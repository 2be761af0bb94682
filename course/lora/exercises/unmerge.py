"""Take the update out again."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=2e-5)


def unmerge(W_merged: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """Undo a merge: give back the weight that the update was folded into.

    Parameters
    ----------
    W_merged : Tensor, shape (d_out, d_in), float32 or bfloat16
        A weight that holds the update. It must not change: it may be serving requests.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float
        The update was scaled by alpha / rank.

    Returns
    -------
    Tensor, shape (d_out, d_in), dtype of W_merged
        The weight without the update: a new tensor, worked out in float32 and rounded to the dtype of
        W_merged once, at the end.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    raise NotImplementedError


def _example(group: str, d_out: int, d_in: int, rank: int, alpha: float, dtype: torch.dtype) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)
    return case(
        group,
        W_merged=(torch.randint(-255, 256, (d_out, d_in), generator=rng) / 64).to(dtype),
        A=torch.randint(-40, 41, (rank, d_in), generator=rng) / 32,
        B=torch.randint(-40, 41, (d_out, rank), generator=rng) / 32,
        alpha=alpha,
    )


EXAMPLES = [
    _example("rectangular weight", 4, 5, 2, 6.0, torch.float32),
    _example("bfloat16 weight", 5, 6, 2, 8.0, torch.bfloat16),
]
