"""Write a few-shot prompt."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def few_shot(pairs: list[tuple[str, str]], query: str, separator: str) -> str:
    """Write solved demonstrations and an open query, so that a language model goes on with the query's answer.

    Every demonstration is one line: the input, the separator, the output and a newline. The query and the separator
    follow, and there the prompt ends.

    Parameters
    ----------
    pairs : list of tuple of (str, str)
        Inputs and outputs, in the order in which they appear in the prompt. May be empty (zero-shot) and may hold
        the same input more than once; every pair gets a line.
    query : str
        May also be the input of a demonstration.
    separator : str
        Stands between input and output, for example " -> ". It is inserted exactly as given, spaces included.

    Returns
    -------
    str

    Source: Brown et al. 2020 (arXiv:2005.14165), section 2 and figure 2.1.
    """
    raise NotImplementedError


EXAMPLES = [
    case("no demonstration", pairs=[], query="cheese", separator=" => "),
    case("several", pairs=[("tac", "cat"), ("nus", "sun"), ("god", "dog")], query="nep", separator=" -> "),
    case(
        "an input appears twice",
        pairs=[("bank", "river"), ("pen", "ink"), ("bank", "money")],
        query="pen",
        separator=": ",
    ),
]
