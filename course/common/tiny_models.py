"""Random models small enough to build for every case of an exercise, and shaped to expose mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel, LlamaForCausalLM

VOCABULARY = 13
SPECIAL_TOKENS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}

Model = TypeVar("Model", bound=nn.Module)


def tiny_llama(seed: int, tied: bool = False) -> LlamaForCausalLM:
    """Build a random two-layer Llama in evaluation mode; about 2 ms each after the first.

    Grouped key-value heads make k_proj and v_proj (8, 16) beside a (16, 16) q_proj; the intermediate
    size is no multiple of the hidden size; every projection but the head has a bias, and no parameter
    keeps a special value such as 0 or 1. The global random state is left as it was.

    Parameters
    ----------
    seed : int
        Decides every parameter.
    tied : bool
        Whether the head is the embedding's own weight.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=22,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=tied,
        **SPECIAL_TOKENS,
    )
    return _drawn(lambda: LlamaForCausalLM(config), seed, spread=0.3)


def tiny_gpt2(seed: int) -> GPT2LMHeadModel:
    """Build a random two-layer GPT-2 in evaluation mode; a few milliseconds each after the first.

    GPT-2 learns a vector for every absolute position, so a token that is given the wrong position gets clearly other
    logits; a Llama would hide a constant shift. The head has a weight of its own, unlike that of the published GPT-2.
    The global random state is left as it was.

    Parameters
    ----------
    seed : int
        Decides every parameter.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=32,
        tie_word_embeddings=False,
        **SPECIAL_TOKENS,
    )
    return _drawn(lambda: GPT2LMHeadModel(config), seed, spread=0.5)


def _drawn(build: Callable[[], Model], seed: int, spread: float) -> Model:
    """Build a model and draw all its parameters anew: normal, around 1 where they scale a norm, else around 0."""
    with torch.random.fork_rng(devices=[]):
        model = build().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = float(name.endswith("weight") and ("norm" in name or ".ln_" in name))
            parameter.copy_(centre + spread * torch.randn(parameter.shape, generator=generator))
    return model
