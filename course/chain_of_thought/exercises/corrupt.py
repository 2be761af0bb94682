"""Plant a mistake in a rationale."""

from autograder.exercise import Tolerance, case

POINTS = 3
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def corrupt(ops: list[tuple[str, int]], steps: list[int], index: int, shift: int, mod: int) -> tuple[list[int], int]:
    """Put one wrong step into a rationale, and say which answer a reader who relies on it must reach.

    The model is shown the steps up to and including the wrong one and goes on from there. If it gives the answer
    returned here, it used what was written; if it still gives the old answer, the rationale was for show.

    Parameters
    ----------
    ops : list of (str, int)
        The operations of the chain: ("plus", m), ("minus", m), ("times", m) or ("square", 0), each done to the
        result of the one before, modulo mod.
    steps : list of int
        The right steps, as a prompt shows them: steps[i] is the result of ops[i], from 0 to mod - 1. The number at
        which the chain starts is not among them. The list must not change.
    index : int
        Which step becomes wrong, counted from 0: it becomes steps[index] + shift, modulo mod.
    shift : int
        May be negative; never a multiple of mod.
    mod : int

    Returns
    -------
    prefix : list of int
        The steps that the model is shown: index + 1 of them, the last one wrong.
    answer : int
        The result of the whole chain when the remaining operations, done without a mistake, go on from the wrong
        step. From 0 to mod - 1. Now and then it equals the old answer.

    Source: Lanham et al. 2023 (arXiv:2307.13702), "adding mistakes".
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "a mistake half way",
        ops=[("plus", 12), ("times", 3), ("minus", 40), ("times", 7)],
        steps=[19, 57, 17, 19],
        index=1,
        shift=5,
        mod=100,
    ),
    case(
        "the step wraps around",
        ops=[("minus", 20), ("square", 0), ("plus", 9), ("times", 6)],
        steps=[95, 25, 34, 4],
        index=0,
        shift=8,
        mod=100,
    ),
    case(
        "the step wraps around",
        ops=[("times", 9), ("minus", 2)],
        steps=[3, 1],
        index=0,
        shift=-5,
        mod=100,
    ),
    case(
        "the last step",
        ops=[("times", 4), ("plus", 30)],
        steps=[24, 54],
        index=1,
        shift=-7,
        mod=60,
    ),
    case(
        "two roads to one answer",
        ops=[("times", 3), ("times", 5), ("plus", 8)],
        steps=[21, 5, 13],
        index=0,
        shift=40,
        mod=100,
    ),
]
