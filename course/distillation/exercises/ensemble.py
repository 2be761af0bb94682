"""Make one teacher of several nets."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-4)


def ensemble(logits: Tensor) -> Tensor:
    """Average the probabilities of several nets and return their logarithm, which serves as a teacher's logits.

    For every example and class: the logarithm of the mean over the nets of the net's probability.

    Parameters
    ----------
    logits : Tensor, shape (M, N, C), float32
        What each of M >= 1 nets says about N examples with C classes. Logits may be far apart: a probability may be
        too small for float32 in every net, but its logarithm is finite.

    Returns
    -------
    Tensor, shape (N, C), float32
        The exponentials of each row add up to 1.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 1: a cumbersome model may be an ensemble. The paper allows
    an arithmetic or a geometric mean of the predictions; the arithmetic one is asked for here.
    """
    raise NotImplementedError


def _example(group: str, M: int, N: int, C: int, spread: float) -> Case:
    rng = torch.Generator().manual_seed(100 * M + 10 * N + C)
    return case(group, logits=spread * torch.randn(M, N, C, generator=rng) + torch.randn(M, N, 1, generator=rng))


EXAMPLES = [
    _example("several nets", 3, 2, 4, 2.0),
    _example("one net", 1, 4, 3, 2.0),
    _example("logits far apart", 2, 3, 5, 200.0),
]
