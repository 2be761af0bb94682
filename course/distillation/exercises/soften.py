"""Soften a distribution with a temperature."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-6)


def soften(z: Tensor, T: float) -> Tensor:
    """Turn logits into probabilities at a temperature: softmax(z / T) over the classes.

    Above T = 1 the probabilities move towards each other and show which wrong classes the model finds similar; below
    it they move towards the largest.

    Parameters
    ----------
    z : Tensor, shape (..., C), float32
        Any number of leading dimensions, or none. Logits may be as far from 0 as 1000 in either direction: their
        exponentials do not fit into float32, but all probabilities are finite.
    T : float
        Above 0.

    Returns
    -------
    Tensor, shape of z, float32
        Each distribution over the last dimension adds up to 1.

    Source: Hinton et al. 2015 (arXiv:1503.02531), equation 1.
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, ...], T: float) -> Case:
    rng = torch.Generator().manual_seed(10 * len(shape) + shape[-1])
    return case(group, z=2 * torch.randn(shape, generator=rng), T=T)


EXAMPLES = [
    case("T above 1", z=torch.tensor([[2.0, 0.0, -1.0], [1.5, 1.5, 4.0]]), T=2.5),
    _example("T below 1", (2, 3, 4), 0.5),
    case("logits far from 0", z=torch.tensor([[1000.0, 998.0, 1004.0], [-1001.0, -1000.0, -1002.0]]), T=4.0),
]
