"""Ask any causal language model through the functions that you write in this lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from course.common import device as devices
from course.model import load
from course.model.generation import beginning

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LOGITS_AT_ONCE = 2**27  # as many numbers as half a GiB holds


class Remembering(nn.Module):
    """A model that computes only the last column of a batch when it has just seen the others.

    `generate` gives all tokens again for every new one. This wrapper keeps their keys and values, so that a step costs
    one token and not the whole prompt; what it returns is the same.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model, self.seen, self.kept, self.logits = model, None, None, None

    def forward(self, input_ids: Tensor, attention_mask=None, position_ids=None, **how):
        if how:
            return self.model(input_ids, attention_mask=attention_mask, position_ids=position_ids, **how)
        given = [input_ids, attention_mask, position_ids]
        if goes_on := self.seen is not None and _extends(given, self.seen):
            input_ids, position_ids = (None if part is None else part[:, -1:] for part in given[::2])
        out = self.model(
            input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=self.kept if goes_on else None,
            use_cache=True,
        )
        self.logits = torch.cat([self.logits, out.logits], 1) if goes_on else out.logits
        self.seen, self.kept = [None if part is None else part.clone() for part in given], out.past_key_values
        return SimpleNamespace(logits=self.logits)


def _extends(given: list[Tensor | None], seen: list[Tensor | None]) -> bool:
    """Whether each tensor is the earlier one with one more column."""
    return all(
        before is None if now is None else before is not None and torch.equal(now[:, :-1], before)
        for now, before in zip(given, seen, strict=True)
    )


@dataclass(frozen=True)
class Asker:
    """A model, its tokenizer, and your functions `left_pad` and `generate`, without which it only reads."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    left_pad: Callable | None = None
    generate: Callable | None = None

    @property
    def device(self) -> torch.device:
        return self.model.device

    def items(self, few: int, many: int = 1000) -> int:
        """How many items a measurement takes: few on a CPU, many on a GPU."""
        return many if self.device.type == "cuda" else few

    @cached_property
    def by_character(self) -> bool:
        text = "this line -> another"
        return len(self.tokenizer.encode(text, add_special_tokens=False)) == len(text)

    def ids(self, prompts: Sequence[str]) -> list[list[int]]:
        """Tokens of each prompt that stay what they are whatever follows.

        Where tokens are pieces of words, the blank before a word belongs to it: at a prompt's end it is left to the
        model.
        """
        return self.tokenizer([p if self.by_character else p.rstrip(" ") for p in prompts])["input_ids"]

    @torch.no_grad()
    def complete(self, prompts: Sequence[str], longest: int) -> list[str]:
        """Continue every prompt greedily by your `generate`, up to the end of the line.

        Parameters
        ----------
        prompts : sequence of str
        longest : int
            Tokens at most.

        Returns
        -------
        list of str
            Only what is new, without spaces around it.
        """
        stop, pad, texts = self.stop, self.tokenizer.pad_token_id, []
        for rows in self._batches(self.ids(prompts), longest):
            ids, mask, _ = (part.to(self.device) for part in self.left_pad(rows, pad))
            with self.device:  # a tensor that `generate` makes without naming a device belongs there, too
                new = self.generate(Remembering(self.model), ids, mask, longest, stop, pad)
            texts += [self.line(row) for row in new.tolist()]
        return texts

    @property
    def stop(self) -> int:
        """The token of a line's end, where there is one; else that of the text's end."""
        ids = self.tokenizer.encode("\n", add_special_tokens=False)
        return ids[0] if len(ids) == 1 else self.tokenizer.eos_token_id

    def line(self, ids: list[int]) -> str:
        """The text of new tokens up to the end of the line or of the text."""
        end = self.tokenizer.eos_token_id
        ids = ids[: ids.index(end)] if end in ids else ids
        return self.tokenizer.decode(ids, skip_special_tokens=True).lstrip(" ").split("\n")[0].strip()

    def _batches(self, rows: list[list[int]], more: int) -> Iterator[list[list[int]]]:
        width = max(map(len, rows)) + more
        size = max(1, LOGITS_AT_ONCE // (width * self.model.config.vocab_size))
        yield from (rows[start : start + size] for start in range(0, len(rows), size))

    @torch.no_grad()
    def label_probabilities(self, prompts: Sequence[str], labels: Sequence[str]) -> Tensor:
        """Probability of each label's first token that the others do not share, as the prompts' next token.

        What all prompts begin with is computed once.

        Returns
        -------
        Tensor, shape (prompts, labels), float32, on the CPU
        """
        texts = [prompt + label for prompt in prompts for label in labels]
        ids, count = self.tokenizer(texts)["input_ids"], len(labels)
        groups = [ids[start : start + count] for start in range(0, len(ids), count)]
        contexts = [beginning(group) for group in groups]
        own = torch.tensor([[row[len(c)] for row in g] for g, c in zip(groups, contexts, strict=True)])
        return self._next(contexts).softmax(1).cpu().gather(1, own)

    @torch.no_grad()
    def scores(self, rank_candidates: Callable, prompt: str, candidates: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Score candidates by your `rank_candidates`, and count their tokens.

        Prompt and candidate are tokenized together and then parted where all of them still agree.

        Returns
        -------
        scores : Tensor, shape (candidates,), float32, on the CPU
        lengths : Tensor, shape (candidates,), int64
        """
        joined = self.tokenizer([prompt + candidate for candidate in candidates])["input_ids"]
        shared = min(len(beginning([*self.ids([prompt]), *joined])), min(map(len, joined)) - 1)
        with self.device:
            own = [torch.tensor(ids[shared:]) for ids in joined]
            scores = rank_candidates(self.model, torch.tensor(joined[0][:shared]), own, self.tokenizer.pad_token_id)
        return scores.float().cpu(), torch.tensor([len(ids) for ids in own])

    def _next(self, contexts: list[list[int]]) -> Tensor:
        """Logits of the token after each context, shape (contexts, vocabulary)."""
        shared = len(beginning(contexts))
        shared = min(shared, min(map(len, contexts)) - 1)
        tails = [torch.tensor(context[shared:], device=self.device) for context in contexts]
        batch = pad_sequence(tails, batch_first=True, padding_value=self.tokenizer.pad_token_id)
        lengths = torch.tensor([len(tail) for tail in tails], device=self.device)
        mask = torch.arange(shared + batch.shape[1], device=self.device) < shared + lengths[:, None]
        known = None
        if shared:
            first = torch.tensor([contexts[0][:shared]], device=self.device)
            known = self.model(first, use_cache=True, logits_to_keep=1).past_key_values
            known.batch_repeat_interleave(len(contexts))
        logits = self.model(batch, attention_mask=mask.long(), past_key_values=known).logits
        return logits[torch.arange(len(contexts)), lengths - 1].float()


def asker(name: str, left_pad: Callable | None = None, generate: Callable | None = None) -> Asker:
    """Load a model by its name and put it on a GPU, if there is one.

    Parameters
    ----------
    name : str
        "large", "small", a folder, or the name of a causal language model on the Hugging Face Hub.
    left_pad, generate : callable or None
        Your prompting.left_pad and prompting.generate, with which prompts are continued.
    """
    return Asker(*load(name, devices.best()), left_pad, generate)
