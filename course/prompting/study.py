"""What a model reads out of examples and a task's name, and what the way of decoding changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random

import torch
from torch import Tensor

from course.model import data, tasks
from course.model.data import HELD_OUT_SEED
from course.model.generation import beginning
from course.prompting.asker import Asker

Pairs = list[tuple[str, str]]
SHOTS = (0, 1, 2, 4, 8)
TEMPERATURES, TOP_PS = (0.5, 1.0, 1.5, 2.0, 3.0), (1.0, 0.9)


# Episodes: pairs whose last one is asked for


def fresh_mappings(rng: Random, pairs: int, count: int) -> list[Pairs]:
    """Episodes of a mapping that was made for each: it stands nowhere else, in no training text."""
    return [data.fresh_pairs(rng, pairs) for _ in range(count)]


def compositions(rng: Random, pairs: int, count: int) -> list[Pairs]:
    """Episodes of two tasks, one after the other, in compositions that no training text holds."""
    return [_examples(rng, rng.choice(tasks.HELD_OUT), pairs) for _ in range(count)]


def _examples(rng: Random, names: str, count: int) -> Pairs:
    return tasks.examples(tasks.named(names), lambda: tasks.word(rng), count)


# Reading: what the model gives to a text that stands there


@torch.no_grad()
def surprise(asker: Asker, few_shot: Callable, span_logp: Callable, items: int, pairs: int = 9) -> Tensor:
    """Log-probability of every answer of an episode, for each token of it, given all that stands before.

    One pass over an episode gives its answers after 0, 1, 2 and more examples.

    Returns
    -------
    Tensor, shape (items, pairs), float32, on the CPU
    """
    rows = []
    for episode in fresh_mappings(Random("surprise"), pairs, items):
        prompts = [few_shot(episode[:place], x, " -> ") for place, (x, _) in enumerate(episode)]
        ends = [prompt + y for prompt, (_, y) in zip(prompts, episode, strict=True)]
        whole, *parts = asker.tokenizer([ends[-1], *ends])["input_ids"]
        start = torch.tensor([len(ids) for ids in asker.ids(prompts)])
        length = torch.tensor([len(beginning([whole, part])) for part in parts]) - start
        ids = torch.tensor([whole], device=asker.device)
        logits = asker.model(ids).logits.float().expand(pairs, -1, -1)
        with asker.device:
            total = span_logp(logits, ids.expand(pairs, -1), start.to(asker.device), length.to(asker.device))
        rows.append(total.cpu() / length)
    return torch.stack(rows)


@torch.no_grad()
def bits_per_character(asker: Asker, lm_loss: Callable, texts: Sequence[str]) -> float:
    """Your `lm_loss` of texts, in bits for each character: unlike a token's loss, comparable between tokenizers."""
    bits = characters = 0.0
    for text in texts:
        ids = torch.tensor([asker.tokenizer(text)["input_ids"]], device=asker.device)
        with asker.device:
            loss = lm_loss(asker.model(ids).logits.float(), ids, torch.ones_like(ids))
        bits += loss.item() * (ids.shape[1] - 1) / math.log(2)
        characters += len(text)
    return bits / characters


def documents() -> dict[str, list[str]]:
    """Held-out text of each kind that the course model was trained on, and letters at random."""

    def of(kind: Callable[[Random], str]) -> Iterator[str]:
        rng = Random(HELD_OUT_SEED)
        while True:
            yield kind(rng)

    kinds = {
        "examples": data.episode,
        "a named task": data.named_task,
        "an input": data.order,
        "chains": data.arithmetic,
    }
    found = {name: list(itertools.islice(of(kind), 30)) for name, kind in kinds.items()}
    rng = Random(0)
    return found | {"letters at random": [tasks.word(rng, 60, 60) for _ in range(30)]}


# Asking


def right(asker: Asker, prompts: Sequence[str], answers: Sequence[str]) -> list[bool]:
    """Whether each prompt is continued by exactly its answer."""
    said = asker.complete(prompts, max(map(len, answers)) + 2)
    return [one == other for one, other in zip(said, answers, strict=True)]


def in_context(
    asker: Asker, few_shot: Callable, draw: Callable, items: int, shots: Sequence[int] = SHOTS, separator: str = " -> "
) -> dict[int, list[bool]]:
    """For each number of examples, whether the model got each episode's last pair right.

    Parameters
    ----------
    asker : Asker
    few_shot : callable
        Your prompting.few_shot.
    draw : callable
        fresh_mappings or compositions.
    items : int
        Episodes for each number of examples.
    shots : sequence of int
    separator : str
    """
    found = {}
    for count in shots:
        episodes = draw(Random(f"{draw.__name__} {count}"), count + 1, items)
        prompts = [few_shot(pairs[:-1], pairs[-1][0], separator) for pairs in episodes]
        found[count] = right(asker, prompts, [pairs[-1][1] for pairs in episodes])
    return found


# Zero-shot: the task's name, with candidates or without


def choices(rng: Random, names: str) -> tuple[str, list[str]]:
    """A word and five answers of unequal lengths: first the right one, then those of both halves and of other tasks."""
    while True:
        word, others = tasks.word(rng, 4, 7), [*names.split(), *rng.sample(list(tasks.TASKS), len(tasks.TASKS))]
        answers = dict.fromkeys([tasks.named(names)(word), *(tasks.named(other)(word) for other in others)])
        if len(answers) >= 5:
            return word, list(answers)[:5]


def specifications(asker: Asker, few_shot: Callable, rank_candidates: Callable, items: int) -> dict[str, list[bool]]:
    """How often a composition is done from both names, from examples, from both; and how often it is chosen of five.

    The model never saw one of these compositions, neither named nor shown.
    """
    rng = Random("specifications")
    drawn = [(names, *choices(rng, names)) for names in (rng.choice(tasks.HELD_OUT) for _ in range(items))]
    answers = [candidates[0] for _, _, candidates in drawn]
    zero = [f"Task: {names}\n{few_shot([], word, ' -> ')}" for names, word, _ in drawn]
    shown = [few_shot(_examples(rng, names, 2), word, " -> ") for names, word, _ in drawn]
    both = [f"Task: {names}\n{prompt}" for (names, *_), prompt in zip(drawn, shown, strict=True)]
    scored = [asker.scores(rank_candidates, prompt, own) for prompt, (*_, own) in zip(zero, drawn, strict=True)]
    return {
        "names": right(asker, zero, answers),
        "2 examples": right(asker, shown, answers),
        "names and 2 examples": right(asker, both, answers),
        "names, best of 5 by sum": [scores.argmax() == 0 for scores, _ in scored],
        "names, best of 5 by mean": [(scores / lengths).argmax() == 0 for scores, lengths in scored],
    }


# Sampling


@torch.no_grad()
def samples(
    asker: Asker, prompts: Sequence[str], nucleus: Callable, temperature: float, top_p: float, count: int, longest: int
) -> list[list[str]]:
    """Draw `count` continuations of each prompt from the distribution that your `nucleus` leaves.

    The prompts are read once, and their keys and values are copied for the samples.
    """
    rng, model = torch.Generator(asker.device).manual_seed(0), asker.model
    padded = asker.left_pad(asker.ids(prompts), asker.tokenizer.pad_token_id)
    ids, mask, positions = (part.to(asker.device) for part in padded)
    out = model(ids, attention_mask=mask, position_ids=positions, use_cache=True)
    known, new = out.past_key_values, []
    known.batch_repeat_interleave(count)
    logits, mask, position = (part.repeat_interleave(count, 0) for part in (out.logits[:, -1], mask, positions[:, -1:]))
    for _ in range(longest):
        with asker.device:
            new.append(torch.multinomial(nucleus(logits, temperature, top_p), 1, generator=rng))
        mask, position = torch.cat([mask, torch.ones_like(position)], 1), position + 1
        logits = model(new[-1], attention_mask=mask, position_ids=position, past_key_values=known).logits[:, -1]
    texts = [asker.line(row) for row in torch.cat(new, 1).tolist()]
    return [texts[start : start + count] for start in range(0, len(texts), count)]


def decoding(
    asker: Asker,
    few_shot: Callable,
    nucleus: Callable,
    prompts: int,
    shots: int = 4,
    temperatures: Sequence[float] = TEMPERATURES,
    count: int = 16,
) -> dict[tuple[float, float], tuple[Tensor, Tensor]]:
    """For each top-p and temperature, what share of a prompt's samples is right, and how many of them differ.

    Returns
    -------
    dict of (top-p, temperature) to (Tensor, Tensor), each of shape (prompts,), float32
    """
    episodes, found = fresh_mappings(Random("decoding"), shots + 1, prompts), {}
    asked = [few_shot(pairs[:-1], pairs[-1][0], " -> ") for pairs in episodes]
    for top_p, temperature in itertools.product(TOP_PS, temperatures):
        drawn = samples(asker, asked, nucleus, temperature, top_p, count, longest=8)
        hits = [own.count(pairs[-1][1]) / count for own, pairs in zip(drawn, episodes, strict=True)]
        found[top_p, temperature] = torch.tensor(hits), torch.tensor([float(len(set(own))) for own in drawn])
    return found
