"""Find the first wrong step of a rationale."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def first_error(predicted: list[int], gold: list[int]) -> int:
    """Say at which step a rationale goes wrong, whatever its answer is.

    The steps are compared place by place. Where one list ends before the other and all its steps agree, the
    first error is the first step that only the longer list has: a missing step is an error, and so is one too many.

    Parameters
    ----------
    predicted, gold : list of int
        The steps that the model wrote and those of the solution. Either may be empty. A value may occur more
        than once.

    Returns
    -------
    int
        The index of the first error, counted from 0; -1 where the lists are equal.

    Source: Lightman et al. 2023 (arXiv:2305.20050), section 2, supervise a process up to its first mistake.
    """
    raise NotImplementedError


EXAMPLES = [
    case("a wrong step, and its consequences", predicted=[19, 56, 16, 32], gold=[19, 57, 17, 34]),
    case("a wrong step, and a right answer", predicted=[19, 17, 56, 17], gold=[19, 57, 17, 17]),
    case("a list ends early", predicted=[19, 57], gold=[19, 57, 17, 34]),
    case("no error", predicted=[19, 57, 17], gold=[19, 57, 17]),
]
