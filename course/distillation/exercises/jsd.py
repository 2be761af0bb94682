"""Compute the generalised Jensen-Shannon divergence."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def jsd(zp: Tensor, zq: Tensor, beta: float) -> Tensor:
    """Compare each row's two distributions with a mixture of both, in nats.

    beta * KL(p || m) + (1 - beta) * KL(q || m), where m = beta * p + (1 - beta) * q is the mixture of the
    probabilities p = softmax(zp) (teacher) and q = softmax(zq) (student). It stays finite where one of the two is 0.

    Parameters
    ----------
    zp, zq : Tensor, shape (N, C), float32
        Logits. They may be far apart: probabilities, those of m included, may be too small for float32. Such a class
        adds nothing.
    beta : float
        0 < beta < 1. With 0.5 this is the usual Jensen-Shannon divergence.

    Returns
    -------
    Tensor, shape (N,), float32

    Source: Agarwal et al. 2023 (arXiv:2306.13649), section 2.
    """
    raise NotImplementedError


def _example(group: str, N: int, C: int, beta: float) -> Case:
    rng = torch.Generator().manual_seed(10 * N + C)
    return case(group, zp=2 * torch.randn(N, C, generator=rng), zq=2 * torch.randn(N, C, generator=rng), beta=beta)


EXAMPLES = [
    _example("beta of one half", 2, 4, 0.5),
    _example("another beta", 3, 5, 0.2),
    case(
        "logits far apart",
        zp=torch.tensor([[300.0, 0.0, 1.0, -2.0], [0.0, 1.0, -200.0, 0.5]]),
        zq=torch.tensor([[0.0, 250.0, 2.0, 0.5], [200.0, 0.0, -200.0, 1.5]]),
        beta=0.7,
    ),
]
