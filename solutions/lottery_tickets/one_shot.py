"""Answer to lottery_tickets.one_shot."""

import math
from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Two steps: masks from the trained weights, then rewind(theta0, masks). Which names get a mask?",
    "For one ranking, put the absolute values of all weights into one vector with torch.cat. A stable sort prunes the "
    "first of equals first. Split the kept places back into layers.",
    "kept = torch.ones(n, dtype=torch.bool); set it to False at sizes.argsort(stable=True)[: n - k], with k the number "
    "to keep. kept.split([...numel of each...]) and view_as give the masks.",
)


def one_shot(theta_trained, theta0, density):
    return _ticket(_masks(_weights(theta_trained), density), theta0)


def _weights(theta):
    return {name: value for name, value in theta.items() if name.endswith("weight")}


def _keep(count, density):
    return math.floor(density * count + 0.5)


def _masks(scores, density, score=torch.abs):
    """Keep the given share of the largest scores over all layers together."""
    flat = score(torch.cat([value.flatten() for value in scores.values()]))
    kept = torch.ones(len(flat), dtype=torch.bool)
    kept[flat.argsort(stable=True)[: len(flat) - _keep(len(flat), density)]] = False
    parts = kept.split([value.numel() for value in scores.values()])
    return {name: part.view_as(value) for (name, value), part in zip(scores.items(), parts, strict=True)}


def _ticket(masks, theta):
    return masks, {name: value * masks[name] if name in masks else value.clone() for name, value in theta.items()}


def cases(rng):
    def draw(group, sizes, density, scales, ties=False):
        trained, theta0 = {}, {}
        for layer, scale, (d_in, d_out) in zip(("stem", "body", "head"), scales, pairwise(sizes), strict=False):
            for name, shape in ((f"{layer}.weight", (d_out, d_in)), (f"{layer}.bias", (d_out,))):
                theta0[name] = torch.randn(shape, generator=rng)
                trained[name] = scale * torch.randn(shape, generator=rng)
                if ties:
                    places = torch.randperm(trained[name].numel(), generator=rng).view(shape)
                    trained[name] = trained[name].sign() * (places % 3 + 1)
        return case(group, theta_trained=trained, theta0=theta0, density=density)

    # Densities are binary fractions, so that half a weight is exactly half of one; only one group has such halves.
    yield draw("two layers", [5, 6, 3], 0.328125, [0.4, 1.0])
    yield draw("two layers", [7, 3, 4], 0.375, [1.0, 0.5])
    yield draw("three layers", [4, 5, 6, 3], 0.1875, [1.0, 0.3, 0.8])
    yield draw("half a weight rounds up", [6, 3, 2], 0.1875, [0.6, 1.0])
    yield draw("ties", [4, 5, 3], 0.375, [1.0, 1.0], ties=True)
    yield draw("ties", [6, 4, 2], 0.5, [1.0, 1.0], ties=True)
    yield draw("nothing is kept, or all", [5, 4], 0.0, [1.0])
    yield draw("nothing is kept, or all", [3, 4], 1.0, [1.0])


@right
def one_weight_at_a_time(theta_trained, theta0, density):
    masks = {name: torch.ones(value.shape, dtype=torch.bool) for name, value in _weights(theta_trained).items()}
    places = [(abs(x), name, i) for name in masks for i, x in enumerate(theta_trained[name].flatten().tolist())]
    places.sort(key=lambda place: place[0])
    for _, name, i in places[: len(places) - int(density * len(places) + 0.5)]:
        masks[name].view(-1)[i] = False
    ticket = {name: value.clone() for name, value in theta0.items()}
    for name, mask in masks.items():
        ticket[name][~mask] = 0.0
    return masks, ticket


@right
def ranks(theta_trained, theta0, density):
    names = [name for name in theta0 if name.endswith("weight")]
    sizes = torch.cat([theta_trained[name].double().square().reshape(-1) for name in names])
    rank = sizes.sort(stable=True).indices.argsort()
    kept, masks = rank >= len(rank) - _keep(len(rank), density), {}
    for name in names:
        masks[name] = kept[: theta0[name].numel()].reshape(theta0[name].shape)
        kept = kept[theta0[name].numel() :]
    everywhere = torch.tensor(True)
    return masks, {name: torch.where(masks.get(name, everywhere), value, 0.0) for name, value in theta0.items()}


@second_source("torch 2.13: nn.utils.prune.global_unstructured")
def torch_prune(theta_trained, theta0, density):
    from torch.nn.utils import prune

    weights = _weights(theta_trained)
    total = sum(value.numel() for value in weights.values())
    # Ranks instead of sizes: torch leaves open which of equal weights goes first.
    ranks = torch.cat([value.abs().flatten() for value in weights.values()]).argsort(stable=True).argsort().float()
    layers, masks = {}, {}
    for name, part in zip(weights, ranks.split([value.numel() for value in weights.values()]), strict=True):
        layers[name] = torch.nn.Module()
        layers[name].weight = torch.nn.Parameter(part.view_as(weights[name]))
    places = [(layer, "weight") for layer in layers.values()]
    prune.global_unstructured(places, prune.L1Unstructured, amount=total - _keep(total, density))
    for name, layer in layers.items():
        masks[name] = layer.weight_mask.bool()
    return _ticket(masks, theta0)


def _layer_by_layer(weights, density):
    return {name: _masks({name: value}, density)[name] for name, value in weights.items()}


@wrong
def RanksLayerByLayer(theta_trained, theta0, density):
    """Every layer kept the same share: rank the weights of all layers together."""
    return _ticket(_layer_by_layer(_weights(theta_trained), density), theta0)


@wrong
def RanksTheInitialWeights(theta_trained, theta0, density):
    """The initial weights were ranked: training tells which weights matter."""
    return _ticket(_masks(_weights(theta0), density), theta0)


@wrong
def RanksTheMovement(theta_trained, theta0, density):
    """The weights were ranked by how far they moved in training: rank them by their size after it."""
    moved = {name: value - theta0[name] for name, value in _weights(theta_trained).items()}
    return _ticket(_masks(moved, density), theta0)


@wrong
def KeepsTheTrainedWeights(theta_trained, theta0, density):
    """The ticket holds trained weights: the masks come from them, the values from theta0."""
    return _ticket(_masks(_weights(theta_trained), density), theta_trained)


@wrong
def KeepsTheTrainedBiases(theta_trained, theta0, density):
    """The weights were rewound and the biases were not: all of the ticket starts from theta0."""
    masks, ticket = one_shot(theta_trained, theta0, density)
    return masks, {name: value if name in masks else theta_trained[name].clone() for name, value in ticket.items()}


@wrong
def PrunesTheGivenShare(theta_trained, theta0, density):
    """The share density was pruned: it is the share that is kept."""
    return _ticket(_masks(_weights(theta_trained), 1 - density), theta0)


@wrong
def KeepsTheSmallest(theta_trained, theta0, density):
    """The smallest weights were kept: keep the largest."""
    return _ticket(_masks(_weights(theta_trained), density, lambda flat: -flat.abs()), theta0)


@wrong
def ForgetsTheAbs(theta_trained, theta0, density):
    """Negative weights were ranked below all others: rank absolute values."""
    return _ticket(_masks(_weights(theta_trained), density, lambda flat: flat), theta0)


@wrong
def PrunesTheBiases(theta_trained, theta0, density):
    """The biases have masks, too: only what ends in "weight" is ranked and pruned."""
    return _ticket(_masks(theta_trained, density), theta0)


@wrong
def CountsTheBiases(theta_trained, theta0, density):
    """Too many weights were kept: n counts what can be pruned, without the biases."""
    weights = _weights(theta_trained)
    everything = sum(value.numel() for value in theta_trained.values())
    prunable = sum(value.numel() for value in weights.values())
    return _ticket(_masks(weights, min(1.0, _keep(everything, density) / prunable)), theta0)


@wrong
def RoundsDown(theta_trained, theta0, density):
    """The number to keep was cut to an integer: round it to the nearest one, halves up."""
    weights = _weights(theta_trained)
    prunable = sum(value.numel() for value in weights.values())
    return _ticket(_masks(weights, int(density * prunable) / prunable), theta0)


@wrong
def RoundsTheNumberPruned(theta_trained, theta0, density):
    """The number to prune was rounded to the nearest integer, halves up. Round the number to keep: at half a weight
    they differ."""
    weights = _weights(theta_trained)
    prunable = sum(value.numel() for value in weights.values())
    return _ticket(_masks(weights, 1 - _keep(prunable, 1 - density) / prunable), theta0)


@wrong
def RanksLayerByLayerAndRoundsThePruned(theta_trained, theta0, density):
    """Every layer kept the same share, and the number to prune was rounded: rank the weights of all layers together,
    and round the number to keep."""
    masks = {}
    for name, value in _weights(theta_trained).items():
        share = 1 - _keep(value.numel(), 1 - density) / value.numel()
        masks |= _masks({name: value}, share)
    return _ticket(masks, theta0)


@wrong
def SortsTheNames(theta_trained, theta0, density):
    """Of equal weights in two layers the wrong one was pruned. The order of the names in theta_trained decides, which
    is not that of the alphabet."""
    return _ticket(_masks(dict(sorted(_weights(theta_trained).items())), density), theta0)


@wrong
def TiesFromTheEnd(theta_trained, theta0, density):
    """Of equal weights the last one was pruned: the first goes first."""
    turned = {name: value.flip(0, 1) for name, value in reversed(_weights(theta_trained).items())}
    masks = {name: mask.flip(0, 1) for name, mask in _masks(turned, density).items()}
    return _ticket({name: masks[name] for name in reversed(masks)}, theta0)


@wrong
def KeepsAllTies(theta_trained, theta0, density):
    """A threshold kept every weight of the same size as the smallest one kept: the count is exact, ties or not."""
    weights = _weights(theta_trained)
    sizes = torch.cat([value.abs().flatten() for value in weights.values()]).sort(descending=True).values
    keep = _keep(len(sizes), density)
    threshold = sizes[keep - 1] if keep else torch.inf
    return _ticket({name: value.abs() >= threshold for name, value in weights.items()}, theta0)
