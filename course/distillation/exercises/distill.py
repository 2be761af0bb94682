"""Train a student on soft targets."""

from collections.abc import Iterable

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 4
MINUTES = 25
LEVEL = 3
TOLERANCE = Tolerance(rtol=2e-4, atol=2e-5)


def distill(
    x: Tensor, zt: Tensor, y: Tensor, W: Tensor, b: Tensor, T: float, alpha: float, lr: float, steps: int
) -> tuple[Tensor, Tensor]:
    """Train a linear student by plain gradient descent on the distillation loss.

    The student's logits are zs = W x + b for each row of x. The loss is that of `kd_loss`:
    alpha * T**2 * KL(p_t || p_s) + (1 - alpha) * CE(zs, y), with p_t and p_s softened by T, CE at temperature 1 and
    both terms means over the n rows. Every step uses all rows. W and b move together: both gradients are taken before
    either moves, and each moves by -lr times its gradient. There is no momentum and no weight decay.

    Parameters
    ----------
    x : Tensor, shape (n, d), float32
    zt : Tensor, shape (n, C), float32
        The logits of the teacher on the rows of x. The teacher does not learn.
    y : Tensor, shape (n,), int64
        The labels.
    W : Tensor, shape (C, d), float32
    b : Tensor, shape (C,), float32
        Where training starts. The tensors given must not change, nor require a gradient afterwards.
    T, alpha, lr : float
    steps : int
        At least 1.

    Returns
    -------
    W : Tensor, shape (C, d), float32
    b : Tensor, shape (C,), float32
        The student after all steps: plain tensors that require no gradient.

    Source: Hinton et al. 2015 (arXiv:1503.02531), section 2.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Train; see where training starts, by one step of size 0, and which tensors a graph hangs on afterwards."""
    still = {name: own.clone() if isinstance(own, Tensor) else own for name, own in case.inputs.items()}
    found = observe_call(answer, case)
    given = case.inputs["W"], case.inputs["b"]
    if _kept(answer(**still | {"lr": 0.0, "steps": 1}), given):
        graphs = _graphs(found, ("the W returned", "the b returned")) + _graphs(case.inputs.values(), case.inputs)
        return {"starts at W and b": True, "W and b": found, "require a gradient": ", ".join(graphs) or "none"}
    nothing = tuple(torch.zeros_like(own) for own in given)
    return {"starts at W and b": False, "W and b": nothing, "require a gradient": "none"}


def _kept(found: object, given: tuple[Tensor, Tensor]) -> bool:
    """Whether W and b are what was given. Where their form is wrong, let the form be reported."""
    if not isinstance(found, (tuple, list)) or [getattr(own, "shape", None) for own in found] != [
        own.shape for own in given
    ]:
        return True
    return all(torch.allclose(own.float(), before, atol=1e-4) for own, before in zip(found, given, strict=True))


def _graphs(tensors: object, names: Iterable[str]) -> list[str]:
    """The names of the tensors that require a gradient."""
    if not isinstance(tensors, Iterable):
        return []
    return [name for name, own in zip(names, tensors, strict=False) if isinstance(own, Tensor) and own.requires_grad]


def _example(group: str, n: int, d: int, C: int, T: float, alpha: float, steps: int) -> Case:
    rng = torch.Generator().manual_seed(100 * n + 10 * d + C)
    return case(
        group,
        x=torch.randn(n, d, generator=rng),
        zt=3 * torch.randn(n, C, generator=rng),
        y=torch.randint(0, C, (n,), generator=rng),
        W=torch.randn(C, d, generator=rng),
        b=torch.randn(C, generator=rng),
        T=T,
        alpha=alpha,
        lr=0.2,
        steps=steps,
    )


EXAMPLES = [
    _example("one step", 4, 3, 5, 2.0, 0.7, 1),
    _example("several steps", 6, 4, 3, 2.5, 0.4, 6),
    _example("the teacher alone", 5, 2, 4, 1.5, 1.0, 4),
]
