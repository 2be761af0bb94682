"""Take the reserved strings out of untrusted text."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def strip(text: str, reserved: list[str]) -> str:
    """Delete from untrusted text every string that the prompt's own markup is made of.

    Delete the occurrence of a reserved string that starts first in the text; where several reserved strings start
    at the same place, delete the longest. Then look again from the beginning of the text that is left, until it
    holds no reserved string.

    Parameters
    ----------
    text : str
        May be empty.
    reserved : list of str
        In any order, none of them empty; there may be none. They match exactly, capitals and blanks included, and
        no character in them has a special meaning.

    Returns
    -------
    str
        The text that is left, with nothing put in the place of what was deleted and all else as it was.

    Source: Chen et al. 2024 (StruQ, arXiv:2402.06363), whose front end filters data like this. It protects the form of
    the prompt; that a model ignores commands in the text that is left does not follow.
    """
    raise NotImplementedError


EXAMPLES = [
    case("a reserved string appears after a deletion", text="a<<d>d> <</d>/d>b<d></d>", reserved=["<d>", "</d>"]),
    case("a reserved string appears after a deletion", text="axybc", reserved=["xy", "ab", "bc"]),
    case("several start at the same place", text="x[INST]]y [INST] z", reserved=["[INST]", "[INST]]"]),
    case("reserved strings overlap", text="ab<|end|>>c<|end", reserved=["d|>>", "<|end|>"]),
    case("reserved strings overlap", text="<s>x</s", reserved=["s>x", "<s>"]),
    case("one reserved string inside another", text="say <<|a|>> now", reserved=["<|a|>", "<<|a|>>"]),
    case("capitals, blanks and lone brackets stay", text=" <D> a < d > d  </D> ", reserved=["<d>", "</d>"]),
]
