"""Prune one round of survivors."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def prune_round(W: Tensor, mask: Tensor, p: float) -> Tensor:
    """Take one round of magnitude pruning: drop the share p of the weights that are still there.

    Of the survivors, floor(p * survivors + 0.5) are dropped: those of smallest absolute value. Of equal absolute
    values the one that comes first in row-major order (the order of flatten) is dropped first. What was pruned stays
    pruned, whatever stands in W at its place.

    Parameters
    ----------
    W : Tensor, any shape, float32
        The trained weights, of one layer or of all layers in one vector. At a pruned place there may be a zero, if
        the mask was held in training, or anything else, even infinity. A weight that is still there may be 0, too.
    mask : Tensor, the shape of W, bool
        True where a weight is still there. Often all are, sometimes none is. It must not change.
    p : float
        From 0 to 1.

    Returns
    -------
    Tensor, the shape of W, bool
        The next mask: True where a weight is kept.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1, iterative pruning.
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, ...], alive: int, p: float) -> Case:
    rng = torch.Generator().manual_seed(100 * alive + len(shape))
    W = torch.randn(shape, generator=rng)
    mask = torch.zeros(W.numel(), dtype=torch.bool)
    mask[torch.randperm(W.numel(), generator=rng)[:alive]] = True
    mask = mask.view(shape)
    if "not held" not in group:
        W = W * mask
    elif not mask.all():
        W[tuple((~mask).nonzero()[0])] = torch.inf
    return case(group, W=W, mask=mask, p=p)


EXAMPLES = [
    _example("the first round", (3, 5), 15, 0.2),
    _example("a later round", (4, 5), 12, 0.36),
    _example("half a weight rounds up", (15,), 10, 0.25),
    _example("the mask was not held", (3, 6), 13, 0.2),
    case(
        "ties",
        W=torch.tensor([[0.5, -0.5, 1.0, 0.25], [-0.25, 0.5, 0.0, -0.5]]),
        mask=torch.tensor([[True, True, True, True], [True, True, False, True]]),
        p=0.5,
    ),
    case(
        "zeros among the survivors",
        W=torch.tensor([[0.0, 0.5, 0.0, 0.25], [0.0, -1.0, 0.0, 0.0]]),
        mask=torch.tensor([[True, True, True, True], [True, True, False, False]]),
        p=0.3,
    ),
    _example("nothing to drop, or everything", (3, 4), 0, 0.2),
]
