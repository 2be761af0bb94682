"""Find the rank at which LoRA stops being smaller."""

from fractions import Fraction

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def break_even(d_out: int, d_in: int) -> tuple[int, Fraction]:
    """Say up to which rank a LoRA update holds fewer numbers than the weight it adapts.

    Parameters
    ----------
    d_out, d_in : int
        The weight W has the shape (d_out, d_in); A is (rank, d_in) and B is (d_out, rank).

    Returns
    -------
    largest : int
        The largest rank at which A and B together hold strictly fewer numbers than W; 0 where not even
        rank 1 does.
    exact : Fraction
        The real-valued rank at which the two counts are equal, exact.

    Source: follows from the shapes in Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    raise NotImplementedError


EXAMPLES = [
    case("the counts are never equal", d_out=14336, d_in=4096),
    case("the counts can be equal", d_out=12288, d_in=12288),
    case("not even rank 1", d_out=1, d_in=768),
]
