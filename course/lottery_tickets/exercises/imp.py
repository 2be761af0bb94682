"""Find a ticket by iterative magnitude pruning."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 4
MINUTES = 30
LEVEL = 3
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def imp(
    train: Callable[[dict[str, Tensor], dict[str, Tensor]], dict[str, Tensor]],
    theta0: dict[str, Tensor],
    p: float,
    rounds: int,
) -> list[dict[str, Tensor]]:
    """Prune iteratively: train, drop the smallest survivors, rewind, and again.

    Every round trains the ticket of the last masks from its initial values. Of the s weights that are still there it
    drops floor(p * s + 0.5): those of smallest absolute value after this training, in one ranking over all layers. Of
    equal absolute values, the one that comes first is dropped first: by the order of the names in theta0, which need
    not be that of the alphabet, then in row-major order.

    Parameters
    ----------
    train : callable
        train(theta, masks) trains a network and returns its parameters, a new dict with the names of theta. It holds
        the masks: what they prune comes back as 0. Equal arguments give equal results. It takes masks in the form in
        which you return them.
    theta0 : dict of str to Tensor, float32
        All parameters before training. Those whose name ends in "weight" are pruned, the others are not. It must not
        change.
    p : float
        From 0 to 1.
    rounds : int
        At least 0.

    Returns
    -------
    list of dict of str to Tensor, bool
        rounds + 1 entries: the masks before any pruning, which keep everything, then those after each round. Each
        entry has a mask for every parameter that is pruned, of its shape, True where a weight is kept.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1; global pruning in section 4.
    """
    raise NotImplementedError


def toy_training(lessons: dict[str, Tensor]) -> Callable[..., dict[str, Tensor]]:
    """Stand in for training, in exact steps: a weight learns its lesson well only while its neighbour is there."""

    def train(theta: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
        trained = {}
        for name, value in theta.items():
            kept = masks[name].bool() if name in masks else torch.ones_like(value, dtype=torch.bool)
            neighbour, there = (part.flatten().roll(1).view_as(kept) for part in (value * kept, kept))
            learned = lessons[name] * torch.where(there, 1.0, -0.5) + neighbour / 4
            trained[name] = (value + learned) * kept
        return trained

    return train


def observe(answer, case: Case) -> list:
    """Run the answer on a training that takes no time."""
    inputs = case.inputs
    arguments = {name: inputs[name] for name in ("theta0", "p", "rounds")}
    return observe_call(answer, Case(case.group, {"train": toy_training(inputs["lessons"]), **arguments}))


def _example(group: str, sizes: list[int], p: float, rounds: int) -> Case:
    rng, coarse = torch.Generator().manual_seed(10 * sum(sizes) + rounds), 400 if group == "ties" else 1
    theta0, lessons = {}, {}
    for i, (layer, (d_in, d_out)) in enumerate(zip(("stem", "head"), pairwise(sizes), strict=False)):
        for name, shape in ((f"{layer}.weight", (d_out, d_in)), (f"{layer}.bias", (d_out,))):
            theta0[name] = torch.randint(-900, 901, shape, generator=rng) // coarse * coarse / 512
            lessons[name] = torch.randint(-400, 401, shape, generator=rng) // coarse * coarse / 256 * (i + 1)
    return case(group, theta0=theta0, lessons=lessons, p=p, rounds=rounds)


EXAMPLES = [
    _example("two layers", [5, 4, 3], 0.2, 4),
    _example("few rounds, or none", [6, 3, 4], 0.36, 3),
    _example("ties", [5, 3, 4], 0.2, 3),
    _example("half a weight rounds up", [4, 3, 2], 0.25, 2),
    _example("few rounds, or none", [4, 3], 0.2, 0),
]
