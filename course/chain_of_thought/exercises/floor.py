"""Find out what guessing scores."""

from autograder.exercise import Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def floor(
    train_chains: list[list[tuple[str, int]]],
    train_answers: list[int],
    test_chains: list[list[tuple[str, int]]],
    test_answers: list[int],
) -> float:
    """Give the test accuracy of a guesser that looks at nothing but the last operation of a chain.

    For every last operation, name and operand together, the guesser learns the commonest answer among the
    training chains that end in it. A test chain whose last operation never ends a training chain gets the
    commonest of all training answers. Ties go to the smallest answer. A model that does not beat this floor has
    not been shown to compute anything.

    Parameters
    ----------
    train_chains, test_chains : list of list of (str, int)
        Chains of at least one operation: [("plus", 12), ("times", 3)]. Where a chain starts is not given.
    train_answers, test_answers : list of int
        The answer of each chain, from 0 to 99. Neither list is empty.

    Returns
    -------
    float
        The share of the test chains that are guessed right.

    Source: a majority-class baseline with one feature; Holte 1993, Machine Learning 11, calls such a rule 1R.
    """
    raise NotImplementedError


PLUS, TIMES, SQUARE = ("plus", 12), ("times", 12), ("square", 0)

EXAMPLES = [
    case(
        "the last operation decides",
        train_chains=[[PLUS, SQUARE], [TIMES, SQUARE], [PLUS, SQUARE], [PLUS, TIMES], [PLUS, TIMES], [TIMES, PLUS]],
        train_answers=[25, 0, 25, 48, 48, 7],
        test_chains=[[("plus", 5), SQUARE], [TIMES, PLUS, SQUARE], [SQUARE, TIMES], [SQUARE, PLUS], [PLUS, PLUS]],
        test_answers=[25, 0, 48, 7, 0],
    ),
    case(
        "a tie",
        train_chains=[[PLUS, SQUARE], [PLUS, SQUARE], [SQUARE], [TIMES, SQUARE], [TIMES, PLUS], [("plus", 3)]],
        train_answers=[64, 36, 49, 81, 60, 49],
        test_chains=[[TIMES, SQUARE], [("minus", 3), SQUARE], [SQUARE, SQUARE], [TIMES, PLUS], *[[PLUS, SQUARE]] * 3],
        test_answers=[81, 36, 36, 49, 64, 36, 81],
    ),
    case(
        "an operation that training has not seen",
        train_chains=[[SQUARE, PLUS], [TIMES, PLUS], [TIMES], [SQUARE, TIMES], [SQUARE, TIMES]],
        train_answers=[31, 31, 24, 31, 24],
        test_chains=[[SQUARE, ("minus", 8)], [PLUS, ("plus", 8)], [PLUS, TIMES], [TIMES, PLUS], [PLUS, ("times", 9)]],
        test_answers=[24, 31, 24, 18, 31],
    ),
]
