"""Answer to lottery_tickets.late_rewind."""

from itertools import pairwise

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "First find the checkpoint, then do with it what rewind does with theta0. Which of the steps come into question?",
    "Those up to step, step itself included; the largest of them is the latest. The order in the dict says nothing.",
    "start = checkpoints[max(s for s in checkpoints if s <= step)]. The rest is rewind(start, masks).",
)


def late_rewind(checkpoints, masks, step):
    return _rewind(checkpoints[max(s for s in checkpoints if s <= step)], masks)


def _rewind(theta, masks):
    return {name: value * masks[name] if name in masks else value.clone() for name, value in theta.items()}


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, steps, step, sizes):
        shapes = {}
        for i, (d_in, d_out) in enumerate(pairwise(sizes)):
            shapes |= {f"fc{i}.weight": (d_out, d_in), f"fc{i}.bias": (d_out,)}
        kept = {name: torch.rand(shape, generator=rng) < 0.5 for name, shape in shapes.items() if len(shape) == 2}
        drawn = {s: {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()} for s in steps}
        return case(group, checkpoints=drawn, masks=kept, step=step)

    k = number(6, 15)
    yield draw("a checkpoint of this step", [0, k, 2 * k, 3 * k, 4 * k], 2 * k, [4, 5, 3])
    yield draw("between two checkpoints", [0, k, 5 * k, 8 * k], 5 * k - number(1, 3), [5, 4, 2])
    yield draw("between two checkpoints", [0, 2 * k, 3 * k, 9 * k], 3 * k + number(1, 3), [3, 6, 4])
    yield draw("in any order", [5 * k, 3 * k, 0, 4 * k, k], 4 * k - number(1, 3), [6, 3, 5])
    yield draw("step 0", [0, 1, k], 0, [4, 3])


@right
def walks_through_the_steps(checkpoints, masks, step):
    latest = 0
    for s in sorted(checkpoints):
        if s <= step:
            latest = s
    ticket = {name: value.clone() for name, value in checkpoints[latest].items()}
    for name, mask in masks.items():
        ticket[name][~mask] = 0.0
    return ticket


@right
def by_bisection(checkpoints, masks, step):
    from bisect import bisect_right

    steps = sorted(checkpoints)
    theta = checkpoints[steps[bisect_right(steps, step) - 1]]
    return {name: torch.where(masks.get(name, torch.tensor(True)), value, 0.0) for name, value in theta.items()}


@wrong
def GoesBackToTheStart(checkpoints, masks, step):
    """The ticket starts from step 0: late rewinding goes back to step, not to the initial weights."""
    return _rewind(checkpoints[0], masks)


@wrong
def KeepsTheTrainedWeights(checkpoints, masks, step):
    """The ticket starts from the last checkpoint. That is fine-tuning of a pruned network: nothing was rewound."""
    return _rewind(checkpoints[max(checkpoints)], masks)


@wrong
def TakesTheNextCheckpoint(checkpoints, masks, step):
    """The checkpoint is later than step: take the latest that is not."""
    return _rewind(checkpoints[min((s for s in checkpoints if s >= step), default=max(checkpoints))], masks)


@wrong
def TakesTheNearest(checkpoints, masks, step):
    """The nearest checkpoint was taken, and it may be later than step: take the latest that is not."""
    return _rewind(checkpoints[min(checkpoints, key=lambda s: abs(s - step))], masks)


@wrong
def LeavesOutTheStepItself(checkpoints, masks, step):
    """A checkpoint of exactly this step was passed over: "not later" includes it."""
    return _rewind(checkpoints[max((s for s in checkpoints if s < step), default=0)], masks)


@wrong
def LooksUpTheStep(checkpoints, masks, step):
    """A checkpoint of exactly this step was looked up, and there may be none: take the latest that is not later."""
    return _rewind(checkpoints[step], masks)


@wrong
def TrustsTheOrder(checkpoints, masks, step):
    """The last suitable checkpoint in the dict was taken: the steps may stand in any order."""
    return _rewind(checkpoints[[s for s in checkpoints if s <= step][-1]], masks)


@wrong
def ForgetsTheMask(checkpoints, masks, step):
    """That is the dense network of the checkpoint: pruned weights are zero in the ticket."""
    return _rewind(checkpoints[max(s for s in checkpoints if s <= step)], {})


@wrong
def RewindsTheBiasesToTheStart(checkpoints, masks, step):
    """The weights come from one checkpoint and the biases from step 0: take all of them from one."""
    ticket = late_rewind(checkpoints, masks, step)
    return {name: value if name in masks else checkpoints[0][name].clone() for name, value in ticket.items()}


@wrong
def KeepsTheTrainedBiases(checkpoints, masks, step):
    """The weights were rewound and the biases were not: they go back to the checkpoint, too."""
    ticket, last = late_rewind(checkpoints, masks, step), checkpoints[max(checkpoints)]
    return {name: value if name in masks else last[name].clone() for name, value in ticket.items()}


@wrong
def DropsTheBiases(checkpoints, masks, step):
    """Parameters without a mask are missing: they are not pruned, and they rewind, too."""
    ticket = late_rewind(checkpoints, masks, step)
    return {name: value for name, value in ticket.items() if name in masks}
