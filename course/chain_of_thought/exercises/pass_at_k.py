"""Estimate pass@k from more samples than k."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def pass_at_k(n: int, c: int, k: int) -> float:
    """Estimate without bias how often at least one of k samples of a problem is right.

    n samples were drawn and c of them are right. The estimate is the probability that k of these n samples,
    drawn at random without putting any back, contain at least one that is right. A checker that recognises it is
    taken for granted: that is where pass@k differs from a vote.

    Parameters
    ----------
    n : int
        At least 1; up to 200.
    c : int
        0 <= c <= n.
    k : int
        1 <= k <= n.

    Returns
    -------
    float
        1.0 where fewer than k samples are wrong, 0.0 where none is right.

    Source: Chen et al. 2021 (arXiv:2107.03374), section 2.1, equation 1.
    """
    raise NotImplementedError


EXAMPLES = [
    case("some are right", n=10, c=3, k=2),
    case("fewer than k are wrong", n=8, c=6, k=3),
    case("none is right", n=7, c=0, k=4),
    case("two hundred samples", n=200, c=4, k=100),
]
