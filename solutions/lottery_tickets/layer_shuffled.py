"""Answer to lottery_tickets.layer_shuffled."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "A mask is a row of True and False in a certain shape. What does a random order of that row keep, and what not?",
    "torch.randperm(n, generator=generator) is a random order of n places. Which tensor has n of them?",
    "For each layer: flat = mask.flatten(), then flat[torch.randperm(len(flat), generator=generator)], viewed in the "
    "mask's shape again.",
)


def layer_shuffled(masks, generator):
    return {name: _shuffled(mask.flatten(), generator).view(mask.shape) for name, mask in masks.items()}


def _shuffled(flat, generator):
    return flat[torch.randperm(len(flat), generator=generator)]


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def block(rows, columns, kept_rows, kept_columns):
        order, places = torch.randperm(rows, generator=rng), torch.randperm(columns, generator=rng)
        return (order < kept_rows)[:, None] & (places < kept_columns)

    def draw(group, *masks):
        return case(group, masks={f"layer{i}.weight": mask for i, mask in enumerate(masks)}, seed=number(10, 10**6))

    def large():
        rows, columns = number(20, 30), number(31, 40)
        return block(rows, columns, rows // 2, columns * 6 // 10)

    def small():
        rows, columns = number(24, 30), number(16, 20)
        return block(rows, columns, rows // 2, columns // 2)

    yield draw("two layers", large(), small())
    yield draw("three layers", small(), large(), large())
    rows, columns = number(10, 15), number(16, 20)
    yield draw("a full and an empty layer", block(rows, columns, rows, columns), small(), block(columns, rows, 0, 0))


@right
def ranks_of_random_numbers(masks, generator):
    drawn = {}
    for name, mask in masks.items():
        ranks = torch.rand(mask.numel(), generator=generator).argsort().argsort()
        drawn[name] = (ranks < mask.sum()).reshape(mask.shape)
    return drawn


@right
def chosen_places(masks, generator):
    drawn = {name: torch.zeros_like(mask) for name, mask in masks.items()}
    for name, mask in masks.items():
        places = torch.randperm(mask.numel(), generator=generator)[: int(mask.sum())]
        drawn[name].view(-1)[places] = True
    return drawn


@second_source("torch 2.13: nn.utils.prune.random_unstructured, seeded by the generator")
def torch_prune(masks, generator):
    from torch.nn.utils import prune

    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    drawn = {}
    for name, mask in masks.items():
        layer = torch.nn.Module()
        layer.weight = torch.nn.Parameter(torch.ones(mask.shape))
        prune.random_unstructured(layer, "weight", amount=mask.numel() - int(mask.sum()))
        drawn[name] = layer.weight_mask.bool()
    return drawn


@wrong
def ShufflesAcrossLayers(masks, generator):
    """Kept places went from one layer to another: each layer keeps as many as it had."""
    sizes = [mask.numel() for mask in masks.values()]
    parts = _shuffled(torch.cat([mask.flatten() for mask in masks.values()]), generator).split(sizes)
    return {name: part.view(mask.shape) for (name, mask), part in zip(masks.items(), parts, strict=True)}


@wrong
def TossesACoinForEachPlace(masks, generator):
    """Each place was drawn on its own, so a layer keeps its number of weights only on average: the number is exact."""
    return {name: torch.rand(mask.shape, generator=generator) < mask.float().mean() for name, mask in masks.items()}


@wrong
def KeepsTheMask(masks, generator):
    """That is the mask that was given: its places are to be dealt out anew."""
    return {name: mask.clone() for name, mask in masks.items()}


@wrong
def ShufflesWholeRows(masks, generator):
    """Whole rows were moved. The weights of a row stay together then: every place moves on its own."""
    return {name: _shuffled(mask, generator) for name, mask in masks.items()}


@wrong
def ShufflesWholeColumns(masks, generator):
    """Whole columns were moved. The weights of a column stay together then: every place moves on its own."""
    return {name: _shuffled(mask.T, generator).T for name, mask in masks.items()}


@wrong
def ShufflesWithinRows(masks, generator):
    """Each place stayed in its row: shuffle the places of the whole layer, not row by row."""
    return {name: torch.stack([_shuffled(row, generator) for row in mask]) for name, mask in masks.items()}


@wrong
def ShufflesWithinColumns(masks, generator):
    """Each place stayed in its column: shuffle the places of the whole layer, not column by column."""
    return {name: mask.T for name, mask in ShufflesWithinRows({n: m.T for n, m in masks.items()}, generator).items()}


@wrong
def RollsTheMask(masks, generator):
    """The kept places lie in as many columns as before: they moved together, as in a cyclic shift. Every place moves on
    its own."""
    drawn = {}
    for name, mask in masks.items():
        rows, columns = mask.shape
        down, right = (int(torch.randint(n // 4, 3 * n // 4, (), generator=generator)) for n in (rows, columns))
        drawn[name] = mask.flatten().roll(down * columns + right).view(mask.shape)
    return drawn


@wrong
def ShufflesRowsAndColumns(masks, generator):
    """Rows and columns were shuffled, but as wholes: the pattern is still there in another order. Shuffle places."""
    return {name: _shuffled(_shuffled(mask, generator).T, generator).T for name, mask in masks.items()}


@wrong
def InvertsTheMask(masks, generator):
    """The pruned places were dealt out for kept ones: True marks a weight that is kept."""
    return {name: ~mask for name, mask in layer_shuffled(masks, generator).items()}


@wrong
def IgnoresTheGenerator(masks, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    return {name: mask.flatten()[torch.randperm(mask.numel())].view(mask.shape) for name, mask in masks.items()}


@wrong
def SeedsItself(masks, generator):
    """Every call draws the same masks: do not seed. The caller's generator decides."""
    return layer_shuffled(masks, torch.Generator().manual_seed(0))


@wrong
def SeedsAnew(masks, generator):
    """Every call with one generator draws the same masks, as where its seed is set anew: draw from the generator as it
    stands."""
    return layer_shuffled(masks, torch.Generator().manual_seed(generator.initial_seed()))
