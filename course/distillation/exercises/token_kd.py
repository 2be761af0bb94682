"""Distil a language model token by token."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case
from course.distillation.gradients import with_gradients

POINTS = 3
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def token_kd(zs: Tensor, zt: Tensor, mask: Tensor, T: float) -> Tensor:
    """Average the soft term over all tokens that count: T**2 * KL(p_t || p_s), with both softened by T.

    Student and teacher predict at the same positions, so nothing is shifted. Each token that counts weighs the same,
    in whichever row it stands.

    Parameters
    ----------
    zs, zt : Tensor, shape (B, L, V), float32
        The logits of student and teacher at L positions. At positions that do not count they may be anything, nan
        included.
    mask : Tensor, shape (B, L), int64
        1 where a position counts, 0 on padding. At least one counts; a row may have none.
    T : float
        Above 0.

    Returns
    -------
    Tensor, shape (), float32
        Gradients flow through it to zs: 0 at positions that do not count, where zs and zt are nan, too.

    Source: Kim & Rush 2016 (arXiv:1606.07947), section 3.1, with the temperature of Hinton et al. 2015
    (arXiv:1503.02531).
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Compute the loss, and its gradient by the student's logits."""
    return with_gradients(answer, case, "zs")


def _example(group: str, lengths: list[int], V: int, T: float, padding: float = 1.0) -> Case:
    rng = torch.Generator().manual_seed(10 * sum(lengths) + V)
    B, L = len(lengths), max(lengths) + 1
    mask = (torch.arange(L) < torch.tensor(lengths)[:, None]).long()
    zs, zt = (2 * torch.randn(B, L, V, generator=rng) for _ in range(2))
    return case(group, zs=torch.where(mask[..., None] > 0, zs, padding * zs), zt=zt, mask=mask, T=T)


EXAMPLES = [
    _example("rows of different lengths", [4, 1, 2], 5, 2.0),
    _example("a row without tokens", [0, 3], 4, 0.5),
    _example("nan on padding", [2, 3], 3, 1.5, padding=float("nan")),
]
