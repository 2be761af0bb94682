"""Lottery tickets on 8 x 8 digits: found by your `imp`, compared with your controls, measured over seeds.

Masks are found on one order of batches. What is compared then trains on another, the same for all arms of a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course.lottery_tickets.lockstep import in_step
from course.lottery_tickets.networks import SIZES, STEPS, Arm, Curves, Parameters, Problem, density, everything

RATE, ROUNDS = 0.36, 8
COMPARED = (2, 4, 5, 6, 7, 8)
ORDERS = {"found": 0, "compared": 1, "found again": 2}
ARMS = (
    "ticket",
    "re-initialised, its signs",
    "one-shot ticket",
    "re-initialised",
    "mask shuffled in layers",
    "uniform random mask",
)


@dataclass(frozen=True)
class Tickets:
    """What `imp` found.

    Attributes
    ----------
    problem : Problem
    history : list of list of dict of str to Tensor
        For each seed the masks before any pruning and after each round.
    """

    problem: Problem
    history: list[list[Parameters]]

    def masks(self, r: int) -> list[Parameters]:
        return [masks[r] for masks in self.history]

    def ticket(self, r: int) -> Arm:
        return Arm(self.problem.starts, self.masks(r))

    def sparsity(self, r: int) -> float:
        """Percent of all weights that are pruned after r rounds."""
        return 100 * (1 - density(self.history[0][r]))

    def densities(self) -> Tensor:
        """The share of each layer that is kept, shape (rounds + 1, layers, seeds)."""
        shares = [[[mask.float().mean() for mask in masks.values()] for masks in own] for own in self.history]
        return torch.tensor(shares).permute(1, 2, 0)

    def pixels(self, r: int) -> Tensor:
        """How many weights of the first layer read each pixel, shape (seeds, 64)."""
        return torch.stack([next(iter(masks.values())).sum(0) for masks in self.masks(r)]).float()


def find(problem: Problem, imp: Callable, rounds: int = ROUNDS, order: str = "found") -> Tickets:
    """Run your `imp` on all seeds at once: their trainings meet, and your `train_stacked` does them as one stack."""

    def search(seed: int, ask: Callable) -> list[Parameters]:
        return imp(ask, problem.starts[seed], RATE, rounds)

    def train(asked: list[tuple[Parameters, Parameters]]) -> list[Parameters]:
        return problem.train([Arm(*map(list, zip(*asked, strict=True)))], ORDERS[order])[0]

    return Tickets(problem, in_step(search, train, problem.seeds))


def draws(seed: int) -> torch.Generator:
    """The generator of a seed's controls."""
    return torch.Generator().manual_seed(5000 + seed)


def drawn(draw: Callable, *given: list[Parameters]) -> list[Parameters]:
    """Call one of your drawing functions for every seed, with a generator of its own."""
    return [draw(*own, draws(seed)) for seed, own in enumerate(zip(*given, strict=True))]


@dataclass(frozen=True)
class Comparison:
    """Learning curves of the dense network and of every arm at every round.

    Attributes
    ----------
    curves : Curves
        First the dense network, then ARMS round by round.
    """

    tickets: Tickets
    rounds: tuple[int, ...]
    arms: list[Arm]
    curves: Curves

    def place(self, r: int, name: str) -> int:
        """Where an arm stands among the curves; round 0 is the dense network."""
        return 1 + len(ARMS) * self.rounds.index(r) + ARMS.index(name) if r else 0

    def final(self, r: int, name: str = "ticket") -> Tensor:
        """Accuracy in percent after all steps, shape (seeds,)."""
        return self.curves.accuracy[self.place(r, name), :, -1]

    def steps_to(self, r: int, name: str = "ticket", below: float = 2.0) -> Tensor:
        """Steps until an accuracy is reached that lies `below` points under the dense network's, infinite if never."""
        reached = self.curves.accuracy[self.place(r, name)] >= self.final(0).mean() - below
        steps = (reached.float().argmax(1) + 1.0) * self.curves.every
        return torch.where(reached.any(1), steps, torch.inf)


def compare(
    tickets: Tickets,
    reinit: Callable,
    signed_reinit: Callable,
    layer_shuffled: Callable,
    uniform_mask: Callable,
    one_shot: Callable,
    rounds: Sequence[int] = COMPARED,
) -> Comparison:
    """Train tickets and controls of several rounds side by side, by the course's own trainer, which measures curves."""
    problem = tickets.problem
    starts, trained = problem.starts, problem.train([problem.dense], ORDERS["found"])[0]
    arms = [problem.dense]
    for r in rounds:
        masks = tickets.masks(r)
        pruned = [one_shot(end, theta, density(own)) for end, theta, own in zip(trained, starts, masks, strict=True)]
        arms += [
            tickets.ticket(r),
            Arm(drawn(signed_reinit, starts, masks), masks),
            Arm([ticket for _, ticket in pruned], [own for own, _ in pruned]),
            Arm(drawn(reinit, starts, masks), masks),
            Arm(starts, drawn(layer_shuffled, masks)),
            Arm(starts, drawn(uniform_mask, masks)),
        ]
    return Comparison(tickets, tuple(rounds), arms, problem.curves(arms, ORDERS["compared"]))


@dataclass(frozen=True)
class LongRun:
    """Curves of the arms that `names` tell: the dense network, and tickets and re-initialised ones of some rounds."""

    names: list[str]
    curves: Curves

    def stops(self, early_stop: Callable) -> Tensor:
        """When your `early_stop` would stop each network, in steps, shape (arms, seeds)."""
        return torch.tensor([[float(early_stop(loss, self.curves.every)) for loss in own] for own in self.curves.loss])

    def at(self, name: str, steps: int) -> Tensor:
        """Accuracy in percent after so many steps, shape (seeds,)."""
        return self.curves.accuracy[self.names.index(name), :, steps // self.curves.every - 1]


def long_run(
    tickets: Tickets, reinit: Callable, rounds: Sequence[int] = (4, 7), steps: int = 4 * STEPS, every: int = 10
) -> LongRun:
    """Train four times as long, and measure the validation loss on the way."""
    names, arms = ["dense"], [tickets.problem.dense]
    for r in rounds:
        masks, label = tickets.masks(r), f"{tickets.sparsity(r):.1f}%"
        names += [f"ticket, {label}", f"re-initialised, {label}"]
        arms += [tickets.ticket(r), Arm(drawn(reinit, tickets.problem.starts, masks), masks)]
    return LongRun(names, tickets.problem.curves(arms, ORDERS["compared"], steps, every))


def signs(tickets: Tickets, reinit: Callable, signed_reinit: Callable, r: int = 7) -> dict[str, tuple[Tensor, Tensor]]:
    """Take a ticket's initial weights apart into signs and sizes, by your `train_stacked`.

    Returns
    -------
    dict of str to (Tensor, Tensor), each of shape (seeds,)
        Accuracy in percent; and of the kept weights, the percentage that end with the sign with which they started.
    """
    masks, starts = tickets.masks(r), tickets.problem.starts
    new = drawn(reinit, starts, [everything(theta) for theta in starts])
    kinds = {
        "its own": starts,
        "its signs, one size in each layer": [_each(theta, _one_size) for theta in starts],
        "its signs, new sizes": drawn(signed_reinit, starts, masks),
        "its sizes, new signs": [_sized(theta, other) for theta, other in zip(starts, new, strict=True)],
        "both new": drawn(reinit, starts, masks),
    }
    arms = [Arm(thetas, masks) for thetas in kinds.values()]
    trained = tickets.problem.train(arms, ORDERS["compared"])
    found = {}
    for name, arm, ends in zip(kinds, arms, trained, strict=True):
        same = [_same_sign(*own) for own in zip(arm.starts, ends, masks, strict=True)]
        found[name] = tickets.problem.accuracy(ends), torch.tensor(same)
    return found


def _each(theta: Parameters, change: Callable[[Tensor], Tensor]) -> Parameters:
    return {name: change(value) if name.endswith("weight") else value for name, value in theta.items()}


def _one_size(W: Tensor) -> Tensor:
    return W.sign() * (2 / sum(W.shape)) ** 0.5


def _sized(theta: Parameters, signs: Parameters) -> Parameters:
    return {name: value.abs() * signs[name].sign() for name, value in theta.items()}


def _same_sign(start: Parameters, end: Parameters, masks: Parameters) -> float:
    same = torch.cat([(start[name].sign() == end[name].sign())[mask] for name, mask in masks.items()])
    return 100 * same.float().mean().item()


@dataclass(frozen=True)
class Overlap:
    """How much the masks of pairs of tickets agree.

    Attributes
    ----------
    overlap, chance : Tensor, shape (layers, pairs)
        Intersection over union, and what independent random masks would have.
    by_pixels : Tensor, shape (pairs,)
        In the first layer, what masks would have that are random but keep as many weights of each pixel.
    correlation : Tensor, shape (pairs,)
        Of how many weights each pixel keeps.
    """

    overlap: Tensor
    chance: Tensor
    by_pixels: Tensor
    correlation: Tensor


def overlaps(tickets: Tickets, imp: Callable, iou: Callable, r: int = 7) -> dict[str, Overlap]:
    """Compare the masks of a second search by your `iou`: same initial weights with other batches, and other ones."""
    again = find(tickets.problem, imp, r, "found again")
    kinds = {"same initial weights, other batches": 0, "other initial weights": 1}
    found = {}
    for name, shift in kinds.items():
        others = again.masks(r)[shift:] + again.masks(r)[:shift]
        pairs = [[iou(one[n], other[n]) for n in one] for one, other in zip(tickets.masks(r), others, strict=True)]
        overlap, chance = torch.tensor(pairs).permute(2, 1, 0)
        counts = torch.stack([tickets.pixels(r), again.pixels(r).roll(-shift, 0)], 1)
        both = counts.prod(1).sum(1) / SIZES[1]
        correlation = torch.stack([torch.corrcoef(pair)[0, 1] for pair in counts])
        found[name] = Overlap(overlap, chance, both / (counts.sum((1, 2)) - both), correlation)
    return found


def rewound(
    tickets: Tickets, late_rewind: Callable, r: int = 7, steps: Sequence[int] = (0, 10, 50)
) -> dict[int, Tensor]:
    """Accuracy, shape (seeds,), of tickets that start from the dense network's weights after so many steps.

    The masks are those found by rewinding to step 0, and every ticket sees the batches from its step on.
    """
    problem, order, masks = tickets.problem, ORDERS["compared"], tickets.masks(r)
    points = {k: problem.train([problem.dense], order, k)[0] if k else problem.starts for k in steps}
    found = {}
    for k in steps:
        own = [late_rewind({s: points[s][i] for s in steps}, mask, k) for i, mask in enumerate(masks)]
        found[k] = problem.accuracy(problem.train([Arm(own, masks)], order, first=k)[0])
    return found
