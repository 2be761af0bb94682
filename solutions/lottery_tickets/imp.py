"""Answer to lottery_tickets.imp."""

import math
from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You have the pieces: rewind makes the ticket of the last masks, train trains it, prune_round drops survivors. How "
    "can prune_round, which takes one tensor, rank all layers together?",
    "Join the trained weights of all layers into one vector, in the order of theta0, and their masks into another. "
    "Split what prune_round returns back into layers. Each round builds new masks and a new dict.",
    "masks = all True; history = [masks]. In each round: trained = train(rewind(theta0, masks), masks); weights = "
    "torch.cat([trained[n].flatten() for n in masks]); flat = prune_round(weights, torch.cat([m.flatten() for m in "
    "masks.values()]), p); masks = a dict of the parts of flat.split(...), viewed as before; append it.",
)


def imp(train, theta0, p, rounds):
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained = train(_rewound(theta0, history[-1]), history[-1])
        history.append(_prune(trained, history[-1], p))
    return history


def _everything(theta0):
    return {name: torch.ones(value.shape, dtype=torch.bool) for name, value in theta0.items() if "weight" in name}


def _rewound(theta0, masks):
    return {name: value * masks[name] if name in masks else value.clone() for name, value in theta0.items()}


def _prune(theta, masks, p):
    """Drop the share p of the survivors of all layers together."""
    alive = sum(int(mask.sum()) for mask in masks.values())
    return _drop_smallest(theta, masks, math.floor(p * alive + 0.5))


def _drop_smallest(theta, masks, k, among=None):
    """Drop the k smallest of the weights that `among` marks (by default the survivors)."""
    sizes, kept, ranked = (
        torch.cat([part[name].flatten() for name in masks]) for part in (theta, masks, among or masks)
    )
    kept[sizes.abs().masked_fill(~ranked, torch.inf).argsort(stable=True)[:k]] = False
    parts = kept.split([mask.numel() for mask in masks.values()])
    return {name: part.view_as(mask) for (name, mask), part in zip(masks.items(), parts, strict=True)}


def cases(rng):
    def draw(group, sizes, p, rounds, coarse=1):
        theta0, lessons = {}, {}
        for i, (layer, (d_in, d_out)) in enumerate(zip(("stem", "body", "head"), pairwise(sizes), strict=False)):
            for name, shape in ((f"{layer}.weight", (d_out, d_in)), (f"{layer}.bias", (d_out,))):
                theta0[name] = torch.randint(-900, 901, shape, generator=rng) // coarse * coarse / 512
                lessons[name] = torch.randint(-400, 401, shape, generator=rng) // coarse * coarse / 256 * (i + 1)
        return case(group, theta0=theta0, lessons=lessons, p=p, rounds=rounds)

    # With 0.2 and 0.36 the number to drop is never half a weight.
    yield draw("two layers", [7, 6, 4], 0.2, 5)
    yield draw("two layers", [4, 9, 5], 0.2, 4)
    yield draw("few rounds, or none", [6, 5, 4, 3], 0.36, 3)
    # Few values, so that many weights are equal in every round.
    yield draw("ties", [5, 6, 4], 0.2, 4, coarse=400)
    yield draw("ties", [6, 4, 5, 3], 0.36, 3, coarse=400)
    yield draw("half a weight rounds up", [5, 6, 2], 0.25, 3)
    yield draw("few rounds, or none", [5, 3], 0.36, 0)


@right
def one_weight_at_a_time(train, theta0, p, rounds):
    masks = {name: value == value for name, value in theta0.items() if name.split(".")[-1] == "weight"}
    history = [{name: mask.clone() for name, mask in masks.items()}]
    for _ in range(rounds):
        start = {name: torch.where(masks[name], v, 0.0) if name in masks else v for name, v in theta0.items()}
        trained = train(start, masks)
        alive = [(name, tuple(place)) for name in masks for place in masks[name].nonzero().tolist()]
        alive.sort(key=lambda place: abs(trained[place[0]][place[1]].item()))
        for name, place in alive[: int(p * len(alive) + 0.5)]:
            masks[name][place] = False
        history.append({name: mask.clone() for name, mask in masks.items()})
    return history


@right
def trains_the_last_ticket_too(train, theta0, p, rounds):
    masks, history = _everything(theta0), []
    for _ in range(rounds + 1):
        history.append(masks)
        trained = train({name: v.double() * masks.get(name, 1) for name, v in theta0.items()}, masks)
        masks = _prune({name: value.double() for name, value in trained.items()}, masks, p)
    return tuple(history)


@second_source("torch 2.13: nn.utils.prune.global_unstructured, round after round")
def torch_prune(train, theta0, p, rounds):
    from torch.nn.utils import prune

    layers = {name: torch.nn.Linear(*value.shape[::-1], bias=False) for name, value in _everything(theta0).items()}
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained = train(_rewound(theta0, history[-1]), history[-1])
        sizes = torch.cat([trained[name].abs().flatten() for name in layers])
        # Ranks instead of sizes: torch leaves open which of equal weights goes first.
        ranks = sizes.argsort(stable=True).argsort().float().split([mask.numel() for mask in history[0].values()])
        scores = {
            (layer, "weight"): rank.view(theta0[name].shape)
            for (name, layer), rank in zip(layers.items(), ranks, strict=True)
        }
        k = math.floor(p * sum(int(mask.sum()) for mask in history[-1].values()) + 0.5)
        prune.global_unstructured(list(scores), prune.L1Unstructured, importance_scores=scores, amount=k)
        history.append({name: layer.weight_mask.bool() for name, layer in layers.items()})
    return history


@wrong
def ContinuesTraining(train, theta0, p, rounds):
    """A round started from the weights that the round before had trained: rewind to theta0 each time."""
    theta, history = theta0, [_everything(theta0)]
    for _ in range(rounds):
        theta = train(_rewound(theta, history[-1]), history[-1])
        history.append(_prune(theta, history[-1], p))
    return history


@wrong
def TrainsTheDenseNetworkOnly(train, theta0, p, rounds):
    """The dense network was trained in every round, or once for all: from the second round on, train the ticket."""
    history = [_everything(theta0)]
    trained = train(theta0, history[0])
    for _ in range(rounds):
        history.append(_prune(trained, history[-1], p))
    return history


@wrong
def RanksTheInitialWeights(train, theta0, p, rounds):
    """The initial weights were ranked: rank what training made of them."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        history.append(_prune(theta0, history[-1], p))
    return history


@wrong
def RanksLayerByLayer(train, theta0, p, rounds):
    """Every layer lost the share p: rank the survivors of all layers together."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained, last = train(_rewound(theta0, history[-1]), history[-1]), history[-1]
        history.append({name: _prune(trained, {name: mask}, p)[name] for name, mask in last.items()})
    return history


@wrong
def TakesSharesOfTheOriginal(train, theta0, p, rounds):
    """Every round dropped as many weights as the first: p is a share of those that are still there."""
    history = [_everything(theta0)]
    k = math.floor(p * sum(mask.numel() for mask in history[0].values()) + 0.5)
    for _ in range(rounds):
        history.append(_drop_smallest(train(_rewound(theta0, history[-1]), history[-1]), history[-1], k))
    return history


@wrong
def PrunesZerosAgain(train, theta0, p, rounds):
    """From the second round on, weights were dropped that were gone already: zeros are the smallest of all. Take them
    out of the ranking."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained, last = train(_rewound(theta0, history[-1]), history[-1]), history[-1]
        k = math.floor(p * sum(int(mask.sum()) for mask in last.values()) + 0.5)
        history.append(_drop_smallest(trained, last, k, among=history[0]))
    return history


@wrong
def DropsTheLargest(train, theta0, p, rounds):
    """The largest weights were dropped: the smallest ones go."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained = train(_rewound(theta0, history[-1]), history[-1])
        history.append(_prune({name: 1 / (value.abs() + 1e-3) for name, value in trained.items()}, history[-1], p))
    return history


@wrong
def ForgetsTheAbs(train, theta0, p, rounds):
    """The most negative weights were dropped: rank absolute values."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained = train(_rewound(theta0, history[-1]), history[-1])
        history.append(_prune({name: value.exp() for name, value in trained.items()}, history[-1], p))
    return history


@wrong
def TrainsWithoutTheMasks(train, theta0, p, rounds):
    """The ticket was trained without its masks, so pruned weights grew and helped: hand the last masks to train."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        history.append(_prune(train(_rewound(theta0, history[-1]), history[0]), history[-1], p))
    return history


@wrong
def AppendsOneObject(train, theta0, p, rounds):
    """All entries of the list are the same, the last: one dict of masks was changed in place. Build a new one in each
    round."""
    return [imp(train, theta0, p, rounds)[-1]] * (rounds + 1)


@wrong
def ReturnsTheLastOnly(train, theta0, p, rounds):
    """Only the last masks came back: the list has an entry for every round, and one before."""
    return imp(train, theta0, p, rounds)[-1]


@wrong
def LeavesOutTheStart(train, theta0, p, rounds):
    """The first entry is missing: the masks before any pruning, which keep everything."""
    return imp(train, theta0, p, rounds)[1:]


@wrong
def StopsARoundEarly(train, theta0, p, rounds):
    """The last round is missing: rounds counts prunings, and the list holds one entry more."""
    return imp(train, theta0, p, max(rounds - 1, 0))


@wrong
def PrunesTheBiases(train, theta0, p, rounds):
    """The biases have masks, too: only what ends in "weight" is pruned."""
    history = [{name: torch.ones_like(value, dtype=torch.bool) for name, value in theta0.items()}]
    for _ in range(rounds):
        history.append(_prune(train(_rewound(theta0, history[-1]), history[-1]), history[-1], p))
    return history


def _prune_in_order(theta, masks, p, names):
    """Prune as if the layers stood in this order."""
    pruned = _prune(theta, {name: masks[name] for name in names}, p)
    return {name: pruned[name] for name in masks}


@wrong
def SortsTheNames(train, theta0, p, rounds):
    """Of equal weights in two layers the wrong one was dropped. The order of the names in theta0 decides, which is not
    that of the alphabet."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained, last = train(_rewound(theta0, history[-1]), history[-1]), history[-1]
        history.append(_prune_in_order(trained, last, p, sorted(last)))
    return history


@wrong
def TiesFromTheEnd(train, theta0, p, rounds):
    """Of equal weights the last one was dropped: the first goes first."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained, last = train(_rewound(theta0, history[-1]), history[-1]), history[-1]
        turned, masks = ({name: t[name].flip(0, 1) for name in reversed(last)} for t in (trained, last))
        pruned = _prune(turned, masks, p)
        history.append({name: pruned[name].flip(0, 1) for name in last})
    return history


@wrong
def RoundsDown(train, theta0, p, rounds):
    """The number to drop was cut to an integer: round it to the nearest one, halves up."""
    history = [_everything(theta0)]
    for _ in range(rounds):
        trained, last = train(_rewound(theta0, history[-1]), history[-1]), history[-1]
        history.append(_drop_smallest(trained, last, int(p * sum(int(mask.sum()) for mask in last.values()))))
    return history
