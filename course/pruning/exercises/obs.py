"""Remove one weight and let the others make up for it."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-3, atol=1e-4)


def obs(w: Tensor, Hinv: Tensor, q: int) -> Tensor:
    """Remove weight q of a neuron and change the others so that its outputs change as little as possible.

    For inputs X the squared change of the outputs is (w' - w) H (w' - w)' with H = X X'. Among all w' whose entry q
    is 0, the update of the Optimal Brain Surgeon has the least change: it subtracts from w the column q of the
    inverse of H, scaled so that entry q vanishes.

    Parameters
    ----------
    w : Tensor, shape (d_in,), float32
        One row of a layer's weight. It must not change.
    Hinv : Tensor, shape (d_in, d_in), float32
        The inverse of H: symmetric, its diagonal positive.
    q : int
        The weight to remove, 0 <= q < d_in.

    Returns
    -------
    Tensor, shape (d_in,), float32
        The new weights. Entry q is exactly 0, not merely up to rounding.

    Source: Hassibi & Stork 1993, Second order derivatives for network pruning; Frantar & Alistarh 2023
    (arXiv:2301.00774), section 3.1, where SparseGPT uses it.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Remove the weight; look at entry q without a tolerance."""
    found = observe_call(answer, case)
    q = case.inputs["q"]
    exact = isinstance(found, Tensor) and found.dim() == 1 and q < len(found) and found[q].item() == 0
    return {"new weights": found, "entry q is exactly 0": exact}


def _example(group: str, d_in: int, tokens: int, q: int, w_q: float, diagonal: float) -> Case:
    rng = torch.Generator().manual_seed(d_in)
    X = torch.randn(d_in, tokens, generator=rng, dtype=torch.float64)
    Hinv = torch.linalg.inv(X @ X.T / tokens + 0.2 * torch.eye(d_in))
    scale = torch.ones(d_in, dtype=torch.float64)
    scale[q] = (diagonal / Hinv[q, q]).sqrt()
    Hinv = (torch.outer(scale, scale) * Hinv).float().contiguous()
    Hinv[q, q] = diagonal
    w = torch.tensor([w_q if i == q else (-1) ** i * (0.5 + 0.25 * i) for i in range(d_in)])
    return case(group, w=w, Hinv=Hinv, q=q)


EXAMPLES = [
    _example("inputs that depend on each other", 4, 8, 2, w_q=1.25, diagonal=0.5),
    _example("inputs that depend on each other", 5, 7, 0, w_q=0.75, diagonal=2.0),
    _example("rounding leaves a rest", 3, 6, 1, w_q=0.977, diagonal=0.6),
]
