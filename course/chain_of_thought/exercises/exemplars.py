"""Write a few-shot prompt with rationales."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def exemplars(demonstrations: list[tuple[str, list[int]]], query: str) -> str:
    """Build a chain-of-thought prompt: worked demonstrations, then a question to be worked in the same way.

    A demonstration takes three lines, and an empty line follows it:

        Q: start 7; plus 12; times 3; minus 40
        Steps: 19 57 17
        A: 17

    Its answer is the last of its steps. After the last demonstration and its empty line come the query's own line
    "Q: ..." and the line "Steps:", which ends the prompt: no space and no newline follow, so that the model goes on
    with the first step.

    Parameters
    ----------
    demonstrations : list of (str, list of int)
        Question and steps of each demonstration, in the order in which they are shown; possibly none. There is
        at least one step, and one space stands before each.
    query : str
        The question to be answered.

    Returns
    -------
    str

    Source: Wei et al. 2022 (arXiv:2201.11903), section 2 and figure 1.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "two demonstrations",
        demonstrations=[
            ("start 7; plus 12; times 3; minus 40", [19, 57, 17]),
            ("start 50; minus 8; times 2", [42, 84]),
        ],
        query="start 3; times 9; plus 1",
    ),
    case(
        "a demonstration of one step",
        demonstrations=[("start 6; plus 3", [9]), ("start 2; times 4; plus 90", [8, 98])],
        query="start 11; minus 5",
    ),
    case("no demonstration", demonstrations=[], query="start 8; plus 7; times 5"),
]
