"""A convolutional network of 6,100 parameters, pruned with torch.nn.utils.prune, which holds masks by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import prune

from course.common import device as devices
from course.common.stacks import TRAIN, digits
from course.pruning.study import BATCH, Method

STEPS, RETRAIN, RATE = 400, 150, 3e-3


def layers(net: nn.Sequential) -> list[nn.Module]:
    return [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]


def images(device: torch.device) -> tuple[Tensor, Tensor]:
    """The digits as images, shape (1797, 1, 8, 8), and their labels."""
    x, y = digits()
    return x.view(-1, 1, 8, 8).to(device), y.to(device)


def fit(net: nn.Module, x: Tensor, y: Tensor, steps: int, rng: torch.Generator) -> None:
    """Train by Adam; masks of torch.nn.utils.prune hold, because the product with them is part of the network."""
    optimiser = torch.optim.Adam(net.parameters(), RATE, fused=True)
    for _ in range(steps):
        chosen = torch.randint(TRAIN, (BATCH,), generator=rng)
        optimiser.zero_grad()
        cross_entropy(net(x[chosen]), y[chosen]).backward()
        optimiser.step()


@torch.no_grad()
def accuracy(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Percent right on the test images."""
    return 100 * (net(x[TRAIN:]).argmax(1) == y[TRAIN:]).float().mean().item()


@devices.threads(1)
def dense(seed: int) -> nn.Sequential:
    """A trained network: two convolutions with pooling and a linear layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(128, 10)),
        ).to(device := devices.best())
    fit(net, *images(device), STEPS, torch.Generator().manual_seed(seed))
    return net


def apply(net: nn.Sequential, masks: Sequence[Tensor]) -> None:
    """Hand masks to the library, which multiplies them into the weights from now on."""
    for layer, mask in zip(layers(net), masks, strict=True):
        prune.custom_from_mask(layer, "weight", mask.to(layer.weight.device))


@devices.threads(1)
def compare(
    nets: Sequence[nn.Sequential], ways: Mapping[str, Method], sparsities: Sequence[float] = (0.8, 0.9)
) -> dict[tuple[str, float], Tensor]:
    """Accuracy, shape (nets,), after pruning by each method to each sparsity and 150 more steps."""
    x, y = images(devices.best())
    found: dict[tuple[str, float], list] = {(name, sparsity): [] for name in ways for sparsity in sparsities}
    for seed, net in enumerate(nets):
        weights = [layer.weight.detach().cpu() for layer in layers(net)]
        for (name, sparsity), runs in found.items():
            pruned = deepcopy(net)
            apply(pruned, ways[name](weights, sparsity))
            fit(pruned, x, y, RETRAIN, torch.Generator().manual_seed(100 + seed))
            runs.append(accuracy(pruned, x, y))
    return {key: torch.tensor(runs) for key, runs in found.items()}
