"""Prune for sparse tensor cores."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def two_four(W: Tensor) -> Tensor:
    """Say which weights stay in the 2:4 pattern, which the sparse tensor cores of a GPU can use.

    Each row of W is cut into groups of four neighbours: columns 0 to 3, 4 to 7 and so on. In every group the two
    weights of largest magnitude are kept, exactly two, and the other two are pruned. Of equal magnitudes the one with
    the lower column is pruned first.

    Parameters
    ----------
    W : Tensor, shape (d_out, d_in), float32
        d_in is a multiple of 4. Some weights may be 0 already.

    Returns
    -------
    Tensor, shape (d_out, d_in), bool
        True where a weight is kept.

    Source: Mishra et al. 2021 (arXiv:2104.08378), section 3; Frantar & Alistarh 2023 (arXiv:2301.00774), section 3.
    """
    raise NotImplementedError


def _example(group: str, d_out: int, d_in: int, most: int) -> Case:
    rng = torch.Generator().manual_seed(10 * d_out + d_in)
    signs = 2 * torch.randint(0, 2, (d_out, d_in), generator=rng) - 1
    if "zeros" in group:
        return case(group, W=signs * torch.randint(0, most, (d_out, d_in), generator=rng) / 4)
    magnitudes = 1 + torch.randperm(d_out * d_in, generator=rng).reshape(d_out, d_in)
    return case(group, W=signs * magnitudes / 8)


EXAMPLES = [
    _example("no two magnitudes are equal", 4, 8, 0),
    _example("a square weight", 8, 8, 0),
    _example("equal magnitudes, and zeros", 4, 12, 3),
]
