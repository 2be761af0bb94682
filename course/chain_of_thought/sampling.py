"""Many rationales for each question: drawn in batches with your `filter_logits`, then voted on and looked into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course.chain_of_thought.study import out_of
from course.model.asking import Measured, Subject
from course.model.generation import BATCH

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STOP = "\n\n"
NUMBERS_KEPT = 2**28  # of the logits of one batch, which stay until all its tokens are drawn: 1 GiB


@dataclass(frozen=True)
class Sample:
    """What a model wrote, and the log-probability of each of its tokens at temperature 1."""

    text: str
    logps: list[float]


@torch.no_grad()
def sample(
    asked: Subject, prompts: Sequence[str], count: int, filter_logits: Callable, temperature: float, longest: int,
    k: int = 40, seed: int = 0,
) -> list[list[Sample]]:  # fmt: skip
    """Draw continuations of every prompt up to an empty line or the end of the text.

    Parameters
    ----------
    asked : Subject
    prompts : sequence of str
    count : int
        Continuations of each prompt.
    filter_logits : callable
        Your own: tokens are drawn from the softmax of what it returns.
    temperature : float
    longest : int
        Tokens at most.
    k : int
        How many tokens your `filter_logits` keeps.
    seed : int

    Returns
    -------
    list of list of Sample
        `count` samples for each prompt.
    """
    repeated = [prompt for prompt in prompts for _ in range(count)]
    size = max(1, min(BATCH[asked.model.device.type], NUMBERS_KEPT // (asked.model.config.vocab_size * longest)))
    warp, found = partial(_warped, filter_logits, temperature, k), []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for start in range(0, len(repeated), size):
            found += _draw(asked, repeated[start : start + size], longest, warp)
    return [found[start : start + count] for start in range(0, len(found), count)]


def _warped(filter_logits: Callable, temperature: float, k: int, _: Tensor, logits: Tensor) -> Tensor:
    return filter_logits(logits, temperature, k)


def _draw(asked: Subject, prompts: list[str], longest: int, warp: Callable[[Tensor, Tensor], Tensor]) -> list[Sample]:
    from transformers import LogitsProcessorList

    tokenizer, device = asked.tokenizer, asked.model.device
    batch = tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt")
    given = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
    out = asked.model.generate(
        **given, max_new_tokens=longest, do_sample=True, top_k=0, logits_processor=LogitsProcessorList([warp]),
        pad_token_id=tokenizer.pad_token_id, stop_strings=[STOP], tokenizer=tokenizer,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    logps = asked.model.compute_transition_scores(out.sequences, out.logits, normalize_logits=True).cpu()
    new = out.sequences[:, given["input_ids"].shape[1] :].cpu()
    ended = (new == tokenizer.pad_token_id) | (new == tokenizer.eos_token_id)
    lengths = (ended.cumsum(1) == 0).sum(1).tolist()
    return [_cut(tokenizer, *row) for row in zip(new, logps, lengths, strict=True)]


def _cut(tokenizer: PreTrainedTokenizerBase, tokens: Tensor, logps: Tensor, length: int) -> Sample:
    """Leave out the tokens that only end the text: whether another question follows is no part of a rationale."""
    text = tokenizer.decode(tokens[:length]).split(STOP)[0]
    while length > 1 and tokenizer.decode(tokens[: length - 1]).startswith(text):
        length -= 1
    return Sample(text, logps[: max(length, 1)].tolist())


def generator(prompts: Sequence[str], drawn: Sequence[Sequence[Sample]], first: int = 0) -> Callable[[str, int], str]:
    """A `generate` for your `solve`: looks up the sample of a seed, counted from `first`."""
    known = dict(zip(prompts, drawn, strict=True))
    return lambda prompt, seed: known[prompt][first + seed].text


def votes(
    solved: Callable[[str, int], tuple[int | None, float]], questions: Sequence[str], answers: Sequence[int],
    counts: Sequence[int],
) -> dict[int, Measured]:  # fmt: skip
    """How many questions the vote of each number of samples answers right.

    Parameters
    ----------
    solved : callable
        solved(question, samples) gives answer and agreement, as your `solve` does once it has its `generate`.
    questions : sequence of str
    answers : sequence of int
    counts : sequence of int
        Numbers of samples.
    """
    pairs = list(zip(questions, answers, strict=True))
    return {n: out_of(sum(solved(question, n)[0] == answer for question, answer in pairs), len(pairs)) for n in counts}
