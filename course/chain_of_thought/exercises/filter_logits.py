"""Prepare logits for sampling."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 12
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-5, atol=1e-5)


def filter_logits(logits: Tensor, temperature: float, k: int) -> Tensor:
    """Apply a temperature and keep only the k largest logits of each row.

    Self-consistency samples its rationales from the softmax of what this returns.

    Parameters
    ----------
    logits : Tensor, shape (batch, vocabulary), float32
        Finite. It must not change.
    temperature : float
        Greater than 0.
    k : int
        At least 1. Where k is the size of the vocabulary or more, every logit is kept.

    Returns
    -------
    Tensor, shape (batch, vocabulary), float32
        logits / temperature; but -inf where a logit is smaller than the k-th largest of its row, counted with
        repetition: the second largest of 3, 3, 1 is 3. Logits equal to the k-th largest are all kept, so that a row
        may keep more than k.

    Source: Wang et al. 2022 (arXiv:2203.11171), section 3.1, with temperature 0.7 and k = 40; transformers'
    TemperatureLogitsWarper and TopKLogitsWarper do the same.
    """
    raise NotImplementedError


def _example(group: str, rows: list[list[int]], temperature: float, k: int) -> Case:
    return case(group, logits=torch.tensor(rows) / 4, temperature=temperature, k=k)


EXAMPLES = [
    _example("distinct logits", [[3, -8, 14, 6, -1], [-9, -2, -5, -7, 1], [20, 11, 17, 13, 16]], 0.5, 2),
    _example("ties", [[6, 2, 9, 2, 2, -4], [7, 7, -3, 5, 7, 1], [-5, -6, -5, -8, -2, -6]], 2.0, 2),
    _example("k is the vocabulary or more", [[8, -3, 4], [1, 2, -6]], 0.7, 40),
]
