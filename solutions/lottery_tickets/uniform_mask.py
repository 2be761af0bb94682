"""Answer to lottery_tickets.uniform_mask."""

import math
from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Forget the layers for a moment: how many places has the whole network, and how many of them are kept?",
    "Join all masks into one vector with torch.cat, and put it in a random order: torch.randperm takes a generator.",
    "flat = torch.cat([mask.flatten() for mask in masks.values()]); shuffled = flat[torch.randperm(len(flat), "
    "generator=generator)]. Give each layer its part of it: shuffled.split([...numel of each...]), each viewed in the "
    "layer's shape.",
)


def uniform_mask(masks, generator):
    flat = torch.cat([mask.flatten() for mask in masks.values()])
    return _split(flat[torch.randperm(len(flat), generator=generator)], masks)


def _split(flat, masks):
    parts = flat.split([mask.numel() for mask in masks.values()])
    return {name: part.view(mask.shape) for (name, mask), part in zip(masks.items(), parts, strict=True)}


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, *densities):
        masks = {}
        for i, density in enumerate(densities):
            # One large layer, so that equal numbers and equal shares lie far apart.
            shape = (number(10, 14), number(30, 36)) if i else (number(28, 34), number(42, 48))
            order = torch.randperm(math.prod(shape), generator=rng).view(shape)
            masks[f"layer{i}.weight"] = order < density * order.numel()
        return case(group, masks=masks, seed=number(10, 10**6))

    yield draw("two layers", 0.15, 0.6)
    yield draw("three layers", 0.3, 0.7, 0.1)
    yield draw("a full and an empty layer", 0.2, 1.0, 0.0)
    yield draw("one layer", number(20, 40) / 100)


@right
def chosen_places(masks, generator):
    flat = torch.zeros(sum(mask.numel() for mask in masks.values()), dtype=torch.bool)
    flat[torch.randperm(len(flat), generator=generator)[: sum(int(mask.sum()) for mask in masks.values())]] = True
    return _split(flat, masks)


@right
def threshold_of_random_scores(masks, generator):
    scores = {name: torch.rand(mask.shape, generator=generator, dtype=torch.float64) for name, mask in masks.items()}
    flat = torch.cat([score.flatten() for score in scores.values()])
    last = flat.sort(descending=True).values[sum(int(mask.sum()) for mask in masks.values()) - 1]
    return {name: score >= last for name, score in scores.items()}


@second_source("torch 2.13: nn.utils.prune.global_unstructured with RandomUnstructured, seeded by the generator")
def torch_prune(masks, generator):
    from torch.nn.utils import prune

    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    layers = [torch.nn.Linear(*mask.shape[::-1]) for mask in masks.values()]
    pruned = sum(int((~mask).sum()) for mask in masks.values())
    prune.global_unstructured([(layer, "weight") for layer in layers], prune.RandomUnstructured, amount=pruned)
    return {name: layer.weight_mask.bool() for name, layer in zip(masks, layers, strict=True)}


def _with_counts(masks, counts, generator):
    """In each layer a random mask of the given number of weights."""
    return {
        name: (torch.randperm(mask.numel(), generator=generator) < count).view(mask.shape)
        for (name, mask), count in zip(masks.items(), counts, strict=True)
    }


def _total(masks):
    return sum(int(mask.sum()) for mask in masks.values())


@wrong
def KeepsTheLayersDensities(masks, generator):
    """Every layer keeps its own number of weights: that is the mask shuffled within its layers. Here a weight may go to
    any layer."""
    return _with_counts(masks, [int(mask.sum()) for mask in masks.values()], generator)


@wrong
def GivesEveryLayerTheSameNumber(masks, generator):
    """Every layer got the same number of weights: a layer of more places keeps more of them."""
    each, rest = divmod(_total(masks), len(masks))
    return _with_counts(masks, [each + (i < rest) for i in range(len(masks))], generator)


@wrong
def FixesEveryLayersShare(masks, generator):
    """Every layer keeps exactly its share, in every draw. All sets of places of the whole network are equally likely,
    so that a layer keeps its share only on average."""
    places = sum(mask.numel() for mask in masks.values())
    ends, before = [0], 0
    for mask in masks.values():
        before += mask.numel()
        ends.append(round(before * _total(masks) / places))
    return _with_counts(masks, [end - start for start, end in pairwise(ends)], generator)


@wrong
def TossesACoinForEachPlace(masks, generator):
    """Each place was drawn on its own, so the number of kept weights is right only on average: it is exact."""
    density = _total(masks) / sum(mask.numel() for mask in masks.values())
    return {name: torch.rand(mask.shape, generator=generator) < density for name, mask in masks.items()}


@wrong
def KeepsTheMask(masks, generator):
    """That is the ticket's own mask: draw a random one."""
    return {name: mask.clone() for name, mask in masks.items()}


@wrong
def CountsThePruned(masks, generator):
    """As many weights were kept as the ticket prunes: True marks a weight that is kept."""
    return {name: ~mask for name, mask in uniform_mask(masks, generator).items()}


@wrong
def IgnoresTheGenerator(masks, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    flat = torch.cat([mask.flatten() for mask in masks.values()])
    return _split(flat[torch.randperm(len(flat))], masks)


@wrong
def SeedsItself(masks, generator):
    """Every call draws the same masks: do not seed. The caller's generator decides."""
    return uniform_mask(masks, torch.Generator().manual_seed(0))


@wrong
def SeedsAnew(masks, generator):
    """Every call with one generator draws the same masks, as where its seed is set anew: draw from the generator as it
    stands."""
    return uniform_mask(masks, torch.Generator().manual_seed(generator.initial_seed()))
