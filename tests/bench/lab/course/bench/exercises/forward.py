"""Run an adapted layer."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 8
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def forward(x: Tensor, W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """Apply a frozen linear layer and its LoRA update to a batch.

    Parameters
    ----------
    x : Tensor, shape (batch, d_in), float32
    W : Tensor, shape (d_out, d_in), float32
        The frozen weight; the layer has no bias.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float
        The update is scaled by alpha / rank.

    Returns
    -------
    Tensor, shape (batch, d_out), float32
    """
    raise NotImplementedError


def _example(group: str, d_out: int, d_in: int, rank: int, alpha: float) -> Case:
    rng = torch.Generator().manual_seed(d_out * d_in + rank)
    return case(
        group,
        x=torch.randn(3, d_in, generator=rng),
        W=torch.randn(d_out, d_in, generator=rng),
        A=torch.randn(rank, d_in, generator=rng),
        B=torch.randn(d_out, rank, generator=rng),
        alpha=alpha,
    )


EXAMPLES = [_example("rectangular weight", 5, 7, 2, 6.0), _example("square weight", 6, 6, 3, 1.5)]
