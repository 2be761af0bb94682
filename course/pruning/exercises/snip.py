"""Prune a network before it is trained."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def snip(weights: list[Tensor], grads: list[Tensor], keep: int) -> list[Tensor]:
    """Say which connections of an untrained network SNIP keeps.

    SNIP puts a gate c in front of every weight, so that the layers compute with c * w, and asks how fast the loss
    changes with each gate at c = 1. The sensitivity of a connection is the magnitude of this derivative, divided by
    the sum of the magnitudes over the whole network. The `keep` connections of largest sensitivity stay. Of equal
    sensitivities the one in the earlier layer of the list is pruned first, and within a layer the one that comes
    first in its flatten().

    Parameters
    ----------
    weights : list of Tensor, float32
        One weight per layer, as initialised, of any shapes.
    grads : list of Tensor, float32
        The derivative of the loss with respect to each weight (not to its gate), of the same shapes. It is 0 where
        a connection does not matter, and not everywhere.
    keep : int
        How many connections stay in the whole network: from 0 to all of them.

    Returns
    -------
    list of Tensor, bool
        One mask per layer, of the layer's shape: True where a connection is kept.

    Source: Lee et al. 2019 (arXiv:1810.02340), section 4.
    """
    raise NotImplementedError


def _example(group: str, weights: list[list[list[int]]], grads: list[list[list[int]]], keep: int) -> Case:
    """Whole numbers over powers of two: the products are exact."""
    layers, slopes = [torch.tensor(rows) / 8 for rows in weights], [torch.tensor(rows) / 4 for rows in grads]
    return case(group, weights=layers, grads=slopes, keep=keep)


EXAMPLES = [
    _example(
        "no two sensitivities are equal",
        weights=[[[-2, 6, 7, 7], [5, 4, -2, 3]], [[1, -5], [-2, 5], [2, 2]]],
        grads=[[[-7, -7, 7, -8], [7, 2, -6, -8]], [[-3, 1], [-2, -4], [3, -5]]],
        keep=6,
    ),
    _example(
        "equal sensitivities, many of them zero",
        weights=[[[2, -4, 1], [3, 5, 6]], [[1, 2], [-6, 4]]],
        grads=[[[6, 3, 0], [4, 0, 0]], [[0, 6], [2, 0]]],
        keep=3,
    ),
    _example("nothing stays", weights=[[[2, -3], [4, 1]], [[5, -6]]], grads=[[[1, 5], [-7, 2]], [[3, 4]]], keep=0),
]
