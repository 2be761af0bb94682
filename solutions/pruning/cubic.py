"""Answer to pruning.cubic."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "How many updates have happened by step t? Count before you use the formula.",
    "(t - t0) // dt counts them. It is negative before the start and too large after the end: clamp it to 0..n.",
    "With `done` the clamped count, (t - t0) / (n * dt) becomes done / n, and the formula gives both ends by itself.",
)


def cubic(t, t0, n, dt, s_i, s_f):
    done = min(max((t - t0) // dt, 0), n)
    return _at(done / n, s_i, s_f)


def _at(progress, s_i, s_f):
    return s_f + (s_i - s_f) * (1 - progress) ** 3


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def schedule(group, start_at_zero=False):
        t0, n, dt = draw(30, 60), draw(6, 12), draw(10, 20)
        first = 0.0 if start_at_zero else draw(10, 40) / 100
        return case(group, t0=t0, n=n, dt=dt, s_i=first, s_f=draw(60, 98) / 100)

    def at(schedule, updates, more):
        given = schedule.inputs
        return case(schedule.group, t=given["t0"] + updates * given["dt"] + more, **given)

    yield at(schedule("at an update", start_at_zero=True), draw(2, 5), 0)
    yield at(schedule("at an update"), draw(2, 5), 0)
    yield at(schedule("between two updates"), draw(2, 5), draw(3, 9))
    yield at(schedule("between two updates"), draw(1, 4), 9)
    uneven = schedule("a start that is no multiple of dt").inputs
    uneven["t0"] += uneven["t0"] % uneven["dt"] == 0
    yield case("a start that is no multiple of dt", t=uneven["t0"] + draw(2, 5) * uneven["dt"], **uneven)
    yield at(schedule("until the start"), 0, -draw(5, 25))
    yield at(schedule("until the start"), 0, 0)
    late = schedule("after the last update")
    yield at(late, late.inputs["n"] + 2, draw(1, 9))
    yield at(late, late.inputs["n"], 0)


@right
def three_branches(t, t0, n, dt, s_i, s_f):
    if t <= t0:
        return s_i
    if t >= t0 + n * dt:
        return s_f
    last = t - (t - t0) % dt
    return s_f + (s_i - s_f) * (1 - (last - t0) / (n * dt)) ** 3


@right
def step_by_step(t, t0, n, dt, s_i, s_f):
    sparsity = s_i
    for update in range(1, n + 1):
        if t0 + update * dt <= t:
            left = (n - update) / n
            sparsity = s_i * left**3 + s_f * (1 - left**3)
    return sparsity


@second_source("scipy 1.17: interpolate.BPoly")
def scipy_bernstein(t, t0, n, dt, s_i, s_f):
    import numpy as np
    from scipy.interpolate import BPoly

    # (1 - x)^3 is the first of the four cubic Bernstein polynomials, which add up to 1.
    curve = BPoly(np.array([[s_i], [s_f], [s_f], [s_f]]), [0, n])
    return float(curve(np.clip((t - t0) // dt, 0, n)))


@wrong
def GoesLinearly(t, t0, n, dt, s_i, s_f):
    """That is a straight line from s_i to s_f: what is left to prune falls with the third power."""
    done = min(max((t - t0) // dt, 0), n)
    return s_f + (s_i - s_f) * (1 - done / n)


@wrong
def SquaresInstead(t, t0, n, dt, s_i, s_f):
    """What is left to prune was squared: the schedule is cubic."""
    done = min(max((t - t0) // dt, 0), n)
    return s_f + (s_i - s_f) * (1 - done / n) ** 2


@wrong
def SwapsTheEnds(t, t0, n, dt, s_i, s_f):
    """The schedule runs backwards: it starts at s_i and ends at s_f."""
    return cubic(t, t0, n, dt, s_f, s_i)


@wrong
def PrunesSlowlyAtFirst(t, t0, n, dt, s_i, s_f):
    """The progress was cubed, so most is pruned at the end. Cube what is left: most is pruned early."""
    done = min(max((t - t0) // dt, 0), n)
    return s_i + (s_f - s_i) * (done / n) ** 3


@wrong
def StartsFromZero(t, t0, n, dt, s_i, s_f):
    """The schedule started at sparsity 0: it starts at s_i."""
    return cubic(t, t0, n, dt, 0.0, s_f)


@wrong
def GoesOnAfterTheEnd(t, t0, n, dt, s_i, s_f):
    """After the last update the sparsity went on changing: it stays at s_f."""
    return _at(max((t - t0) // dt, 0) / n, s_i, s_f)


@wrong
def StartsTooEarly(t, t0, n, dt, s_i, s_f):
    """The formula was used before t0, where it lies below s_i: until t0 the sparsity is s_i."""
    return _at(min((t - t0) // dt, n) / n, s_i, s_f)


@wrong
def MovesBetweenUpdates(t, t0, n, dt, s_i, s_f):
    """The sparsity moved between two updates: there it stays what it was at the last one."""
    return _at(min(max((t - t0) / dt, 0), n) / n, s_i, s_f)


@wrong
def ForgetsTheInterval(t, t0, n, dt, s_i, s_f):
    """The steps were counted as updates. One update takes dt steps, so the schedule takes n * dt."""
    return cubic(t, t0, n, 1, s_i, s_f)


@wrong
def ForgetsTheStart(t, t0, n, dt, s_i, s_f):
    """The steps were counted from 0: the schedule starts at t0."""
    return cubic(t, 0, n, dt, s_i, s_f)


@wrong
def UpdatesAtMultiples(t, t0, n, dt, s_i, s_f):
    """The updates fell on the multiples of dt. They are counted from t0, which need not be one of these."""
    return _at(min(max((t // dt * dt - t0) / dt, 0), n) / n, s_i, s_f)


@wrong
def CutsTheStepFirst(t, t0, n, dt, s_i, s_f):
    """The step was cut to a multiple of dt first. Updates are counted from t0, which need not be a multiple."""
    return cubic(t // dt * dt, t0, n, dt, s_i, s_f)
