"""Say how often a majority vote is right."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def majority(p: float, n: int) -> float:
    """Give the probability that more than half of n samples hold the right answer.

    There are two possible answers, and every sample gives the right one with probability p, independently of
    the others. This is self-consistency without its complications: with more than two answers, fewer than half
    of the votes may win.

    Parameters
    ----------
    p : float
        Between 0 and 1, both included.
    n : int
        Odd, so that no vote is tied; from 1 to 101.

    Returns
    -------
    float
        Exact up to rounding: not simulated, and no approximation for large n.

    Source: Wang et al. 2022 (arXiv:2203.11171), section 2, vote over samples; the formula is Condorcet's jury theorem.
    """
    raise NotImplementedError


EXAMPLES = [
    case("right more often than not", p=0.6, n=5),
    case("wrong more often than not", p=0.4, n=41),
    case("one sample", p=0.7, n=1),
]
