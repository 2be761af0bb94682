"""Run the adapted layer."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=2e-5)


def forward(x: Tensor, W: Tensor, b: Tensor | None, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """Apply a linear layer and its LoRA update, W x + b + (alpha / rank) B A x, to every vector of x.

    The update is never formed: B A would be as large as W. (`at_scale` enforces this.)

    Parameters
    ----------
    x : Tensor, shape (..., d_in), float32
        Any number of leading dimensions, also none.
    W : Tensor, shape (d_out, d_in), float32
    b : Tensor, shape (d_out,), float32, or None
        None means that the layer has no bias, as in a stock Llama.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float

    Returns
    -------
    Tensor, shape (..., d_out), float32

    Source: Hu et al. 2021 (arXiv:2106.09685), equation 3, with the scale alpha / rank of section 4.1.
    """
    raise NotImplementedError


def _example(group: str, leading: tuple[int, ...], d_out: int, d_in: int, rank: int, alpha: float, bias: bool) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)
    return case(
        group,
        x=torch.randn(*leading, d_in, generator=rng),
        W=torch.randn(d_out, d_in, generator=rng) / d_in**0.5,
        b=torch.randn(d_out, generator=rng) if bias else None,
        A=torch.randn(rank, d_in, generator=rng) / d_in**0.5,
        B=torch.randn(d_out, rank, generator=rng) / rank**0.5,
        alpha=alpha,
    )


EXAMPLES = [
    _example("a batch of sequences", (2, 3), 5, 7, 2, 6.0, True),
    _example("square weight", (4,), 6, 6, 3, 1.5, True),
    _example("no bias", (3,), 7, 4, 2, 4.0, False),
    _example("one vector", (), 4, 6, 2, 5.0, True),
]
