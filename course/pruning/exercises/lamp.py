"""Score weights so that one ranking serves all layers."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-7)


def lamp(weights: list[Tensor]) -> list[Tensor]:
    """Compute the LAMP scores (layer-adaptive magnitude-based pruning) of the weights of some layers.

    The score of a weight w is w^2, divided by the sum of v^2 over all weights v of its layer that are not smaller in
    magnitude, w itself among them. So equal magnitudes have equal scores, and where one weight of a layer is the
    largest, it scores 1: a single ranking of all layers by these scores prunes it last, however small it is.

    Parameters
    ----------
    weights : list of Tensor, float32
        One weight per layer, of any shapes. They must not change.

    Returns
    -------
    list of Tensor, float32
        One tensor of scores per layer, of the layer's shape. A weight of 0 scores 0, in a layer of zeros, too.

    Source: Lee et al. 2021 (arXiv:2010.07611), equation 1. The paper breaks ties by position.
    """
    raise NotImplementedError


def _example(group: str, layers: list[list[list[int]]], unit: float = 1 / 8) -> Case:
    return case(group, weights=[torch.tensor(rows) * unit for rows in layers])


EXAMPLES = [
    _example("layers of different scale", [[[3, -1, 4], [-2, 6, -5]], [[20, -9], [14, 11], [-30, 7]]]),
    _example("equal magnitudes", [[[2, -2, 1, 3], [-3, 2, 4, 1]], [[5, -5], [5, 1]]]),
    _example("zeros", [[[0, 3], [-1, 0], [2, 4]], [[0, 0, 0], [0, 0, 0]]]),
    _example("tiny weights", [[[1, -2], [4, 3]], [[-5, 2, 1]]], unit=2.0**-40),
]
