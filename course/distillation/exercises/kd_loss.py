"""Write the distillation loss."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case
from course.distillation.gradients import with_gradients

POINTS = 3
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def kd_loss(zs: Tensor, zt: Tensor, y: Tensor, T: float, alpha: float) -> Tensor:
    """Mix what the teacher says with what the labels say.

    alpha * T**2 * KL(p_t || p_s) + (1 - alpha) * CE(zs, y), where p_t and p_s are teacher and student softened by T,
    and CE is the cross-entropy of the student with the labels at temperature 1. Both terms are means over the batch;
    the divergence of a row is the sum over its classes.

    Parameters
    ----------
    zs, zt : Tensor, shape (N, C), float32
        The logits of student and teacher. They may be far apart: a probability may be too small for float32, but
        the loss is finite.
    y : Tensor, shape (N,), int64
        The labels.
    T : float
        Above 0.
    alpha : float
        The weight of the soft term, from 0 to 1.

    Returns
    -------
    Tensor, shape (), float32
        Gradients flow through it to zs.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2. The paper writes the soft term as a cross-entropy, which
    differs by the teacher's entropy and has the same gradient; the divergence is 0 where the student has arrived.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Compute the loss, and its gradient by the student's logits."""
    return with_gradients(answer, case, "zs")


def _example(group: str, N: int, C: int, T: float, alpha: float, spread: float = 2.0) -> Case:
    rng = torch.Generator().manual_seed(10 * N + C)
    zs, zt = (spread * torch.randn(N, C, generator=rng) for _ in range(2))
    return case(group, zs=zs, zt=zt, y=torch.randint(0, C, (N,), generator=rng), T=T, alpha=alpha)


EXAMPLES = [
    _example("T above 1", 4, 3, 2.5, 0.7),
    _example("T = 1", 2, 5, 1.0, 0.4),
    _example("logits far apart", 3, 4, 2.0, 0.9, spread=150.0),
]
