"""Random models small enough to build for every case of an exercise, and shaped to expose mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

VOCABULARY = 13


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
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):
        model = LlamaForCausalLM(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "norm" in name else 0.0
            parameter.copy_(centre + 0.3 * torch.randn(parameter.shape, generator=generator))
    return model
