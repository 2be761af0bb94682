"""Answer to prompting.wilson."""

from math import sqrt

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Both ends q solve (rate - q)**2 = z**2 q (1 - q) / trials. Order it by powers of q.",
    "The closed form is centre -+ half. The centre is the observed rate, pulled towards 1/2: add z**2 / 2 to the "
    "successes and z**2 to the trials.",
    "With n = trials and p = successes / n: half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n), and "
    "centre = (p + z**2 / (2 * n)) / (1 + z**2 / n).",
)

Z = 1.959964


def wilson(successes, trials):
    centre, half = _centre_and_half(successes, trials)
    return centre - half, centre + half


def _centre_and_half(successes, trials, z=Z):
    rate, shrink = successes / trials, 1 + z**2 / trials
    half = z * sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2)) / shrink
    return (rate + z**2 / (2 * trials)) / shrink, half


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    few, many, even = draw(8, 20), draw(300, 3000), draw(15, 40)
    yield case("some succeed", successes=draw(1, few // 3 + 1), trials=few)
    yield case("some succeed", successes=few + draw(1, 4), trials=few + 5)
    yield case("many trials", successes=draw(many // 5, many // 3), trials=many)
    yield case("half succeed", successes=even, trials=2 * even)
    yield case("no success", successes=0, trials=draw(5, 60))
    everything = draw(5, 60)
    yield case("all succeed", successes=everything, trials=everything)
    yield case("one trial", successes=draw(0, 2), trials=1)


@right
def roots_of_the_quadratic(successes, trials):
    import numpy as np

    rate, weight = successes / trials, Z**2 / trials
    low, high = sorted(np.roots([1 + weight, -2 * rate - weight, rate**2]).real)
    return float(low), float(high)


@right
def by_bisection(successes, trials):
    rate = successes / trials

    def end(inside, outside):
        for _ in range(60):
            q = (inside + outside) / 2
            if (rate - q) ** 2 <= Z**2 * q * (1 - q) / trials:
                inside = q
            else:
                outside = q
        return inside

    return end(rate, 0.0), end(rate, 1.0)


@right
def adjusted_counts(successes, trials):
    n = trials + Z * Z
    half = Z / n * sqrt(successes * (trials - successes) / trials + Z * Z / 4)
    return [(successes + Z * Z / 2) / n - half, (successes + Z * Z / 2) / n + half]


@second_source("scipy 1.17: stats.binomtest(...).proportion_ci(method='wilson')")
def scipy_wilson(successes, trials):
    return _scipy_interval(successes, trials, "wilson")


def _scipy_interval(successes, trials, method):
    from scipy.stats import binomtest

    interval = binomtest(successes, trials).proportion_ci(method=method)
    return float(interval.low), float(interval.high)


@wrong
def TakesTheWaldInterval(successes, trials):
    """That is the Wald interval, rate -+ z standard errors. With no success it has no width, as if all were known."""
    rate = successes / trials
    half = Z * sqrt(rate * (1 - rate) / trials)
    return rate - half, rate + half


@wrong
def LeavesTheCentre(successes, trials):
    """The interval is centred on the observed rate. Wilson's centre is pulled towards 1/2: its ends are not below 0."""
    half = _centre_and_half(successes, trials)[1]
    return successes / trials - half, successes / trials + half


@wrong
def TakesAgrestiCoull(successes, trials):
    """The centre is right, the width is that of Agresti and Coull, who put the centre into the Wald interval."""
    centre, n = _centre_and_half(successes, trials)[0], trials + Z**2
    half = Z * sqrt(centre * (1 - centre) / n)
    return centre - half, centre + half


@wrong
def TestsOneSide(successes, trials):
    """The interval is too narrow: z = 1.645 leaves 5% on each side. Of 95%, 2.5% lie beyond either end."""
    centre, half = _centre_and_half(successes, trials, 1.644854)
    return centre - half, centre + half


@wrong
def CorrectsForContinuity(successes, trials):
    """The interval is a little too wide: leave the continuity correction out."""
    return _scipy_interval(successes, trials, "wilsoncc")


@wrong
def TakesTheExactInterval(successes, trials):
    """That is the interval of Clopper and Pearson, made from binomial tails. It is wider than Wilson's."""
    return _scipy_interval(successes, trials, "exact")


@wrong
def SwapsTheEnds(successes, trials):
    """The ends changed places: low comes first."""
    return wilson(successes, trials)[::-1]


@wrong
def ForgetsTheDenominator(successes, trials):
    """Centre and half width must both be divided by 1 + z**2 / trials."""
    centre, half = (x * (1 + Z**2 / trials) for x in _centre_and_half(successes, trials))
    return centre - half, centre + half


@wrong
def ReturnsCentreAndHalfWidth(successes, trials):
    """Centre and half width came back: the ends are centre minus half and centre plus half."""
    return _centre_and_half(successes, trials)


@wrong
def ForgetsZ(successes, trials):
    """The interval reaches one standard error to each side, which covers 68%: for 95% it takes z of them."""
    centre, half = _centre_and_half(successes, trials, 1.0)
    return centre - half, centre + half


def _by_parts(successes, trials, pull=0.5, root=0.25, width=1.0):
    rate, share, shrink = successes / trials, Z * Z / trials, 1 + Z * Z / trials
    half = Z * sqrt(rate * (1 - rate) / trials + root * share / trials) / shrink**width
    centre = (rate + pull * share) / shrink
    return centre - half, centre + half


@wrong
def DropsTheSecondTermOfTheRoot(successes, trials):
    """Under the root z²/4n² is missing beside p(1 - p)/n. Without it the interval has no width at a rate of 0 or 1."""
    return _by_parts(successes, trials, root=0.0)


@wrong
def PullsTheCentreTwiceAsFar(successes, trials):
    """The centre is pulled too far towards one half: it is p + z²/2n, divided by 1 + z²/n."""
    return _by_parts(successes, trials, pull=1.0)


@wrong
def DividesTheCentreOnly(successes, trials):
    """The centre was divided by 1 + z²/n and the half width was not: both are."""
    return _by_parts(successes, trials, width=0.0)
