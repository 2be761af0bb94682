"""Train a LoRA layer."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=2e-4, atol=2e-5)


def fit(
    x: Tensor, y: Tensor, W: Tensor, b: Tensor | None, A: Tensor, B: Tensor, alpha: float, lr: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Train the factors of a LoRA layer by plain gradient descent; its weight and bias stay frozen.

    Every step uses the whole batch. The loss is the mean over all n * d_out entries of the squared difference
    between y and the layer's output, W x + b + (alpha / rank) B A x for each row of x. A and B move together: both
    gradients are taken before either moves, and each factor moves by -lr times its gradient. There is no momentum
    and no weight decay.

    Parameters
    ----------
    x : Tensor, shape (n, d_in), float32
    y : Tensor, shape (n, d_out), float32
    W : Tensor, shape (d_out, d_in), float32
    b : Tensor, shape (d_out,), float32, or None
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
        Where training starts: with B zero for a new adapter, elsewhere for one that was trained before. The
        tensors given must not change.
    alpha, lr : float
    steps : int
        At least 1.

    Returns
    -------
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
        The factors after all steps: plain tensors that require no gradient.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1; peft and torch.optim.SGD do the same.
    """
    raise NotImplementedError


def _example(group: str, n: int, d_out: int, d_in: int, rank: int, alpha: float, steps: int) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng) / shape[-1] ** 0.5

    x, W, b = 2 * draw(n, d_in), draw(d_out, d_in), draw(d_out)
    change, A, B = draw(d_out, d_in), draw(rank, d_in), draw(d_out, rank)
    return case(
        group,
        x=x,
        y=x @ (W + change).T + b,
        W=W,
        b=None if "no bias" in group else b,
        A=A,
        B=torch.zeros(d_out, rank) if "new" in group else B,
        alpha=alpha,
        lr=0.05,
        steps=steps,
    )


EXAMPLES = [
    _example("a new adapter", 4, 3, 5, 2, 3.0, 8),
    _example("a trained adapter goes on, no bias", 4, 3, 4, 2, 1.0, 12),
]
