"""When networks are pruned: near zero while they train, gradually or at once; and a mask that is not held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from course.common import device as devices
from course.common.stacks import TRAIN, digits
from course.pruning.study import Method, Nets, batches, fresh, masks_of, summed_loss, tune

ARMS = ("mask held", "only its gradient masked", "mask forgotten")
THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.07)
RATE = 0.2  # of the linear classifier


# A mask that is not held


@dataclass(frozen=True)
class Trace:
    """Accuracy and share of zeros, in percent, after each of `steps`; both (len(steps), arms, seeds)."""

    steps: list[int]
    accuracy: Tensor
    zeros: Tensor


class Momentum:
    """Training by your `held_step`, with the learning rate 0.1 and the momentum 0.9; biases are not pruned."""

    def __init__(self, nets: Nets, held_step: Callable) -> None:
        self.nets, self.held_step = nets, held_step
        self.buffers = [torch.zeros_like(part) for part in (*nets.W, *nets.b)]

    def step(self, x: Tensor, y: Tensor, masks: Sequence[Tensor], gates: Sequence[Tensor]) -> None:
        """Take one step with the gradients of the weights multiplied by `gates`."""
        parts = [part.detach().requires_grad_() for part in (*self.nets.W, *self.nets.b)]
        W, b = parts[: len(masks)], parts[len(masks) :]
        slopes = list(torch.autograd.grad(summed_loss(W, b, x, y), parts))
        slopes[: len(masks)] = [slope * gate for slope, gate in zip(slopes, gates, strict=False)]
        held = [*masks, *(torch.ones_like(bias, dtype=torch.bool) for bias in b)]
        with torch.no_grad(), x.device:
            rows = zip(parts, slopes, self.buffers, held, strict=True)
            moved = [self.held_step(part.detach(), *given, 0.1, 0.9) for part, *given in rows]
        parts, self.buffers = ([part.detach() for part in kind] for kind in zip(*moved, strict=True))
        self.nets = replace(self.nets, W=parts[: len(masks)], b=parts[len(masks) :])


@devices.threads(1)
def forgotten(
    held_step: Callable, method: Method, sparsity: float = 0.95, steps: int = 200, seeds: int | None = None
) -> Trace:
    """Train, prune, and train on with the mask held, with the mask on the gradient only, and with no mask at all.

    `held_step` is your pruning.held_step: with a mask of ones it is the step of whoever forgets the mask.
    """
    dense = Momentum(fresh(seeds=seeds), held_step)
    ones = [torch.ones_like(w, dtype=torch.bool) for w in dense.nets.W]
    batch = batches(dense.nets, 2)
    for _ in range(300):
        dense.step(*batch(), ones, ones)
    mask = masks_of(dense.nets, [(method, sparsity)])
    arms = Momentum(dense.nets.copies(3).masked([m.repeat(3, 1, 1) for m in mask]), held_step)
    arms.buffers = [part.repeat(3, *[1] * (part.dim() - 1)) for part in dense.buffers]
    pairs = list(zip(mask, ones, strict=True))
    masks, gates = (
        [torch.cat(kind) for kind in kinds] for kinds in (((m, o, o) for m, o in pairs), ((o, m, o) for m, o in pairs))
    )
    batch, rows, at = batches(arms.nets, 3), [], [0, 1, *range(10, steps + 1, 10)]
    for step in range(steps + 1):
        if step:
            arms.step(*batch(), masks, gates)
        if step in at:
            rows.append((arms.nets.accuracy(), arms.nets.zeros()))
    return Trace(at, *(torch.stack(kind) for kind in zip(*rows, strict=True)))


# Near zero while training


def linear_task() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Standardised pixels and a column for each digit: x and y for training, then x and labels for the test."""
    x, y = digits()
    x = x[:, x[:TRAIN].std(0) > 0.01]
    x = (x - x[:TRAIN].mean(0)) / x[:TRAIN].std(0)
    columns = one_hot(y, 10) - 0.1
    return x[:TRAIN], columns[:TRAIN], x[TRAIN:], y[TRAIN:]


@devices.threads(1)
def near_zero(
    prune_while_training: Callable, thresholds: Sequence[float] = THRESHOLDS, steps: int = 400, seeds: int = 6
) -> dict[tuple[str, float], Tensor]:
    """Train a linear classifier and prune what is near zero every 20 steps, or once, after the last step.

    `prune_while_training` is your function; a threshold that no weight falls below makes it train without pruning.

    Returns
    -------
    dict of (when, threshold) to Tensor, shape (2, seeds)
        Percent of the weights pruned, and accuracy on the test images in percent.
    """
    x, y, x_test, y_test = linear_task()

    def run(W: Tensor, threshold: float, every: int, quiet: int) -> Tensor:
        """Percent pruned and percent right after `quiet` steps without pruning and the others with it."""
        if quiet:
            W, _ = prune_while_training(x, y, W, 1e-12, quiet, RATE, quiet)
        W, pruned = prune_while_training(x, y, W, threshold, every, RATE, steps - quiet)
        return 100 * torch.tensor([pruned[-1] / W.numel(), ((x_test @ W.T).argmax(1) == y_test).float().mean()])

    half = steps // 2
    plans = {"from the start on": (20, 0), "from half way on": (20, half), "once, at the end": (half, half)}
    starts = [
        0.05 * torch.randn(10, x.shape[1], generator=torch.Generator().manual_seed(seed)) for seed in range(seeds)
    ]
    return {
        (when, threshold): torch.stack([run(W, threshold, *plan) for W in starts], 1)
        for when, plan in plans.items()
        for threshold in thresholds
    }


# Gradually


@devices.threads(1)
def gradually(
    nets: Nets,
    method: Method,
    cubic: Callable,
    sparsities: Sequence[float],
    updates: int = 20,
    every: int = 10,
    rest: int = 100,
) -> dict[str, dict[float, Tensor]]:
    """Accuracy, shape (seeds,), after pruning at once and by your `cubic`, both with the same number of steps."""
    many, steps = nets.copies(len(sparsities)), updates * every + rest

    def revise(step: int, now: Nets) -> list[Tensor] | None:
        if step % every or step > updates * every:
            return None
        return masks_of(now, [(method, cubic(step, 0, updates, every, 0.0, s)) for s in sparsities])

    at_once = tune(many, steps, masks_of(many, [(method, s) for s in sparsities]))
    found = {"at once": at_once, "cubic schedule": tune(many, steps, revise=revise)}
    return {name: dict(zip(sparsities, own.accuracy(), strict=True)) for name, own in found.items()}
