"""Replace a rationale by filler of the same length."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def filler(steps: list[int], separator: str, symbol: str) -> str:
    """Write as many symbols as the written rationale has characters.

    The rationale is the steps in decimal digits without leading zeros, with the separator between any two of
    them. If a model that was trained with filler answers as well as with steps, it was the longer computation that
    helped; if not, it was what the steps say. The control is fair only when the filler has the same length and tells
    nothing about the steps but that. Where one token is one character, equal characters are equal tokens.

    Parameters
    ----------
    steps : list of int
        At least one step, none negative.
    separator : str
        At least one character.
    symbol : str
        Exactly one character.

    Returns
    -------
    str
        Consists of the symbol only.

    Source: Wei et al. 2022 (arXiv:2201.11903), section 3.3, "variable compute only"; Pfau et al. 2024
    (arXiv:2404.15758) train models on such filler.
    """
    raise NotImplementedError


EXAMPLES = [
    case("steps of one and two digits", steps=[19, 7, 57, 0], separator=" ", symbol="."),
    case("a longer separator", steps=[3, 46, 92], separator=" -> ", symbol="."),
    case("one step", steps=[64], separator=" ", symbol="_"),
]
