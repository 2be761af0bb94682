"""Turn codes back into weights."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-5, atol=1e-8)


def dequantise(codes: Tensor, absmax: Tensor, levels: Tensor, block: int = 64) -> Tensor:
    """Rebuild the weights that `nf4` stored: each code's level, times the scale of its block.

    Parameters
    ----------
    codes : Tensor, shape (n,), uint8
        Indices into levels.
    absmax : Tensor, shape (ceil(n / block),), float32
        The scales of the blocks; 0 for a block of zeros.
    levels : Tensor, shape (16,), float32
        Ascending, from -1 to 1.
    block : int
        How many consecutive entries share a scale. The last block may be shorter.

    Returns
    -------
    Tensor, shape (n,), float32

    Source: Dettmers et al. 2023 (arXiv:2305.14314), sections 2 and 3.
    """
    raise NotImplementedError


# NF4's levels, rounded to 64ths.
LEVELS = torch.tensor([-64, -45, -34, -25, -18, -12, -6, 0, 5, 10, 16, 22, 28, 36, 46, 64]) / 64


def _example(group: str, n: int, block: int) -> Case:
    rng = torch.Generator().manual_seed(100 * n + block)
    codes = torch.randint(0, 16, (n,), generator=rng).to(torch.uint8)
    absmax = 0.25 + torch.rand(-(-n // block), generator=rng)
    if "zeros" in group:
        absmax[1], codes[block : 2 * block] = 0, 7
    return case(group, codes=codes, absmax=absmax, levels=LEVELS, block=block)


EXAMPLES = [
    _example("the last block is shorter", 11, 3),
    _example("a block of zeros", 15, 5),
]
