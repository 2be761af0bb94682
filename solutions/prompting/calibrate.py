"""Answer to prompting.calibrate."""

import numpy as np
import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "After the correction, a query that says nothing should give every label the same probability. What must each "
    "label's probability be divided by?",
    "Bring each content-free row to the sum 1 before you average the rows: dim=-1 with keepdim=True sums over labels.",
    "prior = (content_free / its row sums).mean(0). Divide p by its row sums, then by the prior, then by the row sums "
    "of the result.",
)


def calibrate(p, content_free):
    return _normalised(_normalised(p) / _prior(content_free))


def _normalised(p):
    return p / p.sum(-1, keepdim=True)


def _prior(content_free):
    return _normalised(content_free).mean(0)


def cases(rng):
    def share(n):
        return 0.1 + 0.8 * torch.rand(n, 1, generator=rng)

    def draw(group, queries, labels, m):
        p = _normalised(0.03 + torch.rand(queries, labels, generator=rng)) * share(queries)
        biased = torch.arange(1.0, labels + 1)[torch.randperm(labels, generator=rng)]
        content_free = _normalised(biased * (0.1 + torch.rand(m, labels, generator=rng))) * share(m)
        return case(group, p=p, content_free=content_free)

    yield draw("several content-free queries", 5, 3, 4)
    yield draw("several content-free queries", 3, 4, 2)
    yield draw("as many queries as labels", 3, 3, 5)
    yield draw("one content-free query", 4, 2, 1)
    zeros = draw("a label without probability", 4, 3, 2)
    zeros.inputs["p"][torch.arange(4), torch.randint(0, 3, (4,), generator=rng)] = 0
    yield zeros
    even = draw("no bias to correct", 3, 5, 2)
    yield case(even.group, p=even.inputs["p"], content_free=share(2).expand(2, 5).clone() / 5)


@right
def in_log_space(p, content_free):
    totals = torch.logsumexp(content_free.double().log(), -1, keepdim=True)
    prior = (content_free.double().log() - totals).exp().mean(0)
    return torch.softmax(p.double().log() - prior.log(), -1).float()


@right
def label_by_label(p, content_free):
    free, rows = content_free.tolist(), []
    prior = [sum(row[c] / sum(row) for row in free) / len(free) for c in range(p.shape[1])]
    for row in p.tolist():
        scores = [x / sum(row) / share for x, share in zip(row, prior, strict=True)]
        rows.append([score / sum(scores) for score in scores])
    return torch.tensor(rows)


@second_source("numpy: the paper's matrix W, the inverse of diag(prior)")
def matrix_of_the_paper(p, content_free):
    p, free = p.double().numpy(), content_free.double().numpy()
    prior = np.average(free / np.linalg.norm(free, 1, axis=1, keepdims=True), axis=0)
    W = np.linalg.inv(np.identity(len(prior)) * prior)
    scores = np.stack([np.matmul(W, row[:, None] / row.sum())[:, 0] for row in p])
    return torch.from_numpy(scores / scores.sum(1, keepdims=True)).float()


@wrong
def MultipliesByThePrior(p, content_free):
    """The prior was multiplied in, which doubles the bias: divide by it."""
    return _normalised(_normalised(p) * _prior(content_free))


@wrong
def AveragesLogProbabilities(p, content_free):
    """The prior is a mean of log-probabilities: average the probabilities of the content-free queries themselves."""
    return _normalised(_normalised(p) / _normalised(content_free).log().mean(0).exp())


@wrong
def AveragesUnevenRows(p, content_free):
    """The content-free rows were averaged as they came. Divide each by its sum first, so that all count alike."""
    return _normalised(_normalised(p) / content_free.mean(0))


@wrong
def NormalisesOverQueries(p, content_free):
    """The sums run over the queries: a row's probabilities, one for each label, should add up to 1."""
    prior = (content_free / content_free.sum(0)).mean(0)
    scores = p / p.sum(0) / prior
    return scores / scores.sum(0)


@wrong
def DoesNotRenormalise(p, content_free):
    """The rows do not add up to 1 after the division by the prior: divide them by their sums once more."""
    return _normalised(p) / _prior(content_free)


@wrong
def TakesASoftmax(p, content_free):
    """The scores went through a softmax. It keeps the label that wins but not the ratios: divide by the sum."""
    return torch.softmax(_normalised(p) / _prior(content_free), -1)


@wrong
def SubtractsThePrior(p, content_free):
    """The prior was subtracted: a share is corrected by division, and probabilities do not become negative."""
    return _normalised((_normalised(p) - _prior(content_free)).clamp(min=1e-6))


@wrong
def UsesOneContentFreeQuery(p, content_free):
    """Only the first content-free query was used: the prior is the mean over all of them."""
    return calibrate(p, content_free[:1])


@wrong
def TakesThePriorFromTheQueries(p, content_free):
    """The prior was taken from the queries themselves: what they say is not bias. It comes from content_free."""
    return calibrate(p, p)


@wrong
def SkipsTheCorrection(p, content_free):
    """The rows add up to 1, but the bias is still in them: divide by the prior, label by label."""
    return _normalised(p)
