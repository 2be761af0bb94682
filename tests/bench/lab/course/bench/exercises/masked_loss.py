"""Average the loss over the labels that count."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 12
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def masked_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute a causal language model's loss.

    Parameters
    ----------
    logits : Tensor, shape (batch, length, vocabulary), float32
        The prediction at position t is for the label at t + 1; the last one is for nothing.
    labels : Tensor, shape (batch, length), int64
        A label of -100 is left out. At least one label after the first position counts.

    Returns
    -------
    Tensor, shape (), float32
        The mean cross-entropy over all labels of the batch that count.
    """
    raise NotImplementedError


def _example(group: str, batch: int, length: int, vocabulary: int, masked: list[int]) -> Case:
    rng = torch.Generator().manual_seed(length * vocabulary)
    labels = torch.randint(0, vocabulary, (batch, length), generator=rng)
    for row, count in enumerate(masked):
        labels[row, :count] = -100
    return case(group, logits=torch.randn(batch, length, vocabulary, generator=rng), labels=labels)


EXAMPLES = [_example("prompts of two lengths", 2, 7, 5, [2, 4]), _example("nothing masked", 3, 4, 6, [])]
