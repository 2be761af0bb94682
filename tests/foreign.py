"""Causal language models of another make, saved to disk: what a learner may put in the course model's place."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course.model import data

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END = "<end>"


def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """Byte pairs for "gpt2", word pieces for "llama"; neither has a begin or a pad token.

    Both merge characters, and the first a space into the word behind it, as the usual ones do.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    options = {"vocab_size": 400, "special_tokens": [END], "initial_alphabet": alphabet, "show_progress": False}
    if kind == "gpt2":
        made, trainer = Tokenizer(models.BPE()), trainers.BpeTrainer(**options)
    else:
        made, trainer = Tokenizer(models.WordPiece(unk_token=END)), trainers.WordPieceTrainer(**options)
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(islice(data.documents(0), 150), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END)


def save(kind: str, folder: Path) -> str:
    """Save a tiny random "gpt2" or "llama" beside its tokenizer; returns the folder's path."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    made = tokenizer(kind)
    made.save_pretrained(folder)
    ids = {"vocab_size": len(made), "bos_token_id": None, "eos_token_id": made.eos_token_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "gpt2":
            model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=512, **ids))
        else:
            shape = {"hidden_size": 16, "intermediate_size": 22, "num_hidden_layers": 2, "num_attention_heads": 4}
            model = LlamaForCausalLM(LlamaConfig(**shape, num_key_value_heads=2, max_position_embeddings=512, **ids))
    model.save_pretrained(folder)
    return str(folder)
