"""Derive the gradient of the soft term."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def kd_grad(zs: Tensor, zt: Tensor, T: float) -> Tensor:
    """Differentiate the soft term of distillation by the student's logits.

    The soft term is T**2 times the mean over the N rows of KL(p_t || p_s), with p_t = softmax(zt / T) and
    p_s = softmax(zs / T). You may derive a formula or let autograd differentiate; be ready to write the formula on a
    whiteboard, and to say what becomes of it for T = 1 and for a very large T.

    Parameters
    ----------
    zs, zt : Tensor, shape (N, C), float32
        The logits of student and teacher. The teacher is a constant.
    T : float
        Above 0.

    Returns
    -------
    Tensor, shape (N, C), float32
        A plain tensor that requires no gradient. Neither may zs and zt require one afterwards.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2.1, equation 2. There the factor T**2 and the mean over the
    batch are left out.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Ask for the gradient; see which tensors a graph hangs on afterwards."""
    found = observe_call(answer, case)
    tensors = {"the result": found, "zs": case.inputs["zs"], "zt": case.inputs["zt"]}
    graphs = [name for name, own in tensors.items() if isinstance(own, Tensor) and own.requires_grad]
    return {"gradient": found, "tensors that require a gradient": ", ".join(graphs) or "none"}


def _example(group: str, N: int, C: int, T: float) -> Case:
    rng = torch.Generator().manual_seed(10 * N + C)
    return case(group, zs=2 * torch.randn(N, C, generator=rng), zt=2 * torch.randn(N, C, generator=rng), T=T)


EXAMPLES = [
    _example("T above 1", 2, 3, 2.5),
    _example("T = 1", 3, 4, 1.0),
    _example("a high temperature", 4, 5, 20.0),
]
