"""Completions of many prompts at once, by any causal language model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = {"cpu": 128, "cuda": 2048}


@torch.no_grad()
def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    longest: int,
    stop: str = "\n",
    temperature: float = 0.0,
) -> list[str]:
    """Continue every prompt, greedily or by samples, up to a stop or the end of the text.

    Parameters
    ----------
    model : PreTrainedModel
    tokenizer : PreTrainedTokenizerBase
        Has a pad token.
    prompts : sequence of str
    longest : int
        Tokens at most.
    stop : str
        What comes from here on is cut away.
    temperature : float
        0 takes the likeliest token each time; else samples come from torch's global generator.

    Returns
    -------
    list of str
        Only what is new, without special tokens, with spaces around it taken off.
    """
    ends = [tokenizer.eos_token_id, *_single(tokenizer, stop)]
    chosen = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    size, found = BATCH[model.device.type], []
    for start in range(0, len(prompts), size):
        batch = tokenizer(list(prompts[start : start + size]), padding=True, padding_side="left", return_tensors="pt")
        given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
        out = model.generate(
            **given, max_new_tokens=longest, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id, **chosen
        )
        new = tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        found += [text.split(stop)[0].strip() for text in new]
    return found


def _single(tokenizer: PreTrainedTokenizerBase, stop: str) -> list[int]:
    ids = tokenizer.encode(stop, add_special_tokens=False)
    return ids if len(ids) == 1 else []


@torch.no_grad()
def candidate_logps(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], candidates: Sequence[str]
) -> Tensor:
    """Total log-probability of each candidate as the continuation of each prompt.

    Prompt and candidate are tokenized together, and what is scored begins where the two texts' tokens part: a
    tokenizer may merge a space into the word behind it.

    Returns
    -------
    Tensor, shape (prompts, candidates), float32, on the CPU
    """
    texts = [prompt + candidate for prompt in prompts for candidate in candidates]
    alone = [ids for ids in tokenizer(list(prompts))["input_ids"] for _ in candidates]
    size, found = BATCH[model.device.type], []
    for start in range(0, len(texts), size):
        batch = tokenizer(texts[start : start + size], padding=True, padding_side="right", return_tensors="pt")
        ids, mask = (batch[name].to(model.device) for name in ("input_ids", "attention_mask"))
        logp = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float().log_softmax(-1)
        token_logp = logp.gather(2, ids[:, 1:, None])[..., 0]
        pairs = zip(ids.tolist(), alone[start : start + size], strict=True)
        begins = [len(beginning(pair)) for pair in pairs]
        places = torch.arange(1, ids.shape[1], device=ids.device)
        scored = (places >= torch.tensor(begins, device=ids.device)[:, None]) & mask[:, 1:].bool()
        found.append((token_logp * scored).sum(1).cpu())
    return torch.cat(found).view(len(prompts), len(candidates))


def beginning(rows: Sequence[Sequence[int]]) -> list[int]:
    """What all rows begin with."""
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))]
