"""Read the answer out of a rationale."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def extract(text: str, marker: str) -> int | None:
    """Find the first integer after the last marker.

    An integer is a run of the digits 0-9, as long as possible, with its minus sign where one stands directly before
    the digits: "07" is 7, "-12" is -12, and "- 12" is 12. Any other text may stand between marker and integer.

    Parameters
    ----------
    text : str
        What a model wrote. It may hold the marker several times, once or not at all.
    marker : str
        Not empty. It counts where the text holds exactly these characters, capitals and punctuation included.

    Returns
    -------
    int or None
        None where the text does not hold the marker, and where no integer follows the last one.

    Source: the answer cleansing of Kojima et al. 2022 (arXiv:2205.11916), for one marker and integers.
    """
    raise NotImplementedError


EXAMPLES = [
    case("one marker", text="Steps: 19 57 17\nA: the residue 07, of 100\nformula: 40", marker="A:"),
    case("several markers", text="A: 57. Wait, I forgot 40.\nA: -17, not -57", marker="A:"),
    case("several markers", text="19 57\nA: 57. Minus 40, then.\nA: unsure", marker="A:"),
    case("with and without a marker", text="Start at 7. Steps: 19 57", marker="A:"),
    case("signs and leading zeros", text="19 57\nA: the residue - 12, of 100", marker="A:"),
    case("digits of another script", text="19 57\nA: ४० in Nagari, 17 in ours", marker="A:"),
    case("a marker with brackets", text="The answer (mod 100) is 83, not 17.", marker="answer (mod 100) is"),
]
