"""Causal language models of another make, saved to disk: what a learner may put in the course model's place."""

from __future__ import annotations

from pathlib import Path

import torch

TEXT = "Task: reverse\nabc -> cba\nQ: start 7; plus 12\nSteps: 19\nA: 19\nInput: <yes no>\nOutput: true false " * 4


def save(kind: str, folder: Path) -> str:
    """Save a tiny random "gpt2" or "llama" beside a byte-level BPE tokenizer that has no pad token; returns its place.

    The tokenizer merges a space into the word behind it, as the usual ones do.
    """
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator([TEXT], vocab_size=320, special_tokens=["<|endoftext|>"], show_progress=False)
    end = bpe.token_to_id("<|endoftext|>")
    PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
    ids = {"vocab_size": bpe.get_vocab_size(), "bos_token_id": end, "eos_token_id": end}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "gpt2":
            model = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=512, **ids))
        else:
            shape = {"hidden_size": 32, "intermediate_size": 44, "num_hidden_layers": 2, "num_attention_heads": 4}
            model = LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2, max_position_embeddings=512, **ids))
    model.save_pretrained(folder)
    return str(folder)
