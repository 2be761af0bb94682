"""Find the best update of a given rank."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-4)


def truncate(D: Tensor, rank: int) -> tuple[Tensor, Tensor, float]:
    """Write a full update D as the best product of two factors of a given rank.

    Parameters
    ----------
    D : Tensor, shape (d_out, d_in), float32
        What full fine-tuning changed: the tuned weight minus the pretrained one.
    rank : int
        At most min(d_out, d_in).

    Returns
    -------
    B : Tensor, shape (d_out, rank), float32
    A : Tensor, shape (rank, d_in), float32
        No product of such shapes is nearer to D in the Frobenius norm than B A. Only B A is checked: how
        its size is divided between the two factors is free.
    err : float
        The squared Frobenius norm of D - B A.

    Source: Eckart and Young 1936, "The approximation of one matrix by another of lower rank".
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Judge the product, not the factors: B and A may be scaled or rotated against each other."""
    B, A, err = observe_call(answer, case)
    d_out, d_in = case.inputs["D"].shape
    wanted = f"float32 {(d_out, case.inputs['rank'])}", f"float32 {(case.inputs['rank'], d_in)}"
    # Factors that do not fit fail by their forms; zeros in the product's place keep the rest comparable.
    product = B @ A if (_form(B), _form(A)) == wanted else torch.zeros(d_out, d_in)
    return {"B": _form(B), "A": _form(A), "B A": product, "err": err}


def _form(factor: Tensor) -> str:
    if not isinstance(factor, Tensor):
        return f"a {type(factor).__name__}"
    return f"{str(factor.dtype).removeprefix('torch.')} {tuple(factor.shape)}"


def _example(group: str, d_out: int, d_in: int, sigma: list[float], rank: int) -> Case:
    rng = torch.Generator().manual_seed(100 * d_out + d_in)
    U, V = (torch.linalg.qr(torch.randn(d, len(sigma), generator=rng)).Q for d in (d_out, d_in))
    return case(group, D=U @ torch.diag(torch.tensor(sigma)) @ V.T, rank=rank)


EXAMPLES = [
    _example("tall", 7, 4, [4.0, 2.0, 1.0, 0.5], 2),
    _example("wide", 4, 6, [3.0, 1.5, 0.75, 0.25], 1),
    _example("square", 5, 5, [3.0, 2.0, 1.0, 0.5, 0.25], 3),
]
