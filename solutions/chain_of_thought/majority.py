"""Answer to chain_of_thought.majority."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "How many of the n samples are right is a binomial variable. Which of its values win the vote?",
    "The vote is won from (n + 1) // 2 right samples on, up to n. Add up the probabilities of those counts.",
    "k right samples have the probability math.comb(n, k) * p**k * (1 - p) ** (n - k). Sum it for k from (n + 1) // 2 "
    "to n, n included.",
)


def majority(p, n):
    return float(sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range((n + 1) // 2, n + 1)))


def cases(rng):
    def share(low, high):
        return low + (high - low) * torch.rand((), generator=rng, dtype=torch.float64).item()

    def odd(low, high):
        return 2 * int(torch.randint(low // 2, high // 2, (), generator=rng)) + 1

    yield case("right more often than not", p=share(0.55, 0.7), n=3)
    yield case("right more often than not", p=share(0.55, 0.6), n=odd(15, 41))
    yield case("wrong more often than not", p=share(0.3, 0.45), n=odd(5, 11))
    yield case("one sample", p=share(0.2, 0.45), n=1)
    yield case("as often right as wrong", p=0.5, n=odd(5, 31))
    yield case("always or never right", p=1.0, n=odd(3, 11))
    yield case("always or never right", p=0.0, n=odd(3, 11))


@right
def one_vote_at_a_time(p, n):
    counts = torch.tensor([1.0], dtype=torch.float64)
    for _ in range(n):
        grown = torch.zeros(len(counts) + 1, dtype=torch.float64)
        grown[:-1] += (1 - p) * counts
        grown[1:] += p * counts
        counts = grown
    return counts[(n + 1) // 2 :].sum().item()


@right
def one_minus_the_lost_votes(p, n):
    return 1 - math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n // 2 + 1))


@second_source("scipy 1.17: stats.binom.sf")
def scipy_survival(p, n):
    from scipy.stats import binom

    return float(binom.sf(n // 2, n, p))


def _counts(p, n):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


@wrong
def StartsBelowHalf(p, n):
    """A count below n / 2 was let in: of 5 votes 2 do not win. Where does the sum begin?"""
    return sum(_counts(p, n)[n // 2 :])


@wrong
def StartsTooHigh(p, n):
    """The smallest majority is missing: of 5 votes 3 already win. Where does the sum begin?"""
    return sum(_counts(p, n)[n // 2 + 2 :])


@wrong
def TakesTheBareMajority(p, n):
    """That is the probability of the narrowest victory alone: larger majorities win, too."""
    return _counts(p, n)[n // 2 + 1]


@wrong
def ApproximatesByTheNormal(p, n):
    """That is the normal approximation. It is off for few samples and undefined at p = 0 and 1: sum the exact terms."""
    return 0.5 * (1 + math.erf((n * p - n / 2) / math.sqrt(2 * n * p * (1 - p))))


@wrong
def AsksForOneRightSample(p, n):
    """That is the probability that at least one sample is right. A vote needs more than half of them."""
    return 1 - (1 - p) ** n


@wrong
def ForgetsTheOrders(p, n):
    """Each count was given the probability of a single order: which of the samples are right can vary."""
    return float(sum(p**k * (1 - p) ** (n - k) for k in range(n // 2 + 1, n + 1)))


@wrong
def ExpectsNoGain(p, n):
    """p is the share of right samples to expect. Asked is how often that share exceeds one half."""
    return p


@wrong
def CountsLostVotes(p, n):
    """That is how often the wrong answer wins the vote: p belongs to the right samples."""
    return sum(_counts(p, n)[: n // 2 + 1])


@wrong
def ForgetsTheOrdersOfLostVotes(p, n):
    """Each lost count was given the probability of a single order: which of the samples are right can vary."""
    return 1 - sum(p**k * (1 - p) ** (n - k) for k in range(n // 2 + 1))
