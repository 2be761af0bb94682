"""Vote over sampled answers."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def vote(answers: list[int | None]) -> int | None:
    """Choose the answer that most of the sampled rationales reached.

    Parameters
    ----------
    answers : list of (int or None)
        One for each sample, in order; None where no answer could be parsed, which is no candidate. Integers may be
        zero or negative. The list may be empty.

    Returns
    -------
    int or None
        The answer with most votes; it need not have more than half of them (a plurality, not a majority). Where
        several have equally many, the one whose first vote came first. None where there is no candidate.

    Source: Wang et al. 2022 (arXiv:2203.11171), section 2. The paper leaves ties and unparsed answers open.
    """
    raise NotImplementedError


EXAMPLES = [
    case("a clear winner", answers=[12, 17, 40, None, 17]),
    case("zero wins", answers=[5, 0, None, 0, 5, 9, 0]),
    case("many were not parsed", answers=[None, 83, None, 20, 83, None]),
    case("ties", answers=[5, 2, 64, 71, 5, 2, 64, 71, 8]),
    case("ties", answers=[31, 30, 30, 31]),
    case("nothing, or one answer, was parsed", answers=[None, None]),
]
