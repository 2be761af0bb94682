"""Train a linear model."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 12
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-3, atol=1e-4)


def train(X: Tensor, y: Tensor, steps: int, lr: float) -> Tensor:
    """Fit y = X w by gradient descent on the mean squared error, starting from w = 0.

    Parameters
    ----------
    X : Tensor, shape (n, d), float32
    y : Tensor, shape (n,), float32
    steps : int
        How many steps to take, each on all n rows.
    lr : float
        The learning rate: w becomes w - lr * gradient.

    Returns
    -------
    Tensor, shape (d,), float32
        The weights after the last step, without a gradient.
    """
    raise NotImplementedError


def _example(group: str, n: int, d: int, steps: int, lr: float) -> Case:
    rng = torch.Generator().manual_seed(n * d)
    X = torch.randn(n, d, generator=rng)
    return case(group, X=X, y=X @ torch.randn(d, generator=rng), steps=steps, lr=lr)


EXAMPLES = [_example("one step", 8, 3, 1, 0.1), _example("several steps", 12, 4, 6, 0.05)]
