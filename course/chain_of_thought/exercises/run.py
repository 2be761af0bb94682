"""Work out a chain of arithmetic step by step."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 8
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def run(start: int, ops: list[tuple[str, int]], mod: int) -> list[int]:
    """List the start and every value that a chain of arithmetic passes through, modulo `mod`.

    "start 7; plus 12; times 3; minus 40" modulo 100 starts at 7 and passes through 19, 57 and 17. A chain is read from
    left to right: each operation takes the value before it, and no operation comes before another.

    Parameters
    ----------
    start : int
        May lie outside 0..mod-1.
    ops : list of (str, int)
        ("plus", m), ("minus", m) and ("times", m) with m >= 0, or ("square", 0), whose number means nothing.
        The list may be empty.
    mod : int
        At least 2.

    Returns
    -------
    list of int
        The residue of the start, then the residue after each operation: len(ops) + 1 numbers, all of them
        in 0..mod-1. The course model writes the same numbers, without the first, as its steps.

    Source: the chains of this lab; written steps are what Wei et al. 2022 (arXiv:2201.11903) call a chain of thought.
    """
    raise NotImplementedError


EXAMPLES = [
    case("plus, minus and times", start=7, ops=[("plus", 12), ("times", 3), ("minus", 40)], mod=100),
    case("below zero", start=5, ops=[("minus", 9), ("times", 3), ("square", 0), ("minus", 30)], mod=100),
    case("a start outside the residues", start=-31, ops=[("plus", 58), ("square", 0), ("times", 7)], mod=23),
]
