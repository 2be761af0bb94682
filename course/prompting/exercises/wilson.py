"""Give an accuracy its error bar."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Compute the 95% Wilson score interval of a success rate, without continuity correction.

    It holds every rate q that the data do not contradict: the observed rate lies within z standard errors of q,
    where the standard error sqrt(q (1 - q) / trials) is that of q itself and z = 1.959964. Its two ends are the
    solutions of a quadratic equation; the closed form, which you may look up, serves as well.

    Parameters
    ----------
    successes : int
        From 0 to trials, both included.
    trials : int
        At least 1.

    Returns
    -------
    low : float
    high : float
        The ends of the interval, as Python floats.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    raise NotImplementedError


EXAMPLES = [
    case("some succeed", successes=7, trials=25),
    case("no success", successes=0, trials=20),
    case("all succeed", successes=12, trials=12),
]
