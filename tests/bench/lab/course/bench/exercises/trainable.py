"""Count what an adapter trains."""

from collections.abc import Callable
from typing import Any

from torch import nn

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 8
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def trainable(model: nn.Module) -> tuple[int, int]:
    """Count a model's parameters.

    Parameters
    ----------
    model : nn.Module
        Here: a small GPT-2 with a LoRA adapter by peft. Its embedding and its head share one
        weight, which counts once.

    Returns
    -------
    tuple of int
        How many numbers are trained, and how many there are in all.
    """
    raise NotImplementedError


def observe(answer: Callable[..., Any], case: Case) -> Any:
    """Build the model that the case describes and show it to the answer."""
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2Config, GPT2LMHeadModel

    given = case.inputs
    sizes = {"n_embd": given["width"], "n_layer": given["layers"], "n_head": 2}
    config = GPT2Config(vocab_size=32, n_positions=16, bos_token_id=0, eos_token_id=0, **sizes)
    adapter = LoraConfig(r=given["rank"], target_modules=given["targets"], bias=given["bias"], fan_in_fan_out=True)
    return answer(get_peft_model(GPT2LMHeadModel(config), adapter))


EXAMPLES = [
    case("attention", width=16, layers=2, rank=4, targets=["c_attn"], bias="none"),
    case("biases are trained too", width=24, layers=1, rank=2, targets=["c_attn", "c_fc"], bias="all"),
]
