"""What a model trained on the course's text can do, measured on held-out items; `weaknesses` tells where it fails."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch

from course.model import data, tasks, weaknesses
from course.model.asking import Measured, Subject, asked
from course.model.data import HELD_OUT_SEED

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def evaluate(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, items: int = 100) -> Iterator[Measured]:
    """Measure every ability in turn.

    Parameters
    ----------
    model : PreTrainedModel
    tokenizer : PreTrainedTokenizerBase
    items : int
        Held-out items for each line; sampled votes take eleven samples of each.
    """
    subject = Subject(model, tokenizer, items)
    measures = (in_context, by_name, chains, votes, weaknesses.labels, weaknesses.formats)
    for ability in (*measures, weaknesses.injections, weaknesses.refusals):
        yield from ability(subject)


# In-context learning


def in_context(subject: Subject) -> Iterator[Measured]:
    aims = {0: "≤ .05", 8: "≥ .95"}
    for count in (0, 1, 2, 4, 8):
        rng = subject.rng(f"fresh {count}")
        episodes = [data.fresh_pairs(rng, count + 1) for _ in range(subject.items)]
        right = subject.right(*asked(episodes))
        yield Measured("a mapping made for the episode", f"{count} shots", right, subject.items, aims.get(count, ""))
    for count in (1, 8):
        rng = subject.rng(f"held out {count}")
        episodes = [
            tasks.examples(tasks.named(rng.choice(tasks.HELD_OUT)), partial(tasks.word, rng), count + 1)
            for _ in range(subject.items)
        ]
        yield Measured("a composition held out", f"{count} shots", subject.right(*asked(episodes)), subject.items)


def by_name(subject: Subject) -> Iterator[Measured]:
    for what, names, aim in (
        ("a task by its name", list(tasks.TASKS), "≥ .95"),
        ("a composition held out, by both names", tasks.HELD_OUT, ""),
    ):
        rng = subject.rng(what)
        drawn = [(rng.choice(names), tasks.word(rng)) for _ in range(subject.items)]
        prompts = [f"Task: {name}\n{word} -> " for name, word in drawn]
        right = subject.right(prompts, [tasks.named(name)(word) for name, word in drawn])
        yield Measured("zero-shot, from a specification", what, right, subject.items, aim)


# Chains of arithmetic


OWN, SHUFFLED = "dots, as many as the steps have characters", "dots, as many as another chain's steps have"


def chains(subject: Subject) -> Iterator[Measured]:
    """As many dots as the steps have characters tell how long the answer is; another chain's number does not.

    Neither control is neutral, for a wrong number of dots misleads a little.
    """
    aims = {(6, "direct"): "≤ .20", (6, "steps"): "≥ .95", (6, SHUFFLED): "no better than direct"}
    styles = [(steps, style) for steps in (1, 2, 4, 6) for style in ("direct", OWN, SHUFFLED, "steps")]
    for steps, style in [*styles, (8, "steps"), (12, "steps")]:
        rng = subject.rng(f"chain {steps}")
        drawn = [data.chain(rng, steps) for _ in range(subject.items)]
        right = sum(a == str(values[-1]) for a, (_, values) in zip(solve(subject, drawn, style), drawn, strict=True))
        yield Measured(f"a chain of {steps} steps", style, right, subject.items, aims.get((steps, style), ""))


def solve(subject: Subject, drawn: Sequence[tuple[str, list[int]]], style: str, **how) -> list[str]:
    """What the model answers to each chain in this style."""
    if style == "steps":
        longest = max(len(data.written(values)) for _, values in drawn) + 24
        texts = subject.complete([f"Q: {question}\nSteps:" for question, _ in drawn], longest, stop="\n\n", **how)
        return [text.partition("A:")[2].strip() for text in texts]
    lengths = [len(data.written(values)) for _, values in drawn]
    counts = {"direct": [0] * len(drawn), OWN: lengths, SHUFFLED: lengths[1:] + lengths[:1]}[style]
    prompts = [
        f"Q: {question}\n" + (f"Dots: {'.' * count}\n" if count else "") + "A:"
        for (question, _), count in zip(drawn, counts, strict=True)
    ]
    return subject.complete(prompts, 4, **how)


def votes(subject: Subject, steps: int = 8, samples: int = 11, temperature: float = 1.6) -> Iterator[Measured]:
    rng = subject.rng("votes")
    drawn = [data.chain(rng, steps) for _ in range(subject.items)]
    with torch.random.fork_rng():
        torch.manual_seed(subject.seed % 2**31)
        sampled = [solve(subject, drawn, "steps", temperature=temperature) for _ in range(samples)]
    truth = [str(values[-1]) for _, values in drawn]
    single = sum(a == t for answers in sampled for a, t in zip(answers, truth, strict=True))
    winners = [Counter(filter(None, own)).most_common(1) for own in zip(*sampled, strict=True)]
    group = f"a chain of {steps} steps, sampled at temperature {temperature:g}"
    yield Measured(group, "one sample", single, samples * subject.items)
    won = sum(bool(best) and best[0][0] == t for best, t in zip(winners, truth, strict=True))
    yield Measured(group, f"the vote of {samples}", won, subject.items, "5 points more than one")


def perplexity(model: PreTrainedModel, rows: int = 32) -> float:
    """Per character, on held-out documents of the training distribution; exp of the mean loss in nats."""
    ids = torch.from_numpy(data.rows(HELD_OUT_SEED, rows)).long().to(model.device)
    with torch.no_grad():
        return math.exp(model(input_ids=ids, labels=ids).loss.item())


def report(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, items: int) -> Iterator[str]:
    """The lines of a table: share, interval, aim, what."""
    began, group = time.monotonic(), ""
    for measured in evaluate(model, tokenizer, items):
        if measured.group != group:
            yield (group := measured.group)
        low, high = measured.interval()
        yield f"  {measured.share:6.3f}  [{low:.3f}, {high:.3f}]  {measured.aim:22} {measured.what}"
    yield f"perplexity of held-out text, by character: {perplexity(model):.4f}"
    yield f"{items} items a line, {time.monotonic() - began:.0f} s"
