"""Compare what two adapters learned."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def similarity(A1: Tensor, A2: Tensor, i: int, j: int) -> float:
    """Say how much of one adapter's strongest i input directions lies in the strongest j of another's.

    phi = ||V1[:, :i]' V2[:, :j]||_F**2 / min(i, j), where the columns of V1 and V2 are the right singular
    vectors of A1 and A2, sorted by singular value, largest first. phi is 0 where the two spans are
    orthogonal and 1 where one holds the other.

    Parameters
    ----------
    A1 : Tensor, shape (r1, d_in), float32
    A2 : Tensor, shape (r2, d_in), float32
        The two adapters may have different ranks, both at most d_in.
    i, j : int
        1 <= i <= r1 and 1 <= j <= r2.

    Returns
    -------
    float

    Source: Hu et al. 2021 (arXiv:2106.09685), equation 4. The paper writes U for what is V here.
    """
    raise NotImplementedError


def _example(group: str, d_in: int, sigma1: list[float], sigma2: list[float], i: int, j: int) -> Case:
    rng = torch.Generator().manual_seed(100 * d_in + 10 * i + j)

    def draw(sigma: list[float]) -> Tensor:
        rank = len(sigma)
        U, V = (torch.linalg.qr(torch.randn(d, rank, generator=rng)).Q for d in (rank, d_in))
        return U @ torch.diag(torch.tensor(sigma)) @ V.T

    return case(group, A1=draw(sigma1), A2=draw(sigma2), i=i, j=j)


EXAMPLES = [
    _example("equal ranks", 6, [4.0, 2.0, 1.0], [3.0, 1.5, 0.5], 1, 2),
    _example("different ranks", 7, [4.0, 2.0], [3.0, 1.5, 0.75, 0.25], 2, 1),
    _example("as many directions of both", 8, [5.0, 2.0, 1.0], [3.0, 1.5, 0.5], 2, 2),
    _example("ranks as large as d_in", 4, [4.0, 2.0, 1.0, 0.5], [3.0, 1.5, 0.75, 0.25], 3, 2),
]
