"""Tell the two directions of the divergence apart."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def kl(zp: Tensor, zq: Tensor, mode: str) -> Tensor:
    """Compute the Kullback-Leibler divergence of each row in one of its two directions, in nats.

    p = softmax(zp) is the teacher, q = softmax(zq) the student. The forward divergence is KL(p || q), the sum over the
    classes of p * (log p - log q): it is large where the student misses what the teacher does. The reverse one is
    KL(q || p): it is large where the student does what the teacher does not.

    Parameters
    ----------
    zp, zq : Tensor, shape (N, C), float32
        Logits. They may be far apart: a probability may be too small for float32, but both divergences are finite.
    mode : str
        "forward" or "reverse".

    Returns
    -------
    Tensor, shape (N,), float32
        One value for each row.

    Source: Gu et al. 2023 (arXiv:2306.08543), section 2; Kullback & Leibler 1951.
    """
    raise NotImplementedError


def _example(group: str, N: int, C: int, mode: str, spread: float = 2.0) -> Case:
    rng = torch.Generator().manual_seed(10 * N + C)
    zp, zq = (spread * torch.randn(N, C, generator=rng) for _ in range(2))
    return case(group, zp=zp, zq=zq, mode=mode)


EXAMPLES = [
    _example("forward", 3, 4, "forward"),
    _example("reverse", 2, 5, "reverse"),
    _example("logits far apart", 4, 3, "forward", spread=80.0),
]
