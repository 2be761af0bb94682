"""Other scores than magnitude: SNIP before training, movement during fine-tuning, and the Optimal Brain Surgeon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from course.common import device as devices
from course.common.stacks import TRAIN, train
from course.pruning.study import DENSE, RATE, RETRAIN, Method, Nets, batches, fresh, masks_of, summed_loss, tune

TASKS = ("near: labels swapped", "far: pixels shuffled")


# Before training


@devices.threads(1)
def before_training(
    snip: Callable, random: Method, sparsities: Sequence[float] = (0.95, 0.97), seeds: int | None = None
) -> dict[tuple[str, float], Tensor]:
    """Accuracy, shape (seeds,), of networks that were pruned before their first step and trained for 600.

    `snip` is your pruning.snip, asked for masks on one batch; `random` a method that needs no scores. The shuffled
    masks keep as many weights in each layer as SNIP's, at other places.
    """
    nets, rng = fresh(seeds=seeds), torch.Generator().manual_seed(7)
    W = [w.clone().requires_grad_() for w in nets.W]
    slopes = torch.autograd.grad(summed_loss(W, nets.b, *batches(nets, 9)()), W)
    entries, found = sum(w[0].numel() for w in W), {}
    for sparsity in sparsities:
        keep = round(entries * (1 - sparsity))
        own = [snip(nets.weights(i), [slope[i].cpu() for slope in slopes], keep) for i in range(nets.seeds)]
        found["SNIP", sparsity] = [torch.stack(layer) for layer in zip(*own, strict=True)]
        found["SNIP, shuffled", sparsity] = [
            torch.stack([_shuffled(mask, rng) for mask in layer]) for layer in found["SNIP", sparsity]
        ]
        found["random", sparsity] = masks_of(nets, [(random, sparsity)])
    masks = [torch.cat([mask.to(nets.x.device) for mask in layer]) for layer in zip(*found.values(), strict=True)]
    trained = tune(nets.copies(len(found)), DENSE + RETRAIN, masks)
    return dict(zip(found, trained.accuracy(), strict=True))


def _shuffled(mask: Tensor, rng: torch.Generator) -> Tensor:
    return mask.flatten()[torch.randperm(mask.numel(), generator=rng)].view_as(mask)


# While fine-tuning


def tasks(nets: Nets) -> dict[str, Nets]:
    """The trained networks with the digits of two other tasks."""
    swapped = torch.tensor([0, 7, 2, 8, 4, 5, 6, 1, 3, 9], device=nets.y.device)[nets.y]
    shuffled = nets.x[:, torch.randperm(64, generator=torch.Generator().manual_seed(5)).to(nets.x.device)]
    return dict(zip(TASKS, (replace(nets, y=swapped), replace(nets, x=shuffled)), strict=True))


def watched(nets: Nets, steps: int = 100) -> tuple[Nets, list[Tensor], list[Tensor]]:
    """Fine-tune; also each layer's weights before every step and their gradients, shape (steps, nets, d_out, d_in)."""
    W, b = ([part.clone().requires_grad_() for part in kind] for kind in (nets.W, nets.b))
    before, slopes, batch = [[w.detach().clone() for w in W]], [], batches(nets, 4)

    def after(step: int) -> None:
        slopes.append([w.grad.clone() for w in W])
        before.append([w.detach().clone() for w in W])

    train(W + b, lambda step: summed_loss(W, b, *batch()), steps, RATE, after=after)
    tuned = replace(nets, W=before.pop(), b=[bias.detach() for bias in b])
    weights, gradients = ([torch.stack(layer) for layer in zip(*kind, strict=True)] for kind in (before, slopes))
    return tuned, weights, gradients


@devices.threads(1)
def moved(
    nets: Nets, movement: Callable, method: Method, sparsities: Sequence[float] = (0.9, 0.95, 0.97)
) -> dict[str, dict[tuple[str, float], Tensor]]:
    """For each task accuracies, shape (seeds,), after 100 steps of fine-tuning, pruning by a score and 200 more steps.

    Parameters
    ----------
    nets : Nets
        Trained, one for each seed.
    movement : callable
        Your pruning.movement.
    method : callable
        Ranks by magnitude. Movement scores are shifted so that the lowest is 0; then the same ranking serves.
    sparsities : sequence of float
    """
    found = {}
    for task, given in tasks(nets).items():
        tuned, weights, slopes = watched(given)
        layers = [
            torch.stack([movement(w[:, i].cpu(), g[:, i].cpu(), 1.0) for i in range(nets.seeds)])
            for w, g in zip(weights, slopes, strict=True)
        ]
        lowest = torch.stack([layer.amin((1, 2)) for layer in layers]).amin(0)[:, None, None]
        ranked = {"magnitude": tuned, "movement": replace(tuned, W=[layer - lowest for layer in layers])}
        keys = [(name, sparsity) for name in ranked for sparsity in sparsities]
        masks = [masks_of(ranked[name], [(method, sparsity)]) for name, sparsity in keys]
        masks = [torch.cat([mask.to(nets.x.device) for mask in layer]) for layer in zip(*masks, strict=True)]
        after = tune(tuned.copies(len(keys)), RETRAIN, masks, order=6).accuracy()
        found[task] = {("dense", 0.0): tuned.accuracy()[0], **dict(zip(keys, after, strict=True))}
    return found


# With the others making up for it


@devices.threads(1)
def surgeon(nets: Nets, obs: Callable, neurons: int = 4) -> dict[str, Tensor]:
    """Change of the outputs of neurons in the second layer as their weights are removed one by one.

    Parameters
    ----------
    nets : Nets
        Trained, one for each seed.
    obs : callable
        Your pruning.obs.
    neurons : int
        How many of each network.

    Returns
    -------
    dict of ranking to Tensor, shape (seeds * neurons, d_in)
        The squared change after 0, 1, ... removed weights, as a share of the squared outputs without the bias.
    """
    found: dict[str, list] = {"magnitude": [], "magnitude, others make up": [], "OBS, others make up": []}
    for net in range(nets.seeds):
        W1, W2, _ = nets.weights(net)
        x = torch.relu(nets.x[:TRAIN].cpu() @ W1.T + nets.b[0][net].cpu())
        H = (x.T @ x / len(x)).double()
        H += 0.01 * H.diag().mean() * torch.eye(len(H))  # damping: some inputs are always 0
        for w in W2[:neurons]:
            for name, runs in found.items():
                runs.append(_removed(w, H.float(), name, obs))
    return {name: torch.tensor(runs) for name, runs in found.items()}


def _removed(w: Tensor, H: Tensor, ranking: str, obs: Callable) -> list[float]:
    """The change after each removal; what is left is described by the weights and the inverse of its part of H."""
    left, alive, inverse, changes = w.clone(), torch.arange(len(w)), torch.linalg.inv(H), [0.0]
    for _ in range(len(w) - 1):
        q = int((left.square() / inverse.diag() if "OBS" in ranking else left.abs()).argmin())
        rest = torch.arange(len(left)) != q
        left = obs(left, inverse, q)[rest] if "make up" in ranking else left[rest]
        inverse = (inverse - torch.outer(inverse[:, q], inverse[q]) / inverse[q, q])[rest][:, rest]
        alive = alive[rest]
        change = torch.zeros_like(w).scatter(0, alive, left) - w
        changes.append((change @ H @ change / (w @ H @ w)).item())
    return changes
