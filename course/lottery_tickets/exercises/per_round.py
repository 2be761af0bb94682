"""Spread pruning over rounds."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def per_round(total: float, rounds: int) -> float:
    """Find the rate of each round when several equal rounds are to prune a given share of a network.

    Every round drops the same share of the weights that are still there. After all rounds the share total of the
    weights that the network had at the start is gone. Counts are not rounded to whole weights.

    Parameters
    ----------
    total : float
        At least 0, less than 1.
    rounds : int
        At least 1.

    Returns
    -------
    float
        The share of the survivors that each round drops.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1. Its formula for this rate is a slip: work it out.
    """
    raise NotImplementedError


EXAMPLES = [
    case("several rounds", total=0.9, rounds=5),
    case("several rounds", total=0.36, rounds=2),
    case("one round, or nothing to prune", total=0.75, rounds=1),
    case("one round, or nothing to prune", total=0.0, rounds=4),
]
