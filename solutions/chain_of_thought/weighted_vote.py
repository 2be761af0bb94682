"""Answer to chain_of_thought.weighted_vote."""

import math
from statistics import fmean

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Compute one weight for each sample first. Which of the three comes first: the mean, the exponential or the sum?",
    "Mean over the tokens of one sample, then exp, then a sum over the samples of one answer. Nothing is divided by "
    "the number of samples.",
    "scores = {}; for each answer and its list l: scores[answer] = scores.get(answer, 0) + math.exp(sum(l) / len(l)). "
    "Return max(scores, key=scores.get).",
)


def _weight(tokens):
    return math.exp(sum(tokens) / len(tokens))


def _by_answer(answers, weights):
    """Gather the weights of each answer's samples; answers in order of their first sample."""
    gathered = {}
    for answer, weight in zip(answers, weights, strict=True):
        gathered.setdefault(answer, []).append(weight)
    return gathered


def _largest(scores):
    return max(scores, key=scores.get)


def _best(answers, weights, total=sum):
    return _largest({answer: total(group) for answer, group in _by_answer(answers, weights).items()})


def weighted_vote(answers, logps):
    return _best(answers, [_weight(tokens) for tokens in logps])


def cases(rng):
    def tokens(mean, length):
        # So little noise that no score comes near another's.
        return [mean * (0.95 + 0.1 * x) for x in torch.rand(length, generator=rng).tolist()]

    def draw(group, *samples):
        # Each sample is (the number of its answer, the lengths that it may have, the means of parts of equal length).
        names = (torch.randperm(99, generator=rng) + 1).tolist()
        answers, logps = [], []
        for i in torch.randperm(len(samples), generator=rng).tolist():
            number, (low, high), *means = samples[i]
            length = int(torch.randint(low, high + 1, (), generator=rng))
            answers.append(names[number])
            logps.append([logp for mean in means for logp in tokens(mean, length)])
        return case(group, answers=answers, logps=logps)

    some, long, short = (2, 5), (8, 9), (2, 2)
    yield draw("long and short rationales", *[(0, long, -0.2)] * 3, *[(1, short, -0.4)] * 2)
    yield draw("long and short rationales", *[(0, long, -0.25)] * 2, (1, short, -0.5))
    yield draw("many samples against a sure one", *[(0, some, -0.7)] * 3, (1, some, -0.05))
    yield draw("sure and unsure samples", *[(0, some, -0.1)] * 2, *[(1, some, -0.9)] * 3)
    unequal = [(1, some, -0.02), (1, some, -3.0)]
    yield draw("sure and unsure samples", *[(0, some, -0.8)] * 3, *unequal, (2, some, -0.3))
    yield draw("sure and unsure samples", *[(0, some, -0.4)] * 3, *[(1, some, -0.1)] * 2, (2, some, -0.15))
    yield draw("a sure last token", *[(0, some, -0.4)] * 2, *[(1, some, -2.0, -0.05)] * 2)
    surprised = (1, (1, 2), -0.02, -0.03, -0.02, -4.0)
    yield draw("tokens that the model did not expect", *[(0, some, -0.3)] * 2, *[surprised] * 3)


@right
def scattered_in_float64(answers, logps):
    weights = torch.stack([torch.tensor(tokens, dtype=torch.float64).mean().exp() for tokens in logps])
    names, index = torch.tensor(answers).unique(return_inverse=True)
    scores = torch.zeros(len(names), dtype=torch.float64).index_add(0, index, weights)
    return names[scores.argmax()].item()


@right
def roots_of_products(answers, logps):
    def score(name):
        own = [tokens for answer, tokens in zip(answers, logps, strict=True) if answer == name]
        return sum(math.prod(math.exp(logp) for logp in tokens) ** (1 / len(tokens)) for tokens in own)

    return max(answers, key=score)


@right
def log_of_the_score(answers, logps):
    means = _by_answer(answers, [torch.tensor(tokens).mean() for tokens in logps])
    return _largest({answer: torch.stack(group).logsumexp(0).item() for answer, group in means.items()})


@second_source("scipy 1.17: stats.gmean of the tokens' probabilities")
def scipy_geometric_mean(answers, logps):
    import numpy as np
    from scipy.stats import gmean

    return _best(answers, [gmean(np.exp(tokens)) for tokens in logps])


@wrong
def SumsTheLogProbs(answers, logps):
    """The log-probabilities of a sample were added, not averaged, so that long rationales hardly count. In the paper
    that costs 14 points: 59.9 percent for 74.1."""
    return _best(answers, [math.exp(sum(tokens)) for tokens in logps])


@wrong
def AveragesPerAnswer(answers, logps):
    """The weights of an answer were averaged: then one sure sample beats any number of votes. Their sum counts. In the
    paper the average gives 22.1 percent."""
    return _best(answers, [_weight(tokens) for tokens in logps], fmean)


@wrong
def SumsWithoutExp(answers, logps):
    """Mean log-probabilities were added up. They are negative, so that every further vote makes an answer weaker."""
    return _best(answers, [fmean(tokens) for tokens in logps])


@wrong
def CountsVotes(answers, logps):
    """The samples had equal weights: that is the plain vote, which ignores the log-probabilities."""
    return _best(answers, [1] * len(answers))


@wrong
def TakesTheSurestSample(answers, logps):
    """The answer of the single most probable sample was taken. Add the weights of all samples with the same answer."""
    return _best(answers, [_weight(tokens) for tokens in logps], max)


@wrong
def AveragesTheProbabilities(answers, logps):
    """The probabilities of the tokens were averaged, so that one very improbable token hardly shows. Average their
    logarithms, then take exp."""
    return _best(answers, [fmean(math.exp(logp) for logp in tokens) for tokens in logps])


@wrong
def WeighsByPerplexity(answers, logps):
    """The exponent has the wrong sign: exp of minus the mean is the perplexity, which is large where the model is
    unsure."""
    return _best(answers, [1 / _weight(tokens) for tokens in logps])


@wrong
def WeighsByTheLastToken(answers, logps):
    """Only the last token of each sample was weighed. The steps before it tell whether the model was sure: take all."""
    return _best(answers, [math.exp(tokens[-1]) for tokens in logps])
