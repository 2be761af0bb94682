"""Continue a batch of prompts."""

import torch
from torch import Tensor, nn

from autograder.exercise import Case, Tolerance, case, observe_call
from course.common.tiny_models import tiny_gpt2

POINTS = 4
MINUTES = 25
LEVEL = 3
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def generate(model: nn.Module, ids: Tensor, mask: Tensor, steps: int, eos: int, pad: int) -> Tensor:
    """Continue every prompt of a left-padded batch greedily: each new token is the most probable one.

    A row ends with its first new token `eos`, which belongs to the result; every later place of the row holds `pad`.
    An eos in the prompt is a token like any other. Padding must not change what a prompt is continued with.

    Parameters
    ----------
    model : nn.Module
        A causal language model of transformers, here a small GPT-2: its logits depend on absolute positions.
        `model(input_ids=..., attention_mask=..., position_ids=...).logits`, with three int64 tensors of shape (B, T),
        has the shape (B, T, V). A row's tokens have the positions 0, 1, 2, ... from its first token, not from its
        first pad; a pad may have any. The model's cache (use_cache, past_key_values) may be used, its own
        `generate` is what you are to write.
    ids : Tensor, shape (B, T), int64
        Prompts of at least one token each; pads stand in front.
    mask : Tensor, shape (B, T), int64
        1 for tokens, 0 for pads.
    steps : int
        How many new tokens each row gets, pads included; at least 1.
    eos, pad : int
        May be the same id, as in GPT-2. The most probable token always leads clearly: no ties.

    Returns
    -------
    Tensor, shape (B, steps), int64
        The new tokens only. The shape holds, too, where every row ended early.

    Source: greedy decoding as in transformers, `generate(do_sample=False)`.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> Tensor:
    """Continue the prompts with a fresh model."""
    arguments = {key: value for key, value in case.inputs.items() if key != "seed"}
    return observe_call(answer, Case(case.group, {"model": tiny_gpt2(case.inputs["seed"]), **arguments}))


def _example(group: str, seed: int, prompts: list[list[int]], steps: int, eos: int, pad: int) -> Case:
    width = max(map(len, prompts))
    ids = [[pad] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return case(group, seed=seed, ids=torch.tensor(ids), mask=torch.tensor(mask), steps=steps, eos=eos, pad=pad)


EXAMPLES = [
    _example("some rows end early", 462951, [[9, 3], [5, 6, 11, 7], [3, 4, 5]], steps=5, eos=8, pad=0),
    _example("every row ends early", 730755, [[8, 9, 3], [5, 12, 11, 12]], steps=7, eos=3, pad=2),
    _example("pad and eos are the same", 221818, [[7, 8, 8, 3], [11, 4, 10], [4]], steps=5, eos=9, pad=9),
]
