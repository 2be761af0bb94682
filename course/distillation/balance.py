"""The two terms of the loss against each other, and where a teacher adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from course.common import stacks
from course.distillation.study import CLASSES, HARD, STUDENT, TEMPERATURES, TRAIN, Digits, lesson, students, taught

SMALLER = (64, 10, CLASSES)
ALPHAS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


# With and without T squared


def noisy(y: Tensor, share: float) -> Tensor:
    """Labels of which a share was drawn anew among all classes: a tenth of these stays right by chance."""
    rng = torch.Generator().manual_seed(0)
    drawn, other = torch.rand(len(y), generator=rng) < share, torch.randint(CLASSES, (len(y),), generator=rng)
    return torch.where(drawn.to(y.device), other.to(y.device), y)


def without_square(kd_loss: Callable) -> Callable:
    """Your `kd_loss` without the factor T squared on its soft term."""

    def loss(zs: Tensor, zt: Tensor, y: Tensor, T: float, alpha: float) -> Tensor:
        return alpha / T**2 * kd_loss(zs, zt, y, T, 1.0) + (1 - alpha) * kd_loss(zs, zt, y, T, 0.0)

    return loss


def square(
    digits: Digits, kd_loss: Callable, count: int, share: float = 0.7, temperatures: Sequence[float] = TEMPERATURES
) -> dict[tuple[str, float], Tensor]:
    """Percent right after training on noisy labels and soft targets at alpha = 0.5, each of shape (seeds,)."""
    base = replace(lesson(digits, kd_loss), y=noisy(digits.y, share))
    lessons = {(HARD, 1.0): base}
    for T in temperatures:
        mixed = replace(base, T=T, alpha=0.5)
        lessons |= {("with T²", T): mixed, ("without T²", T): replace(mixed, loss=without_square(kd_loss))}
    return {name: digits.right(logits) for name, logits in students(digits, lessons, count).items()}


def weights(
    digits: Digits, kd_loss: Callable, count: int, share: float = 0.3, alphas: Sequence[float] = ALPHAS
) -> dict[float, Tensor]:
    """Percent right at T = 4 for each weight of the soft term, with noisy labels, each of shape (seeds,)."""
    base = replace(lesson(digits, kd_loss), y=noisy(digits.y, share), T=4.0)
    lessons = {alpha: replace(base, alpha=alpha) for alpha in alphas}
    return {alpha: digits.right(logits) for alpha, logits in students(digits, lessons, count).items()}


def gradients(digits: Digits, kd_grad: Callable, count: int, temperatures: Sequence[float]) -> dict[float, Tensor]:
    """Norm of the soft term's gradient by all weights of untrained students, from your `kd_grad`; each (seeds,)."""
    W, b = stacks.kaiming(count, STUDENT, torch.Generator().manual_seed(1), digits.x.device)
    W, found = [part.requires_grad_() for part in W], {}
    zs, zt = stacks.mlp(digits.x[:TRAIN], W, b), digits.zt[:TRAIN]
    for T in temperatures:
        with digits.x.device:
            by_logits = torch.stack([kd_grad(own, zt, T) for own in zs.detach()])
        by_weights = torch.autograd.grad(zs, W, by_logits, retain_graph=True)
        found[T] = torch.cat([part.flatten(1) for part in by_weights], 1).norm(dim=1).cpu()
    return found


# Where it gives nothing


def clean(
    digits: Digits,
    kd_loss: Callable,
    count: int,
    sizes: Sequence[int] = STUDENT,
    temperatures: Sequence[float] = TEMPERATURES,
) -> dict[str | float, dict[str, Tensor]]:
    """Students on all training digits with clean labels: accuracy, log loss and agreement with the teacher."""
    base = lesson(digits, kd_loss)
    lessons = {HARD: base} | {T: base.soft(T) for T in temperatures}
    found = students(digits, lessons, count, sizes, steps=600)
    return {
        name: {
            "right": digits.right(logits),
            "log loss": digits.log_loss(logits),
            "agreement": digits.agreement(logits),
        }
        for name, logits in found.items()
    }


def no_wiser(ensemble: Callable, kd_loss: Callable, count: int, labels: int = 100) -> tuple[Digits, dict[str, Tensor]]:
    """A teacher of 20 nets that saw as few labels as its students, who may also see all pictures without labels.

    Returns
    -------
    teacher : Digits
    right : dict of Tensor, shape (seeds,), percent right for each way to teach
    """
    labelled = torch.randperm(TRAIN, generator=torch.Generator().manual_seed(labels))[:labels]
    digits = taught(ensemble, labelled, members=20)
    own, every = lesson(digits, kd_loss, labelled), lesson(digits, kd_loss)
    lessons = {
        "the labels": own,
        "soft, T = 1, all pictures": every.soft(1.0),
        "soft, T = 4, all pictures": every.soft(4.0),
        "the teacher's first choices, all pictures": replace(every, y=digits.zt.argmax(-1)),
    }
    return digits, {name: digits.right(logits) for name, logits in students(digits, lessons, count).items()}
