"""The loss of a language model."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def lm_loss(logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Average the cross-entropy of next-token prediction over the tokens that count.

    Token t of a row is predicted by logits[b, t - 1], the last that have not seen it. A row's first token has
    nothing before it: it is not scored, whatever its mask says.

    Parameters
    ----------
    logits : Tensor, shape (B, T, V), float32
        logits[b, t] is computed from the tokens 0 to t of row b.
    ids : Tensor, shape (B, T), int64
        Every id is from 0 to V - 1, also where the mask is 0.
    mask : Tensor, shape (B, T), int64
        1 where the token ids[b, t] counts, 0 where it does not, being a pad or a part of the prompt. Rows count
        different numbers of tokens, a row may count none. At least one token of the batch is scored.

    Returns
    -------
    Tensor, shape (), float32
        The mean over all scored tokens of the batch of -log p(token), natural logarithm.

    Source: Radford et al. 2019 (GPT-2), section 2; transformers marks tokens that do not count by the label -100.
    """
    raise NotImplementedError


def _example(group: str, V: int, mask: list[list[int]]) -> Case:
    rng = torch.Generator().manual_seed(V)
    B, T = len(mask), len(mask[0])
    return case(
        group,
        logits=2 * torch.randn(B, T, V, generator=rng),
        ids=torch.randint(0, V, (B, T), generator=rng),
        mask=torch.tensor(mask),
    )


EXAMPLES = [
    _example("prompt and answer", 5, [[0, 0, 1, 1, 0], [0, 0, 0, 1, 1], [0, 1, 0, 0, 0]]),
    _example("first tokens have the mask 1", 4, [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0]]),
]
