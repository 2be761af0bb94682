"""Place the sixteen levels of NF4."""

from torch import Tensor

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def nf4_levels(offset: float) -> Tensor:
    """Compute the sixteen values that a 4-bit NormalFloat code can stand for.

    Let Q be the quantile function of the standard normal distribution.

    - Positive levels: take 9 evenly spaced probabilities from 1/2 to offset, both included. The 8 above 1/2
      give the levels Q(p).
    - Negative levels: take 8 evenly spaced probabilities from 1/2 to offset, both included. The 7 above 1/2
      give the levels -Q(p).
    - Zero is a level, exactly.
    - Divide all sixteen by the largest.

    Parameters
    ----------
    offset : float
        The outermost probability, between 1/2 and 1. It cannot be 1, where Q is infinite. NF4 takes the mean
        of 1 - 1/30 and 1 - 1/32.

    Returns
    -------
    Tensor, shape (16,), float32
        Ascending, from -1 to 1.

    Source: Dettmers et al. 2023 (arXiv:2305.14314), section 3, as the authors' code computes it.
    """
    raise NotImplementedError


EXAMPLES = [
    case("the levels of NF4", offset=1 - (1 / 30 + 1 / 32) / 2),
    case("another offset", offset=0.875),
]
