"""Work out the gradients of the update."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=5e-5)


def grads(x: Tensor, g: Tensor, A: Tensor, B: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Backpropagate by hand through y = W x + b + (alpha / rank) B A x.

    Derive the two formulas and write them as plain products. The check compares numbers, so autograd would pass it
    and teach you nothing; compare your formulas with it instead.

    Parameters
    ----------
    x : Tensor, shape (n, d_in), float32
        The layer's inputs, one per row.
    g : Tensor, shape (n, d_out), float32
        The gradient of the loss by the layer's outputs y. Where the loss is a mean over the batch,
        g already carries the 1 / n.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float

    Returns
    -------
    dA : Tensor, shape (rank, d_in), float32
        The gradient of the loss by A.
    dB : Tensor, shape (d_out, rank), float32
        The gradient of the loss by B.

    Source: the chain rule on Hu et al. 2021 (arXiv:2106.09685), equation 3.
    """
    raise NotImplementedError


def _example(group: str, n: int, d_out: int, d_in: int, rank: int, alpha: float) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)
    B = torch.zeros(d_out, rank) if "first step" in group else torch.randn(d_out, rank, generator=rng)
    return case(
        group,
        x=torch.randn(n, d_in, generator=rng),
        g=torch.randn(n, d_out, generator=rng) / n,
        A=torch.randn(rank, d_in, generator=rng) / d_in**0.5,
        B=B / rank**0.5,
        alpha=alpha,
    )


EXAMPLES = [
    _example("rectangular weight", 3, 5, 7, 2, 6.0),
    _example("square weight, rank as large", 2, 4, 4, 4, 6.0),
    _example("first step: B is zero", 4, 6, 3, 2, 1.0),
]
