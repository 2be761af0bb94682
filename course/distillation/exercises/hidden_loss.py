"""Give the student a hint from the teacher's middle."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case
from course.distillation.gradients import with_gradients

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def hidden_loss(hs: Tensor, ht: Tensor, W: Tensor) -> Tensor:
    """Compare the teacher's hidden states with the student's, which a learned projection makes as long.

    Every hidden state h of the student becomes W h. The loss is the mean of the squared difference from the teacher's
    hidden state over all B * L * d_teacher entries. W is trained with the student and thrown away afterwards.

    Parameters
    ----------
    hs : Tensor, shape (B, L, d_student), float32
    ht : Tensor, shape (B, L, d_teacher), float32
    W : Tensor, shape (d_teacher, d_student), float32
        The projection, in the layout of torch.nn.Linear; it has no bias. d_student may equal d_teacher: W is used
        there, too.

    Returns
    -------
    Tensor, shape (), float32
        Gradients flow through it to hs and W.

    Source: Romero et al. 2014 (arXiv:1412.6550), section 2.2, equation 3, which has half the sum of the squares where
    a mean is asked for here; Jiao et al. 2019 (arXiv:1909.10351), section 3.1, with the mean.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Compute the loss, and its gradients by what trains: the student's hidden states and the projection."""
    return with_gradients(answer, case, "hs", "W")


def _example(group: str, B: int, L: int, d_student: int, d_teacher: int) -> Case:
    rng = torch.Generator().manual_seed(100 * B + 10 * L + d_student)
    return case(
        group,
        hs=torch.randn(B, L, d_student, generator=rng),
        ht=2 * torch.randn(B, L, d_teacher, generator=rng),
        W=torch.randn(d_teacher, d_student, generator=rng),
    )


EXAMPLES = [
    _example("a smaller student", 2, 3, 4, 6),
    _example("equal widths", 3, 2, 5, 5),
]
