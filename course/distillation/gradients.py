"""See what a loss hands back to the tensors that it is computed from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.exercise import Case, observe_call


def with_gradients(answer: Callable, case: Case, *names: str) -> dict[str, Any]:
    """Observe a loss and its gradients by the inputs of these names: zeros where none comes back."""
    leaves = {name: case.inputs[name].clone().requires_grad_() for name in names}
    again = {name: own.clone() if isinstance(own, Tensor) else own for name, own in case.inputs.items()}
    loss = observe_call(answer, case)
    try:
        found = _gradients(answer(**again | {name: leaf.clone() for name, leaf in leaves.items()}), leaves)
    except RuntimeError:  # numpy() refuses a tensor that requires a gradient, autograd one that changed in place
        found = [None] * len(leaves)
    pairs = zip(leaves.items(), found, strict=True)
    gradients = {name: torch.zeros_like(leaf) if own is None else own for (name, leaf), own in pairs}
    return {"loss": loss, **{f"gradient by {name}": own for name, own in gradients.items()}}


def _gradients(loss: object, leaves: dict[str, Tensor]) -> list[Tensor | None]:
    if not (isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1):
        return [None] * len(leaves)
    return list(torch.autograd.grad(loss.sum(), list(leaves.values()), allow_unused=True))
