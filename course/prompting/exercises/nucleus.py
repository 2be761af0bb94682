"""Cut the distribution that a model samples from."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-6)


def nucleus(logits: Tensor, temperature: float, top_p: float) -> Tensor:
    """Compute the probabilities that nucleus (top-p) sampling draws the next token from.

    Every row is treated on its own. The softmax of its logits, divided by the temperature, gives a probability for
    each token. The nucleus is the smallest set of most probable tokens whose probabilities add up to at least
    top_p, so it holds at least one token. Its probabilities are divided by their sum; all others become 0.

    Parameters
    ----------
    logits : Tensor, shape (batch, vocabulary), float32
        Must not change.
    temperature : float
        Greater than 0.
    top_p : float
        Between 0 and 1. No set of most probable tokens adds up to exactly top_p, and no two tokens that are equally
        probable lie on different sides of the border.

    Returns
    -------
    Tensor, shape (batch, vocabulary), float32
        In the order of the vocabulary. Each row adds up to 1.

    Source: Holtzman et al. 2019 (arXiv:1904.09751), section 3.1; transformers does the same, temperature first.
    """
    raise NotImplementedError


def _example(group: str, batch: int, vocabulary: int, temperature: float, top_p: float) -> Case:
    rng = torch.Generator().manual_seed(100 * batch + vocabulary)
    return case(group, logits=1.5 * torch.randn(batch, vocabulary, generator=rng), temperature=temperature, top_p=top_p)


EXAMPLES = [
    _example("a temperature above 1", 3, 6, 1.8, 0.75),
    _example("a temperature below 1", 2, 8, 0.6, 0.9),
    case(
        "one token is enough",
        logits=torch.tensor([[0.5, 4.0, 1.0, -1.0, 0.0], [3.5, 0.0, -0.5, 1.0, 0.25]]),
        temperature=1.25,
        top_p=0.5,
    ),
]
