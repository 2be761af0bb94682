"""Answer to chain_of_thought.pass_at_k."""

import math
from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The opposite is easier to count: none of the k samples that were picked is right.",
    "There are math.comb(n, k) ways to pick k of the n samples. How many of them pick from the wrong samples only?",
    "The estimate is 1 - math.comb(n - c, k) / math.comb(n, k). math.comb gives 0 where too few samples are wrong.",
)


def pass_at_k(n, c, k):
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    yield case("some are right", n=draw(20, 30), c=draw(5, 8), k=draw(3, 6))
    yield case("some are right", n=draw(10, 16), c=draw(7, 9), k=2)
    n, k = draw(9, 14), draw(4, 7)
    yield case("fewer than k are wrong", n=n, c=n - k + 1, k=k)
    yield case("none is right", n=draw(6, 12), c=0, k=draw(2, 5))
    n = draw(6, 12)
    yield case("all are right", n=n, c=n, k=n - draw(1, 4))
    yield case("one is drawn", n=draw(11, 15), c=draw(3, 6), k=1)
    yield case("two hundred samples", n=200, c=draw(2, 5), k=draw(60, 101))


@right
def stable_product(n, c, k):
    if n - c < k:
        return 1.0
    return 1 - torch.prod(1 - k / torch.arange(n - c + 1, n + 1, dtype=torch.float64)).item()


@right
def one_draw_after_the_other(n, c, k):
    none_right = Fraction(1)
    for drawn in range(k):
        none_right *= Fraction(max(n - c - drawn, 0), n - drawn)
    return float(1 - none_right)


@right
def sum_over_right_ones(n, c, k):
    return sum(math.comb(c, i) * math.comb(n - c, k - i) for i in range(1, k + 1)) / math.comb(n, k)


@second_source("scipy 1.17: stats.hypergeom.sf")
def scipy_survival(n, c, k):
    from scipy.stats import hypergeom

    return float(hypergeom.sf(0, n, c, k))


@wrong
def PlugsInTheShare(n, c, k):
    """That draws with replacement, as if c / n were the true probability. It is biased: draw k of the n samples."""
    return 1 - (1 - c / n) ** k


@wrong
def FailsWhenFewAreWrong(n, c, k):
    """Where fewer than k samples are wrong, any k of them contain a right one: the estimate is 1."""
    return 1 - math.comb(n - c, k) / math.comb(n, k) if n - c >= k else 0.0


@wrong
def TakesAVote(n, c, k):
    """That is a vote: 1 where more than half of the samples are right. pass@k asks whether one of k is right."""
    return float(2 * c > n)


@wrong
def AsksThatAllPass(n, c, k):
    """That is how often all k samples are right (pass^k): at least one is enough."""
    return math.comb(c, k) / math.comb(n, k)


@wrong
def IgnoresK(n, c, k):
    """c / n is pass@1: the more samples are drawn, the likelier one of them is right."""
    return c / n


@wrong
def MultipliesByK(n, c, k):
    """k * c / n is how many right samples to expect, not how often there is at least one."""
    return min(1.0, k * c / n)


@wrong
def ForgetsTheComplement(n, c, k):
    """That is how often none of the k samples is right: subtract it from 1."""
    return math.comb(n - c, k) / math.comb(n, k)


@wrong
def AsksForExactlyOne(n, c, k):
    """That is how often exactly one of the k samples is right: two or more count as well."""
    return c * math.comb(n - c, k - 1) / math.comb(n, k)


@wrong
def AsksThatOneFails(n, c, k):
    """That is how often at least one of the k samples is wrong: the opposite of "one is right" is another event."""
    return 1 - math.comb(c, k) / math.comb(n, k)
