"""Cut whole neurons out of a network."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-7)


def neurons(W1: Tensor, b1: Tensor, W2: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Remove k hidden neurons from W2 act(W1 x + b1), so that smaller tensors are left.

    Each neuron is scored by the L2 norm of its incoming weights, without its bias. The k neurons of least norm go; of
    equal norms the one with the lower index goes first. The neurons that are left keep their order. Unlike zeros
    within a matrix, smaller matrices make any hardware faster.

    Parameters
    ----------
    W1 : Tensor, shape (d_hidden, d_in), float32
    b1 : Tensor, shape (d_hidden,), float32
    W2 : Tensor, shape (d_out, d_hidden), float32
    k : int
        0 <= k < d_hidden.

    Returns
    -------
    W1 : Tensor, shape (d_hidden - k, d_in), float32
    b1 : Tensor, shape (d_hidden - k,), float32
    W2 : Tensor, shape (d_out, d_hidden - k), float32

    Source: Li et al. 2017 (arXiv:1608.08710), section 3, with the L2 norm in place of L1;
    torch.nn.utils.prune.ln_structured chooses neurons in the same way, but only sets them to zero.
    """
    raise NotImplementedError


def _example(group: str, W1: list[list[int]], d_out: int, k: int) -> Case:
    rng = torch.Generator().manual_seed(len(W1))
    b1 = torch.tensor([(-1) ** i * (i + 1) for i in range(len(W1))]) * 0.75
    return case(group, W1=torch.tensor(W1) / 4, b1=b1, W2=torch.randn(d_out, len(W1), generator=rng), k=k)


EXAMPLES = [
    _example("no two norms are equal", [[3, 3, 3], [-5, 0, 0], [1, -4, -1], [6, 2, 2], [-4, -4, 3]], 2, 2),
    _example("equal norms", [[3, 4, 0, 0], [0, 2, 1, 1], [0, -5, 0, 0], [4, 0, 3, 0], [1, 1, 7, -1]], 6, 2),
    _example("no neuron goes", [[2, -1], [0, 3], [4, 4]], 4, 0),
]
