"""Say when training was best stopped."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def early_stop(loss: Tensor, every: int) -> int:
    """Find the iteration with the lowest validation loss: the measure of how fast a network learns.

    The hypothesis says that a ticket reaches the accuracy of the dense network in a similar number of iterations. The
    iteration of early stopping makes that number comparable.

    Parameters
    ----------
    loss : Tensor, shape (measurements,), float32
        The validation loss, measured each time that another `every` iterations were done: loss[0] after the first
        `every` iterations, not before training. At least one measurement; the loss may fall again after a rise.
    every : int
        At least 1.

    Returns
    -------
    int
        How many iterations were done when the loss was lowest. Of equally low measurements the first counts.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 2.
    """
    raise NotImplementedError


def _example(group: str, loss: list[float], every: int) -> Case:
    return case(group, loss=torch.tensor(loss), every=every)


EXAMPLES = [
    _example("falls, then rises", [1.5, 0.75, 0.5, 0.625, 0.875], 10),
    _example("rises in between", [1.25, 0.75, 0.875, 0.5, 0.25, 0.375], 25),
    _example("ties", [1.0, 0.5, 0.75, 0.5, 0.625], 20),
    _example("still falling", [2.0, 1.5, 1.25], 5),
    _example("one measurement", [0.75], 50),
]
