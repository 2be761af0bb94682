"""Prune a layer by its weights and its inputs."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def wanda(W: Tensor, X: Tensor, sparsity: float) -> Tensor:
    """Say which weights of a linear layer Wanda keeps.

    The score of a weight is its magnitude times the L2 norm of its input feature, taken over all tokens of all
    sequences. In every row of W, that is for every output, the floor(sparsity * d_in + 0.5) weights of lowest score
    are pruned. Of equal scores the one with the lower column is pruned first. Nothing is retrained.

    Parameters
    ----------
    W : Tensor, shape (d_out, d_in), float32
    X : Tensor, shape (B, T, d_in), float32
        The layer's inputs on B calibration sequences of T tokens. Features may differ much in scale, and some may
        be 0 throughout.
    sparsity : float
        The share of each row to prune, from 0 to 1.

    Returns
    -------
    Tensor, shape (d_out, d_in), bool
        True where a weight is kept.

    Source: Sun et al. 2024 (arXiv:2306.11695), section 3.
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, int, int], d_out: int, sparsity: float, seed: int) -> Case:
    """Draw whole numbers over powers of two: sums of squares are exact, so equal norms are equal in any order."""
    rng = torch.Generator().manual_seed(seed)
    B, T, d_in = shape
    spread = torch.randint(0, 4, (B, T, d_in), generator=rng) ** torch.randint(0, 4, (d_in,), generator=rng)
    X = spread * (2 * torch.randint(0, 2, shape, generator=rng) - 1) / 8
    W = torch.randint(-60, 61, (d_out, d_in), generator=rng) / 32
    if "silent" in group:
        X[..., 1::2] = 0
    if "equal" in group:
        W, X = W.round(), torch.ones_like(X)
    return case(group, W=W, X=X, sparsity=sparsity)


EXAMPLES = [
    _example("features of different scale", (2, 5, 6), 4, 0.5, 7),
    _example("features of different scale", (3, 2, 5), 5, 0.25, 7),
    _example("silent features", (2, 3, 8), 3, 0.3125, 7),
    _example("equal scores", (2, 2, 9), 4, 0.5, 7),
    _example("everything is pruned", (2, 3, 4), 3, 1.0, 7),
]
