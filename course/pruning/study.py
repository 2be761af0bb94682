"""Networks on digits, pruned: by which ranking, when, and whether the mask is held.

A method is a function (weights, sparsity) -> masks of one network, such as your `global_magnitude`. Networks are
trained as one stack, one for each method, sparsity and seed; networks of one seed start alike and see the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from course.common import device as devices
from course.common.stacks import TRAIN, accuracy, digits, kaiming, mlp, train

Method = Callable[[list[Tensor], float], list[Tensor]]
WIDTH, BATCH, RATE = 128, 64, 2e-3
DENSE, RETRAIN = 400, 200  # steps of Adam
SPARSITIES = (0.8, 0.9, 0.95, 0.97)


@dataclass(frozen=True)
class Nets:
    """A stack of MLPs and the digits that they read: net i has the seed i % seeds.

    Attributes
    ----------
    x, y : Tensor, shapes (1797, 64) and (1797,)
        The first TRAIN images are for training, the others for the test.
    W, b : list of Tensor, shapes (nets, d_out, d_in) and (nets, d_out)
    seeds : int
    """

    x: Tensor
    y: Tensor
    W: list[Tensor]
    b: list[Tensor]
    seeds: int

    def copies(self, count: int) -> Nets:
        """The same networks so many times, one after the other."""
        W, b = ([part.repeat(count, *[1] * (part.dim() - 1)) for part in kind] for kind in (self.W, self.b))
        return replace(self, W=W, b=b)

    def first(self, count: int) -> Nets:
        """The networks of the first seeds, of a stack with one network for each seed."""
        return replace(self, W=[w[:count] for w in self.W], b=[b[:count] for b in self.b], seeds=count)

    def masked(self, masks: Sequence[Tensor]) -> Nets:
        return replace(self, W=[w * mask for w, mask in zip(self.W, masks, strict=True)])

    def weights(self, net: int) -> list[Tensor]:
        """The weights of one network, on the CPU, each of shape (d_out, d_in)."""
        return [w[net].cpu() for w in self.W]

    @torch.no_grad()
    def accuracy(self) -> Tensor:
        """Percent right on the test images, shape (nets / seeds, seeds)."""
        return accuracy(mlp(self.x[TRAIN:], self.W, self.b), self.y[TRAIN:]).view(-1, self.seeds)

    @torch.no_grad()
    def zeros(self) -> Tensor:
        """Percent of the weights that are zero, shape (nets / seeds, seeds)."""
        flat = torch.cat([w.flatten(1) for w in self.W], 1)
        return 100 * (flat == 0).float().mean(1).cpu().view(-1, self.seeds)


def number_of_seeds() -> int:
    """More networks where they cost little."""
    return 20 if devices.best().type == "cuda" else 6


def fresh(width: int = WIDTH, seeds: int | None = None) -> Nets:
    """Untrained networks 64-width-width-10."""
    device, seeds = devices.best(), seeds or number_of_seeds()
    x, y = (part.to(device) for part in digits())
    return Nets(x, y, *kaiming(seeds, (64, width, width, 10), torch.Generator().manual_seed(1), device), seeds)


@devices.threads(1)
def dense(width: int = WIDTH, seeds: int | None = None) -> Nets:
    """Networks 64-width-width-10, trained and not pruned."""
    return tune(fresh(width, seeds), DENSE)


def batches(nets: Nets, order: int) -> Callable[[], tuple[Tensor, Tensor]]:
    """A source of batches for every network, shapes (nets, 64, 64) and (nets, 64)."""
    rng, copies = torch.Generator().manual_seed(order), len(nets.W[0]) // nets.seeds

    def batch() -> tuple[Tensor, Tensor]:
        chosen = torch.randint(TRAIN, (nets.seeds, BATCH), generator=rng).repeat(copies, 1)
        return nets.x[chosen], nets.y[chosen]

    return batch


def summed_loss(W: list[Tensor], b: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """The sum of the networks' mean losses, so that each gets the gradient of its own."""
    return cross_entropy(mlp(x, W, b).flatten(0, 1), y.flatten()) * len(y)


def tune(
    nets: Nets,
    steps: int,
    masks: Sequence[Tensor] | None = None,
    revise: Callable[[int, Nets], list[Tensor] | None] = lambda step, nets: None,
    order: int = 2,
) -> Nets:
    """Train by Adam with the masks held.

    Parameters
    ----------
    nets : Nets
    steps : int
    masks : sequence of Tensor, shapes of nets.W, bool; or None
        None means that nothing is pruned at first.
    revise : callable
        revise(step, nets) may return new masks after each step.
    order : int
        The seed of the batches.
    """
    W, b = ([part.clone().requires_grad_() for part in kind] for kind in (nets.W, nets.b))
    batch, held = batches(nets, order), masks

    def hold(step: int) -> None:
        nonlocal held
        new = revise(step, replace(nets, W=W, b=b)) if step else None
        held = held if new is None else new
        for w, mask in zip(W, held or (), strict=held is not None):
            w.mul_(mask)

    with torch.no_grad():
        hold(0)
    train(W + b, lambda step: summed_loss(W, b, *batch()), steps, RATE, after=hold)
    return replace(nets, W=[w.detach() for w in W], b=[b.detach() for b in b])


def methods(magnitude: Callable, global_magnitude: Callable, lamp: Callable) -> dict[str, Method]:
    """Four ways to prune a network, made of your functions; the last one ranks at random within each layer."""
    rng = torch.Generator().manual_seed(5)
    return {
        "global": global_magnitude,
        "layer-wise": lambda weights, s: [magnitude(w, s) for w in weights],
        "LAMP": lambda weights, s: global_magnitude([in_slices(lamp, w) for w in weights], s),
        "random": lambda weights, s: [magnitude(torch.rand(w.shape, generator=rng), s) for w in weights],
    }


def in_slices(lamp: Callable, w: Tensor, size: int = 256) -> Tensor:
    """The scores of a large layer by your `lamp`, shape of w, from slices of the sorted layer.

    A matrix of all pairs has 4 billion entries for a layer of 65,536 weights. So each slice stands behind one weight
    that has the squares of all larger weights together, which leaves the sums, and the scores, as they are.
    """
    order = w.flatten().abs().argsort(descending=True)
    squares = w.flatten()[order].double().square()
    larger = (squares.cumsum(0) - squares)[::size].sqrt().float()
    parts = [torch.cat([one, part]) for one, part in zip(larger[:, None], w.flatten()[order].split(size), strict=True)]
    scores = torch.cat([score[1:] for score in lamp(parts)])
    return torch.empty_like(scores).scatter_(0, order, scores).view_as(w)


def masks_of(nets: Nets, plans: Sequence[tuple[Method, float]]) -> list[Tensor]:
    """The masks of each network, shapes of nets.W, bool: one plan for every `seeds` networks."""
    found = []
    for net in range(len(nets.W[0])):
        method, sparsity = plans[net // nets.seeds]
        found.append(method(nets.weights(net), sparsity))
    return [torch.stack(layer).to(w.device) for layer, w in zip(zip(*found, strict=True), nets.W, strict=True)]


@dataclass(frozen=True)
class Pruned:
    """What pruning at once did, by method and sparsity: accuracies (seeds,), and each layer's density (layers,)."""

    before: dict[tuple[str, float], Tensor]
    after: dict[tuple[str, float], Tensor]
    density: dict[tuple[str, float], Tensor]


@devices.threads(1)
def one_shot(nets: Nets, ways: Mapping[str, Method], sparsities: Sequence[float] = SPARSITIES) -> Pruned:
    """Prune trained networks at once, by every method to every sparsity, then train them on with the masks held."""
    keys = [(name, sparsity) for name in ways for sparsity in sparsities]
    many = nets.copies(len(keys))
    masks = masks_of(many, [(ways[name], sparsity) for name, sparsity in keys])
    shares = torch.stack([mask.float().mean((1, 2)).view(len(keys), -1).mean(1).cpu() for mask in masks], 1)
    found = many.masked(masks).accuracy(), tune(many, RETRAIN, masks).accuracy(), shares
    return Pruned(*(dict(zip(keys, part, strict=True)) for part in found))


@devices.threads(1)
def collapse(nets: Nets, method: Method, effective: Callable, sparsities: Sequence[float]) -> dict[float, Tensor]:
    """For each sparsity what is left, in percent, shape (seeds, layers + 1): of each layer, and of all on whole paths.

    `effective` is your pruning.effective.
    """
    found = {}
    for sparsity in sparsities:
        rows = []
        for net in range(nets.seeds):
            masks = method(nets.weights(net), sparsity)
            on_paths = sum(int(mask.sum()) for mask in effective(masks)) / sum(mask.numel() for mask in masks)
            rows.append([*(mask.float().mean().item() for mask in masks), on_paths])
        found[sparsity] = 100 * torch.tensor(rows)
    return found
