"""Align hidden states by their direction."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def cosine(hs: Tensor, ht: Tensor, mask: Tensor) -> Tensor:
    """Average 1 - cos over all tokens that count, cos being the cosine between the two hidden states of a token.

    Each token that counts weighs the same, in whichever row it stands. The loss is 0 where student and teacher point
    in the same direction, however long the vectors are.

    Parameters
    ----------
    hs, ht : Tensor, shape (B, L, D), float32
        Hidden states of student and teacher. The cosine with a vector of zeros is 0.
    mask : Tensor, shape (B, L), int64
        1 where a token counts, 0 on padding, where both hidden states hold arbitrary numbers. At least one counts; a
        row may have none.

    Returns
    -------
    Tensor, shape (), float32

    Source: Sanh et al. 2019 (arXiv:1910.01108), section 2.
    """
    raise NotImplementedError


def _example(group: str, lengths: list[int], D: int, zeros: bool = False) -> Case:
    rng = torch.Generator().manual_seed(10 * sum(lengths) + D)
    B, L = len(lengths), max(lengths) + 1
    hs, ht = (torch.randn(B, L, D, generator=rng) + 0.5 for _ in range(2))
    if zeros:
        hs[0, 0] = 0
    return case(group, hs=2 * hs, ht=ht, mask=(torch.arange(L) < torch.tensor(lengths)[:, None]).long())


EXAMPLES = [
    _example("rows of different lengths", [4, 1, 2], 7),
    _example("a row without tokens", [0, 3], 6),
    _example("a vector of zeros", [2, 3], 3, zeros=True),
]
