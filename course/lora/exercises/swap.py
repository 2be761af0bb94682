"""Swap one adapter for another."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=5e-5)


def swap(W_merged: Tensor, A1: Tensor, B1: Tensor, alpha1: float, A2: Tensor, B2: Tensor, alpha2: float) -> Tensor:
    """Turn a weight that holds adapter 1 into one that holds adapter 2, without the base at hand.

    Parameters
    ----------
    W_merged : Tensor, shape (d_out, d_in), float32 or bfloat16
        The base weight with adapter 1 merged. It must not change.
    A1 : Tensor, shape (r1, d_in), float32
    B1 : Tensor, shape (d_out, r1), float32
    alpha1 : float
        Adapter 1 was merged with the scale alpha1 / r1.
    A2 : Tensor, shape (r2, d_in), float32
    B2 : Tensor, shape (d_out, r2), float32
    alpha2 : float
        Adapter 2 has the scale alpha2 / r2. Its rank may differ from that of adapter 1.

    Returns
    -------
    Tensor, shape (d_out, d_in), dtype of W_merged
        The base weight with adapter 2 merged: a new tensor. First the base is recovered, in float32 and then
        rounded to the dtype of W_merged, in which it was stored once: this puts most of its entries back
        exactly. Then adapter 2 is added, again in float32 and with one rounding at the end.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    raise NotImplementedError


def _example(group: str, d_out: int, d_in: int, ranks: tuple[int, int], alphas: tuple[float, float]) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)

    def draw(*shape: int) -> Tensor:
        return torch.randint(-40, 41, shape, generator=rng) / 32

    W = torch.randint(-255, 256, (d_out, d_in), generator=rng) / 64
    (A1, A2), (B1, B2) = ([draw(r, d_in) for r in ranks], [draw(d_out, r) for r in ranks])
    W_merged = W.bfloat16() if "bfloat16" in group else W
    return case(group, W_merged=W_merged, A1=A1, B1=B1, alpha1=alphas[0], A2=A2, B2=B2, alpha2=alphas[1])


EXAMPLES = [
    _example("different ranks", 4, 5, (1, 4), (3.0, 2.0)),
    _example("bfloat16 weight", 5, 4, (4, 2), (2.0, 8.0)),
]
