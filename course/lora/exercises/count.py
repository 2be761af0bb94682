"""Count what a low-rank update trains."""

from fractions import Fraction

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def count(d_out: int, d_in: int, rank: int) -> tuple[int, Fraction]:
    """Count the trainable numbers of a LoRA update and compare them with the weight they stand in for.

    Parameters
    ----------
    d_out, d_in : int
        The weight W has the shape (d_out, d_in); the two need not be equal.
    rank : int
        The update is B A with A of shape (rank, d_in) and B of shape (d_out, rank). It has no bias.

    Returns
    -------
    trainable : int
        How many numbers A and B hold together.
    ratio : Fraction
        That count over the number of entries of W, exact.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1.
    """
    raise NotImplementedError


EXAMPLES = [
    case("a GPT-3 projection at rank 1", d_out=12288, d_in=12288, rank=1),
    case("rectangular weight", d_out=6, d_in=10, rank=3),
    case("rectangular weight", d_out=1024, d_in=4096, rank=8),
]
