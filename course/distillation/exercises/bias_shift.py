"""Repair the bias against a class that was never shown."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def bias_shift(z: Tensor, c: int, prior: float) -> float:
    """Find the offset for class c's logit that makes the class as frequent among the predictions as it should be.

    A student that was distilled without examples of a class has learned much about it, but its bias for that class is
    far too low. Try the offsets 0, 0.25, 0.5, ..., 60: add each to the logits of class c alone, in every row, and take
    the share of rows whose largest logit is then that of class c. Return the offset whose share is nearest to prior;
    of several the least.

    Parameters
    ----------
    z : Tensor, shape (N, C), float32
        The student's logits on examples whose labels are not used: the transfer set, never the test set. Class c
        never has exactly the same logit as the row's largest other class, whatever the offset.
    c : int
    prior : float
        From 0 to 1: how often class c occurs.

    Returns
    -------
    float

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 3: a net that never saw a 3 gets 98.6 % of the test 3s right
    once the bias is raised by 3.5. There the offset was chosen on the test set.
    """
    raise NotImplementedError


def _example(group: str, gaps: list[float], prior: float, C: int, c: int) -> Case:
    """Draw logits in which class c lies a gap below the largest other."""
    rng = torch.Generator().manual_seed(10 * C + c)
    z = torch.randint(-8, 9, (len(gaps), C), generator=rng) / 4
    z[:, c] = -torch.inf
    z[:, c] = z.amax(-1) - torch.tensor(gaps)
    return case(group, z=z, c=c, prior=prior)


EXAMPLES = [
    _example("a share that is met exactly", [5.625, 2.125, 1.125, 2.375], 0.5, 3, 0),
    _example("a share that is jumped over", [1.625, 1.375, 4.125, 1.625], 0.375, 4, 2),
    _example("a share that is jumped over", [0.875, 6.125, 3.125, 3.125], 0.625, 3, 1),
    _example("the last offset", [59.875, 3.125, 61.125, 1.375], 0.75, 4, 1),
    _example("too many already", [-2.125, 2.625, -0.375, -1.125], 0.375, 5, 3),
]
