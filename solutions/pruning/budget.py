"""Answer to pruning.budget."""

from fractions import Fraction
from itertools import product

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write two functions of a choice first: how much it removes, and its loss.",
    "itertools.product(range(len(sparsities)), repeat=len(sizes)) lists all choices in lexicographic order. Drop those "
    "that remove too little.",
    "min(choices, key=lambda choice: (loss(choice), -removed(choice))) takes the first of equals, which is the first "
    "in lexicographic order. min raises for an empty list: return [] before.",
)


def budget(sizes, sparsities, losses, share):
    return _best(sizes, sparsities, lambda choice: _order(sizes, sparsities, losses, choice), share)


def _best(sizes, sparsities, key, share):
    """Take the first of the least choices that remove enough."""
    enough = [choice for choice in _all(sizes, sparsities) if _removed(sizes, sparsities, choice) >= share * sum(sizes)]
    return list(min(enough, key=key, default=[]))


def _order(sizes, sparsities, losses, choice):
    return _loss(losses, choice), -_removed(sizes, sparsities, choice)


def _all(sizes, sparsities):
    return product(range(len(sparsities)), repeat=len(sizes))


def _removed(sizes, sparsities, choice):
    return sum(size * sparsities[j] for size, j in zip(sizes, choice, strict=True))


def _loss(losses, choice):
    return sum(row[j] for row, j in zip(losses, choice, strict=True))


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def layers(count, sparsities):
        sizes = [4 * draw(2, 6) * draw(1, 5) for _ in range(count)]
        losses = []
        for size in sizes:
            rises = [draw(0, 40) * size for _ in sparsities]
            losses.append([(64 + sum(rises[:j])) / 64 for j in range(len(sparsities))])
        return {"sizes": sizes, "sparsities": sparsities, "losses": losses}

    fine, coarse = [0.0, 0.25, 0.5, 0.75], [0.0, 0.5, 0.75, 0.875]
    some = layers(4, fine)
    while GoesGreedily(**some, share=0.5) == budget(**some, share=0.5):
        some = layers(4, fine)
    yield case("layers of any size", **some, share=0.5)
    yield case("layers of any size", **layers(5, coarse), share=0.625)
    yield case("layers of any size", **layers(3, [0.125, 0.375, 0.5, 0.75, 0.9375]), share=0.40625)
    falling = layers(4, fine)
    falling["losses"] = [[draw(20, 90) / 32 for _ in fine] for _ in falling["sizes"]]
    # More may cost less: in one layer it does, in another it does not.
    falling["losses"][0][3], falling["losses"][1][3] = falling["losses"][0][2] - 0.25, falling["losses"][1][2] + 0.5
    yield case("losses that do not rise", **falling, share=0.4375)
    # One layer must pay; the first step of the others is free.
    small, step = 4 * draw(2, 9), draw(2, 6) / 16
    tied = {"sizes": [small, small * draw(4, 7), small], "sparsities": fine}
    tied["losses"] = [[1.0, 1.0, 1.5 + rise, 3.0] for rise in (step, 0.0, step)]
    yield case("equal losses", **tied, share=0.3125)
    alike = {"sizes": [8 * draw(2, 9)] * 3, "sparsities": fine, "losses": [[0.5, 0.75, 1.0, 1.25]] * 3}
    yield case("layers that are alike, and just enough", **alike, share=0.5)
    yield case("not enough", **layers(3, [0.0, 0.25, 0.5]), share=0.53125)


@right
def layer_by_layer(sizes, sparsities, losses, share):
    # Keep the best choice for each amount removed so far.
    best = {Fraction(0): (0.0, [])}
    for size, row in zip(sizes, losses, strict=True):
        longer = {}
        for removed, (loss, choice) in best.items():
            for j, sparsity in enumerate(sparsities):
                amount = removed + size * Fraction(sparsity)
                candidate = (loss + row[j], [*choice, j])
                longer[amount] = min(longer.get(amount, candidate), candidate)
        best = longer
    needed = Fraction(share) * sum(sizes)
    found = [(loss, -removed, choice) for removed, (loss, choice) in best.items() if removed >= needed]
    return min(found)[2] if found else []


@right
def with_tensors(sizes, sparsities, losses, share):
    choices = torch.cartesian_prod(*[torch.arange(len(sparsities))] * len(sizes))
    removed = (torch.tensor(sparsities).double()[choices] * torch.tensor(sizes)).sum(1)
    loss = torch.tensor(losses).double()[torch.arange(len(sizes)), choices].sum(1)
    enough = removed >= share * sum(sizes)
    if not enough.any():
        return []
    choices, removed, loss = choices[enough], removed[enough], loss[enough]
    least = loss == loss.min()
    most = least & (removed == removed[least].max())
    return choices[most.int().argmax()].tolist()


@second_source("scipy 1.17: optimize.milp, one solution for each level of the order")
def scipy_milp(sizes, sparsities, losses, share):
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    layers, offers = len(sizes), len(sparsities)
    one_each = np.kron(np.eye(layers), np.ones(offers))
    removed = np.outer(sizes, sparsities).ravel()
    order = np.kron([offers ** (layers - 1 - i) for i in range(layers)], np.arange(offers)).astype(float)
    limits = [LinearConstraint(one_each, 1, 1), LinearConstraint(removed, share * sum(sizes))]
    for goal in (np.ravel(losses), -removed, order):
        found = milp(goal, integrality=np.ones(len(goal)), bounds=Bounds(0, 1), constraints=limits)
        if not found.success:
            return []
        # All sums are multiples of 1/64.
        limits.append(LinearConstraint(goal, ub=found.fun + 1 / 256))
    return found.x.reshape(layers, offers).argmax(1).tolist()


@wrong
def SameSparsityEverywhere(sizes, sparsities, losses, share):
    """All layers got the same sparsity. Layers that bear more may be pruned more, and others less."""
    enough = [j for j, sparsity in enumerate(sparsities) if sparsity >= share]
    best = min(enough, key=lambda j: _loss(losses, [j] * len(sizes)), default=None)
    return [] if best is None else [best] * len(sizes)


@wrong
def IgnoresTheSizes(sizes, sparsities, losses, share):
    """The sparsities of the layers were averaged as if all layers were equally large: weigh them by size."""
    return budget([1] * len(sizes), sparsities, losses, share)


@wrong
def GoesGreedily(sizes, sparsities, losses, share):
    """The cheapest step was taken again and again. That need not end at the best choice: compare whole choices."""
    choice, most = [0] * len(sizes), len(sparsities) - 1
    if sparsities[most] < share:
        return []
    while _removed(sizes, sparsities, choice) < share * sum(sizes):
        open_layers = [i for i, j in enumerate(choice) if j < most]

        def price(i):
            j = choice[i]
            return (losses[i][j + 1] - losses[i][j]) / (sizes[i] * (sparsities[j + 1] - sparsities[j]))

        choice[min(open_layers, key=price)] += 1
    return choice


@wrong
def TakesTheBudgetAsCeiling(sizes, sparsities, losses, share):
    """Less than that share was removed: it is the least that must go, not the most."""
    limit = share * sum(sizes)
    allowed = [choice for choice in _all(sizes, sparsities) if _removed(sizes, sparsities, choice) <= limit]
    return list(min(allowed, key=lambda choice: _order(sizes, sparsities, losses, choice), default=[]))


@wrong
def KeepsTheShare(sizes, sparsities, losses, share):
    """At least that share was kept, or the rest removed: it is the share to remove."""
    return budget(sizes, sparsities, losses, 1 - share)


@wrong
def EveryLayerReachesTheShare(sizes, sparsities, losses, share):
    """Every layer was pruned to the share by itself. Only all layers together must reach it."""
    allowed = [j for j, sparsity in enumerate(sparsities) if sparsity >= share]
    return [min(allowed, key=lambda j: (row[j], -j)) for row in losses] if allowed else []


@wrong
def MinimisesTheWorstLayer(sizes, sparsities, losses, share):
    """The largest loss of a layer was made small. It is the sum over the layers that should be."""

    def key(choice):
        return max(row[j] for row, j in zip(losses, choice, strict=True)), -_removed(sizes, sparsities, choice)

    return _best(sizes, sparsities, key, share)


@wrong
def ForgetsThatMoreIsBetter(sizes, sparsities, losses, share):
    """Of equal losses the first choice was taken. First comes the one that removes most."""
    return _best(sizes, sparsities, lambda choice: _loss(losses, choice), share)


@wrong
def TakesTheLastTie(sizes, sparsities, losses, share):
    """Of choices that are equal in loss and in what they remove, the first in lexicographic order is wanted."""

    def key(choice):
        return _loss(losses, choice), -_removed(sizes, sparsities, choice), [-j for j in choice]

    return _best(sizes, sparsities, key, share)


@wrong
def RemovesAsLittleAsPossible(sizes, sparsities, losses, share):
    """The choice closest to the budget was taken. The loss comes first: removing more may cost less."""
    return _best(sizes, sparsities, lambda choice: (_removed(sizes, sparsities, choice), _loss(losses, choice)), share)


@wrong
def WantsMoreThanTheShare(sizes, sparsities, losses, share):
    """A choice that removes exactly the share was turned down: at least that much is enough."""
    allowed = [c for c in _all(sizes, sparsities) if _removed(sizes, sparsities, c) > share * sum(sizes)]
    return list(min(allowed, key=lambda choice: _order(sizes, sparsities, losses, choice), default=[]))


@wrong
def ReturnsTheSparsities(sizes, sparsities, losses, share):
    """The sparsities came back: the index of each in the list of sparsities is wanted."""
    return [sparsities[j] for j in budget(sizes, sparsities, losses, share)]


@wrong
def ReturnsNone(sizes, sparsities, losses, share):
    """Where no choice removes enough, None came back: an empty list is wanted there."""
    return budget(sizes, sparsities, losses, share) or None
