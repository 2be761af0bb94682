"""Raise the sparsity gradually."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def cubic(t: int, t0: int, n: int, dt: int, s_i: float, s_f: float) -> float:
    """Say how sparse a layer is at step t of training when its sparsity is raised in n updates.

    The updates happen at the steps t0 + dt, t0 + 2 dt, ..., t0 + n dt. At each of these, and at t0 itself, the
    sparsity is

        s = s_f + (s_i - s_f) * (1 - (t - t0) / (n * dt)) ** 3.

    Between two updates the mask, and with it the sparsity, stays what it was at the last one. Until t0 the sparsity
    is s_i, and after the last update it is s_f.

    Parameters
    ----------
    t : int
        The step of training, from 0; it may lie before t0 and after the last update.
    t0 : int
        The step at which the schedule starts.
    n : int
        The number of updates, at least 1.
    dt : int
        The number of steps from one update to the next, at least 1.
    s_i, s_f : float
        The first and the last sparsity.

    Returns
    -------
    float

    Source: Zhu & Gupta 2017 (arXiv:1710.01878), equation 1.
    """
    raise NotImplementedError


EXAMPLES = [
    case("half of the updates are done", t=500, t0=100, n=8, dt=100, s_i=0.0, s_f=0.8),
    case("between two updates", t=47, t0=20, n=6, dt=10, s_i=0.25, s_f=0.9),
    case("a start that is no multiple of dt", t=37, t0=7, n=4, dt=10, s_i=0.0, s_f=0.75),
    case("before the start", t=3, t0=20, n=4, dt=10, s_i=0.25, s_f=0.9),
    case("after the last update", t=95, t0=20, n=5, dt=10, s_i=0.125, s_f=0.75),
]
