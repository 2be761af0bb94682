"""Score a part of a text."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-3)


def span_logp(logits: Tensor, ids: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Sum the log-probabilities that a causal language model gave to one span of tokens in each row.

    The span of a row is its tokens start, start + 1, ..., start + length - 1. Each is scored given all tokens before
    it. The logits are what the model returned for `ids`: logits[b, t] is computed from the tokens 0 to t of row b.

    Parameters
    ----------
    logits : Tensor, shape (B, T, V), float32
        Unnormalised. They may be far apart, so that a token's probability is too small for float32; its logarithm
        is not.
    ids : Tensor, shape (B, T), int64
    start : Tensor, shape (B,), int64
        At least 1: nothing predicts a row's first token.
    length : Tensor, shape (B,), int64
        At least 0 and start + length <= T. An empty span has the sum 0.

    Returns
    -------
    Tensor, shape (B,), float32

    Source: Brown et al. 2020 (arXiv:2005.14165), section 2.4, which compares answers by their likelihood.
    """
    raise NotImplementedError


def _example(group: str, T: int, V: int, start: list[int], length: list[int], spread: float = 2.0) -> Case:
    rng = torch.Generator().manual_seed(10 * T + V)
    B = len(start)
    return case(
        group,
        logits=spread * torch.randn(B, T, V, generator=rng),
        ids=torch.randint(0, V, (B, T), generator=rng),
        start=torch.tensor(start),
        length=torch.tensor(length),
    )


EXAMPLES = [
    _example("spans inside the rows", 6, 4, start=[1, 2, 3], length=[3, 2, 1]),
    _example("an empty span, and one up to the end", 5, 7, start=[2, 3], length=[0, 2]),
    _example("logits far apart", 6, 5, start=[2, 1], length=[3, 4], spread=200.0),
]
