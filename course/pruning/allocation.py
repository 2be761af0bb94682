"""How much to prune from which layer: a sensitivity scan and a choice under a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from course.common import device as devices
from course.common.stacks import TRAIN, mlp
from course.pruning.study import RETRAIN, Method, Nets, masks_of, tune

OFFERED = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98)


@torch.no_grad()
def _measure(nets: Nets, net: int, images: slice, of: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """A function of one network's weights: a measure of its logits on these images."""
    x, y, b = nets.x[images].cpu(), nets.y[images].cpu(), [bias[net : net + 1].cpu() for bias in nets.b]
    return lambda weights: of(mlp(x, [w[None] for w in weights], b)[0], y).item()


@devices.threads(1)
def scan(nets: Nets, sensitivity: Callable, sparsities: Sequence[float] = OFFERED) -> tuple[Tensor, Tensor]:
    """Your `sensitivity` of every network: its loss on the training images, and its accuracy on the others in percent.

    Returns
    -------
    losses, accuracies : Tensor, shape (seeds, layers, sparsities)
    """

    def percent(logits: Tensor, y: Tensor) -> Tensor:
        return 100 * (logits.argmax(1) == y).float().mean()

    kinds = ((slice(TRAIN), cross_entropy), (slice(TRAIN, None), percent))
    return tuple(
        torch.stack(
            [
                sensitivity(_measure(nets, net, images, of), nets.weights(net), list(sparsities))
                for net in range(nets.seeds)
            ]
        )
        for images, of in kinds
    )


@dataclass(frozen=True)
class Allocated:
    """Accuracies (seeds,) by way, before and after training on, and the sparsity of each layer, (seeds, layers)."""

    before: dict[str, Tensor]
    after: dict[str, Tensor]
    sparsity: dict[str, Tensor]


@devices.threads(1)
def allocate(
    nets: Nets,
    losses: Tensor,
    budget: Callable,
    magnitude: Callable,
    ways: Mapping[str, Method],
    share: float = 0.9,
    sparsities: Sequence[float] = OFFERED,
) -> Allocated:
    """Prune each layer as much as your `budget` chooses from the scanned losses, and as other methods do."""
    sizes, chosen = [w[0].numel() for w in nets.W], []
    for net in range(nets.seeds):
        plan = budget(sizes, list(sparsities), losses[net].tolist(), share)
        layers = zip(nets.weights(net), plan, strict=True)
        chosen.append([magnitude(w, sparsities[index]) for w, index in layers])
    stacked = [torch.stack(layer).to(nets.x.device) for layer in zip(*chosen, strict=True)]
    masks = {"budget": stacked} | {name: masks_of(nets, [(method, share)]) for name, method in ways.items()}
    joined = [torch.cat(layer) for layer in zip(*masks.values(), strict=True)]
    many = nets.copies(len(masks))
    found = many.masked(joined).accuracy(), tune(many, RETRAIN, joined).accuracy()
    cut = {name: torch.stack([1 - mask.float().mean((1, 2)).cpu() for mask in own], 1) for name, own in masks.items()}
    return Allocated(*(dict(zip(masks, part, strict=True)) for part in found), cut)
