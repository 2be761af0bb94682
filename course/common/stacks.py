"""Small networks on 8 x 8 digits, many at once: one for each method and seed, trained as one stack.

A stack of MLPs is a list of weights of shape (nets, d_out, d_in) and a list of biases of shape (nets, d_out).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

TRAIN = 1200  # of the 1797 images; the others are for the test


def digits() -> tuple[Tensor, Tensor]:
    """The digits of scikit-learn in a fixed order, pixels between 0 and 1, shape (1797, 64); and their labels."""
    from sklearn.datasets import load_digits

    x, y = (torch.tensor(part) for part in load_digits(return_X_y=True))
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0)).roll(TRAIN - len(x))
    return (x[order] / 16).float(), y[order]


def kaiming(
    nets: int, sizes: Sequence[int], rng: torch.Generator, device: torch.device | str = "cpu"
) -> tuple[list[Tensor], list[Tensor]]:
    """Draw weights of variance 2 / d_in and zero biases for MLPs of these sizes, from the input to the output.

    Source: He et al. 2015 (arXiv:1502.01852), equation 10.
    """
    shapes = [(nets, d_out, d_in) for d_in, d_out in pairwise(sizes)]
    W = [(torch.randn(shape, generator=rng) * (2 / shape[2]) ** 0.5).to(device) for shape in shapes]
    return W, [torch.zeros(shape[:2], device=device) for shape in shapes]


def mlp(x: Tensor, W: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Run a stack of MLPs with ReLU.

    Parameters
    ----------
    x : Tensor, shape (nets, n, d_in), or (n, d_in) for the same examples in every network
    W, b : sequence of Tensor, shapes (nets, d_out, d_in) and (nets, d_out)

    Returns
    -------
    logits : Tensor, shape (nets, n, classes)
    """
    x = x.expand(len(W[0]), *x.shape[-2:])
    for weight, bias in zip(W[:-1], b[:-1], strict=True):
        x = torch.baddbmm(bias[:, None], x, weight.mT).relu()
    return torch.baddbmm(b[-1][:, None], x, W[-1].mT)


@torch.no_grad()
def accuracy(logits: Tensor, y: Tensor) -> Tensor:
    """Percent right of each network, shape (nets,), from logits (nets, n, classes) and labels (n,) or (nets, n)."""
    return 100 * (logits.argmax(-1) == y).float().mean(-1).cpu()


def train(
    parameters: Sequence[Tensor],
    loss: Callable[[int], Tensor],
    steps: int,
    lr: float,
    *,
    momentum: float | None = None,
    cosine: bool = False,
    after: Callable[[int], None] = lambda step: None,
) -> None:
    """Minimise a loss by Adam, or by SGD where a momentum is given; the parameters change in place.

    Parameters
    ----------
    parameters : sequence of Tensor, each of which requires a gradient
    loss : callable
        The loss of a step (0, 1, ...): the sum of all networks' losses, so that each gets the gradient of its own.
    steps : int
    lr : float
        With `cosine` it falls to 0 along half a cosine.
    momentum : float, optional
    after : callable
        Called without gradients after each step, with the number of steps done: 1, 2, ...
    """
    sgd = momentum is not None
    kind, options = (torch.optim.SGD, {"momentum": momentum}) if sgd else (torch.optim.Adam, {})
    optimiser = kind(parameters, lr=lr, fused=True, **options)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()
        if cosine:
            schedule.step()
        with torch.no_grad():
            after(step + 1)
