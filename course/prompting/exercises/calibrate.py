"""Calibrate before use."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-6)


def calibrate(p: Tensor, content_free: Tensor) -> Tensor:
    """Correct label probabilities for the bias that a prompt has before it has seen a query.

    The bias is measured with queries that say nothing ("N/A", "[MASK]", the empty string). A label's prior is the
    mean of its probability over these, after each of their rows was divided by its sum. The rows of p are divided
    by their sums, too, then by the prior, label by label, and again by their sums.

    Parameters
    ----------
    p : Tensor, shape (queries, labels), float32
        What the model gave each label as the next token. The rest of the vocabulary took its share, so a row adds
        up to less than 1. An entry may be 0, a row is never all 0.
    content_free : Tensor, shape (m, labels), float32
        The same for m >= 1 content-free queries. All entries are above 0.
        Neither tensor must change.

    Returns
    -------
    Tensor, shape (queries, labels), float32
        Each row adds up to 1.

    Source: Zhao et al. 2021 (arXiv:2102.09690), section 5. Two details are free and settled here: the paper ends with
    a softmax, which leaves the winning label the same, and its code averages the content-free rows as they come.
    """
    raise NotImplementedError


def _example(group: str, queries: int, labels: int, m: int) -> Case:
    rng = torch.Generator().manual_seed(100 * queries + 10 * labels + m)
    p, content_free = (0.02 + torch.rand(n, labels, generator=rng) for n in (queries, m))
    # How much of the vocabulary's probability falls on the labels differs from row to row.
    shares = [(torch.linspace(0.15, 0.9, n) ** 2)[:, None] / labels for n in (queries, m)]
    return case(group, p=p * shares[0], content_free=content_free * shares[1])


EXAMPLES = [
    _example("several content-free queries", 3, 2, 4),
    _example("several content-free queries", 4, 3, 2),
    case(
        "one content-free query",
        p=torch.tensor([[0.3, 0.2], [0.45, 0.05], [0.0, 0.25]]),
        content_free=torch.tensor([[0.45, 0.15]]),
    ),
]
