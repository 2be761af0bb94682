"""Answer to lottery_tickets.early_stop."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Which entry of loss is the lowest? Then ask how many iterations were done when it was measured.",
    "torch.argmin gives the place of the first of equally low entries, counted from 0. But the entry at place 0 was "
    "measured after `every` iterations.",
    "Add 1 to the place, multiply by every, and return an int: .item() or int(...) makes one of a tensor.",
)


def early_stop(loss, every):
    return (int(loss.argmin()) + 1) * every


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def levels(count):
        """Different losses, all exact."""
        return (torch.randperm(40, generator=rng)[:count] + 8) / 16

    def draw(group, loss):
        return case(group, loss=loss, every=number(2, 60))

    down, up = levels(6).sort(descending=True).values, levels(4).sort().values
    yield draw("falls, then rises", torch.cat([down, 0.25 + down[-1] + up]))
    down = levels(7).sort(descending=True).values
    yield draw("rises in between", torch.cat([down[:3], down[2:3] + 0.25, down[3:], down[-2:]]))
    low = torch.full((1,), 0.25)
    yield draw("ties", torch.cat([levels(number(2, 5)), low, levels(number(1, 4)), low, levels(number(1, 3))]))
    yield draw("still falling", levels(number(4, 9)).sort(descending=True).values)
    yield draw("one measurement", levels(1))


@right
def walks_along(loss, every):
    best, lowest = 0, float("inf")
    for i, value in enumerate(loss.tolist(), start=1):
        if value < lowest:
            best, lowest = i * every, value
    return best


@right
def index_of_the_minimum(loss, every):
    values = loss.double().tolist()
    return every * values.index(min(values)) + every


@second_source("numpy: argmin")
def numpy_argmin(loss, every):
    import numpy as np

    return every * (1 + np.argmin(loss.numpy()))


@wrong
def TakesTheLastMinimum(loss, every):
    """The loss was as low earlier: of equal measurements the first counts."""
    return (len(loss) - int(loss.flip(0).argmin())) * every


@wrong
def ReturnsTheIndex(loss, every):
    """That is a place in the tensor, counted from 0: return iterations."""
    return int(loss.argmin())


@wrong
def CountsFromZero(loss, every):
    """That is one measurement too early: the first was taken after the first iterations, not before them."""
    return int(loss.argmin()) * every


@wrong
def CountsMeasurements(loss, every):
    """That is the number of measurements: between two of them lie `every` iterations."""
    return int(loss.argmin()) + 1


@wrong
def TakesTheHighestLoss(loss, every):
    """The loss is highest there: early stopping takes the lowest."""
    return (int(loss.argmax()) + 1) * every


@wrong
def StopsAtTheFirstRise(loss, every):
    """Training was stopped at the first rise. The loss falls lower later on: look at all measurements."""
    rises = (loss.diff() >= 0).nonzero().flatten().tolist()
    return ((rises[0] if rises else len(loss) - 1) + 1) * every


@wrong
def TrainsToTheEnd(loss, every):
    """That is the length of the whole training: find where the loss was lowest."""
    return len(loss) * every


@wrong
def ReturnsTheLoss(loss, every):
    """That is the lowest loss itself: say when it was reached."""
    return loss.min().item()
