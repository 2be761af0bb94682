"""Prune the smallest weights of a network."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def global_magnitude(weights: list[Tensor], sparsity: float) -> list[Tensor]:
    """Say which weights of several layers stay when one ranking by magnitude goes over all of them.

    Exactly floor(sparsity * n + 0.5) weights are pruned, where n counts the weights of all layers together. Of equal
    magnitudes the one in the earlier layer of the list is pruned first, and within a layer the one that comes first
    in its flatten(). How much each layer loses follows from the ranking: a layer may lose nothing, or everything.

    Parameters
    ----------
    weights : list of Tensor, float32
        One weight per layer, of any shapes. They must not change.
    sparsity : float
        The share of all weights to prune, from 0 to 1.

    Returns
    -------
    list of Tensor, bool
        One mask per layer, of the layer's shape: True where a weight is kept.

    Source: Frankle & Carbin 2019 (arXiv:1803.03635), section 4, compares global with layer-wise pruning;
    torch.nn.utils.prune.global_unstructured ranks globally, too.
    """
    raise NotImplementedError


def _example(group: str, magnitudes: list[list[int]], shapes: list[tuple[int, int]], sparsity: float) -> Case:
    rng = torch.Generator().manual_seed(len(magnitudes[0]))
    weights = []
    for values, shape in zip(magnitudes, shapes, strict=True):
        shuffled = torch.tensor(values)[torch.randperm(len(values), generator=rng)].reshape(shape)
        weights.append((2 * torch.randint(0, 2, shape, generator=rng) - 1) * shuffled / 8)
    return case(group, weights=weights, sparsity=sparsity)


EXAMPLES = [
    _example(
        "layers of different scale",
        [[3, 6, 9, 12, 15, 18, 21, 24], [1, 2, 4, 5, 7, 8], [10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26]],
        [(4, 2), (2, 3), (3, 4)],
        0.40625,
    ),
    _example(
        "equal magnitudes in two layers", [[1, 2, 2, 2, 3, 3], [1, 1, 2, 2, 2, 4, 5, 5]], [(2, 3), (4, 2)], 0.46875
    ),
    _example("the count ends in one half", [[1, 3, 5, 6, 9, 10], [2, 4, 7, 8, 11, 12]], [(3, 2), (2, 3)], 0.375),
    _example("everything is pruned", [[1, 4, 6, 7], [2, 3, 5, 8, 9, 10]], [(2, 2), (3, 2)], 1.0),
]
