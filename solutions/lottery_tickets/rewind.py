"""Answer to lottery_tickets.rewind."""

from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Go through all names of theta0. Some of them are in masks, and the others belong to the ticket, too.",
    "A tensor times a bool mask is a new tensor with zeros. What is taken as it is must be copied: clone.",
    "{name: value * masks[name] if name in masks else value.clone() for name, value in theta0.items()}",
)


def rewind(theta0, masks):
    return {name: value * masks[name] if name in masks else value.clone() for name, value in theta0.items()}


def cases(rng):
    def draw(group, sizes, density, bare=()):
        theta0, masks = {}, {}
        for i, (d_in, d_out) in enumerate(pairwise(sizes)):
            theta0[f"layers.{i}.weight"] = torch.randn(d_out, d_in, generator=rng)
            theta0[f"layers.{i}.bias"] = torch.randn(d_out, generator=rng)
            order = torch.randperm(d_out * d_in, generator=rng).view(d_out, d_in)
            if i not in bare:
                masks[f"layers.{i}.weight"] = order < round(density * d_out * d_in)
        return case(group, theta0=theta0, masks=masks)

    yield draw("two layers", [5, 6, 3], 0.3)
    yield draw("two layers", [7, 4, 4], 0.6)
    yield draw("a layer without a mask", [6, 5, 4, 2], 0.4, bare=[1])
    yield draw("nothing is kept", [4, 5], 0.0)


@right
def where(theta0, masks):
    everywhere = torch.tensor(True)
    return {name: torch.where(masks.get(name, everywhere), value, 0.0) for name, value in theta0.items()}


@right
def copies_then_zeroes(theta0, masks):
    ticket = {name: value.clone() for name, value in theta0.items()}
    for name, mask in masks.items():
        ticket[name][~mask] = 0
    return ticket


@second_source("torch 2.13: nn.utils.prune.custom_from_mask")
def torch_prune(theta0, masks):
    from torch.nn.utils import prune

    ticket = {}
    for name, value in theta0.items():
        layer = torch.nn.Module()
        layer.weight = torch.nn.Parameter(value.clone())
        if name in masks:
            prune.custom_from_mask(layer, "weight", masks[name])
        ticket[name] = layer.weight.detach()
    return ticket


@wrong
def DropsTheBiases(theta0, masks):
    """Parameters without a mask are missing: they are not pruned, and they rewind, too."""
    return {name: theta0[name] * mask for name, mask in masks.items()}


@wrong
def ZeroesTheBiases(theta0, masks):
    """Parameters without a mask became zero: they are not pruned, so they go back to their own initial values."""
    return {name: value * masks.get(name, torch.tensor(0.0)) for name, value in theta0.items()}


@wrong
def SharesMemory(theta0, masks):
    """A tensor of the ticket is the one in theta0 itself. Training would change the initial weights that the next
    round needs: clone it."""
    return {name: value * masks[name] if name in masks else value for name, value in theta0.items()}


@wrong
def EditsTheInitialWeights(theta0, masks):
    """The initial weights were multiplied in place, and what they held at pruned places is lost: build new tensors."""
    for name, mask in masks.items():
        theta0[name].mul_(mask)
    return {name: value.clone() for name, value in theta0.items()}


@wrong
def InvertsTheMask(theta0, masks):
    """The pruned weights were kept and the others zeroed: True in a mask means kept."""
    return rewind(theta0, {name: ~mask for name, mask in masks.items()})


@wrong
def ForgetsTheMask(theta0, masks):
    """That is the whole network as it was before training: the ticket has zeros where weights were pruned."""
    return {name: value.clone() for name, value in theta0.items()}


@wrong
def ReturnsTheMasks(theta0, masks):
    """The masks came back as numbers, without the initial values: multiply the two."""
    return rewind({name: torch.ones_like(value) for name, value in theta0.items()}, masks)


@wrong
def ScalesUpTheKept(theta0, masks):
    """The kept weights were divided by the kept share, as dropout does. A ticket has its initial values unchanged."""
    shares = {name: mask.float().mean().clamp(min=1e-3) for name, mask in masks.items()}
    return {name: value / shares.get(name, 1.0) for name, value in rewind(theta0, masks).items()}


@wrong
def PacksTheKept(theta0, masks):
    """The kept weights came back as one row of numbers: every parameter has its old shape, with zeros in it."""
    return {name: value[masks[name]] if name in masks else value.clone() for name, value in theta0.items()}
