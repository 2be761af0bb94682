"""Let a model choose among answers."""

import torch
from torch import Tensor, nn

from autograder.exercise import Case, Tolerance, case, observe_call
from course.common.tiny_models import tiny_gpt2

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-3)


def rank_candidates(model: nn.Module, prompt: Tensor, candidates: list[Tensor], pad: int) -> Tensor:
    """Score every candidate answer by the log-probability that the model gives to it as the prompt's continuation.

    A candidate's score is the sum over all its tokens of log p(token | prompt, the candidate's earlier tokens). It is
    neither divided by the length nor normalised over the candidates.

    Parameters
    ----------
    model : nn.Module
        A causal language model of transformers, here a small GPT-2: its logits depend on absolute positions.
        `model(input_ids=..., attention_mask=..., position_ids=...).logits`, with three int64 tensors of shape (B, T),
        has the shape (B, T, V); the logits at position t are computed from the tokens up to t. The mask is 1 for
        tokens and 0 for pads. Both it and the position ids (0, 1, 2, ... from a row's first token) may be left out
        where there are no pads in front.
    prompt : Tensor, shape (T,), int64
        At least one token.
    candidates : list of Tensor, each of shape (L_i,), int64
        At least one token each. Their lengths may differ.
    pad : int
        The id to fill up with, if you put the candidates into one batch; one call for each candidate will do as well.
        It may occur inside a candidate, where it is a token like any other.

    Returns
    -------
    Tensor, shape (C,), float32
        One score for each of the C candidates, in their order.

    Source: Brown et al. 2020 (arXiv:2005.14165), section 2.4.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> Tensor:
    """Score the candidates with a fresh model."""
    arguments = {key: value for key, value in case.inputs.items() if key != "seed"}
    return observe_call(answer, Case(case.group, {"model": tiny_gpt2(case.inputs["seed"]), **arguments}))


def _example(group: str, seed: int, prompt: list[int], candidates: list[list[int]]) -> Case:
    return case(group, seed=seed, prompt=torch.tensor(prompt), candidates=[*map(torch.tensor, candidates)], pad=2)


EXAMPLES = [
    _example("unequal lengths", 1, [5, 9, 4, 7], [[3, 8, 6], [10], [4, 4, 12, 9, 1]]),
    _example("the pad id inside a candidate", 2, [11, 3, 6], [[2, 7], [8, 2, 5, 2], [2]]),
]
