"""Prune the smallest weights of a layer."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def magnitude(W: Tensor, sparsity: float) -> Tensor:
    """Say which weights of one layer stay when those of least magnitude are pruned.

    Exactly floor(sparsity * n + 0.5) of the n weights are pruned: halves are rounded up. Of equal magnitudes the one
    that comes first in W.flatten() is pruned first. (torch.topk and an unstable sort break ties in any order.)

    Parameters
    ----------
    W : Tensor, any shape, float32
        It must not change.
    sparsity : float
        The share of the weights to prune, from 0 to 1.

    Returns
    -------
    Tensor, shape of W, bool
        True where a weight is kept.

    Source: Han et al. 2015 (arXiv:1506.02626), section 3. torch.nn.utils.prune.l1_unstructured does the same, except
    that it rounds halves to even and leaves ties open.
    """
    raise NotImplementedError


def _example(group: str, magnitudes: list[int], shape: tuple[int, ...], sparsity: float) -> Case:
    rng = torch.Generator().manual_seed(100 * len(magnitudes) + shape[0])
    signs = 2 * torch.randint(0, 2, shape, generator=rng) - 1
    shuffled = torch.tensor(magnitudes)[torch.randperm(len(magnitudes), generator=rng)]
    return case(group, W=signs * shuffled.reshape(shape) / 8, sparsity=sparsity)


EXAMPLES = [
    _example("no two magnitudes are equal", list(range(1, 16)), (3, 5), 0.25),
    _example("the count ends in one half", list(range(1, 13)), (2, 6), 0.375),
    _example("equal magnitudes", [1] * 4 + [2] * 8 + [3] * 4, (4, 4), 0.5),
    _example("nothing is pruned", list(range(1, 7)), (2, 3), 0.0),
    _example("everything is pruned", list(range(1, 9)), (4, 2), 1.0),
]
