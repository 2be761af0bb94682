"""A long prompt against a copy of the same model that was fine-tuned: accuracy, tokens and seconds for each answer."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch.nn.utils.rnn import pad_sequence

from course.model import tasks
from course.prompting.asker import Asker
from course.prompting.figures import bars, count

SEPARATOR, LONGEST = " -> ", 8


def fixed_mapping() -> tuple[Callable[[Random], str], Callable[[str], str]]:
    """A substitution of five letters, the same for the whole experiment: how to draw a word, and what becomes of it."""
    table = dict(zip("aeknt", "qbmza", strict=True))
    return lambda rng: "".join(rng.choices(list(table), k=rng.randint(3, 6))), lambda s: "".join(table[c] for c in s)


def _word(rng: Random) -> str:
    return tasks.word(rng, 3, 6)


TASKS = {
    "a mapping of 5 letters": fixed_mapping(),
    "running sums of letters": (_word, tasks.FAR["sums"]),
}


@dataclass(frozen=True)
class Answered:
    """How a model did on held-out words, and what an answer cost in each of three rounds."""

    way: str
    right: list[bool]
    tokens: float
    milliseconds: list[float]


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned copy, the tokens that passed through it in training, and the seconds of that."""

    asker: Asker
    tokens: int
    seconds: float


def answered(asker: Asker, few_shot: Callable, task: str, shots: int, count: int, way: str) -> Answered:
    """Ask for words that no example shows, with so many examples, which are drawn anew for each."""
    draw, do = TASKS[task]
    rng, prompts, answers = Random(f"answered {task}"), [], []
    for _ in range(count):
        word, answer = (query := draw(rng)), do(query)
        shown = [other for other in (draw(rng) for _ in range(4 * shots)) if other != word][:shots]
        prompts.append(few_shot([(other, do(other)) for other in shown], word, SEPARATOR))
        answers.append(answer)
    asker.complete(prompts[:2], LONGEST)  # what runs for the first time is slow
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        said = asker.complete(prompts, LONGEST)
        rounds.append(1000 * (time.perf_counter() - began) / count)
    tokens = sum(map(len, asker.ids(prompts))) / count + LONGEST
    return Answered(way, [one == other for one, other in zip(said, answers, strict=True)], tokens, rounds)


def tune(
    asker: Asker, few_shot: Callable, lm_loss: Callable, task: str, steps: int = 120, batch: int = 24, lr: float = 2e-3
) -> Tuned:
    """Fine-tune all weights of a copy on words and answers without examples, by your `lm_loss` of the answers."""
    model, device = copy.deepcopy(asker.model).train(), asker.device
    (draw, do), rng, seen = TASKS[task], Random(0), 0
    optimiser = torch.optim.AdamW(model.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / 10) * (1 - step / steps))
    began = time.perf_counter()
    for _ in range(steps):
        words = [draw(rng) for _ in range(batch)]
        prompts = [few_shot([], word, SEPARATOR) for word in words]
        ids, mask, counted = _rows(asker, prompts, [f"{do(word)}\n" for word in words])
        with device:
            loss = lm_loss(model(input_ids=ids, attention_mask=mask).logits, ids, counted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        seen += int(mask.sum())
    tuned = dataclasses.replace(asker, model=model.eval())
    return Tuned(tuned, seen, time.perf_counter() - began)


def _rows(asker: Asker, prompts: Sequence[str], answers: Sequence[str]) -> tuple[torch.Tensor, ...]:
    """Token ids padded on the right, 1 for every token, and 1 for every token of an answer; each (rows, T)."""
    whole = asker.tokenizer([prompt + answer for prompt, answer in zip(prompts, answers, strict=True)])["input_ids"]
    begins = [len(ids) for ids in asker.ids(prompts)]
    ids = pad_sequence([torch.tensor(row) for row in whole], True, asker.tokenizer.pad_token_id).to(asker.device)
    places = torch.arange(ids.shape[1], device=asker.device)
    ends, begins = (torch.tensor(n, device=asker.device)[:, None] for n in ([len(row) for row in whole], begins))
    mask = places < ends
    return ids, mask.long(), (mask & (places >= begins)).long()


def compare(asker: Asker, few_shot: Callable, lm_loss: Callable, task: str, count: int) -> tuple[list[Answered], Tuned]:
    """The model without examples, with eight, and its fine-tuned copy without examples."""
    ways = [answered(asker, few_shot, task, shots, count, f"{shots} examples") for shots in (0, 8)]
    tuned = tune(asker, few_shot, lm_loss, task)
    return [*ways, answered(tuned.asker, few_shot, task, 0, count, "fine-tuned, 0 examples")], tuned


def plot(found: dict[str, list[Answered]], wilson: Callable) -> Figure:
    """Accuracy and seconds for each answer, for every task and way."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    ways = [answer.way for answer in next(iter(found.values()))]
    for place, way in enumerate(ways):
        own, x = [answers[place] for answers in found.values()], [i + 0.2 * (place - 1) for i in range(len(found))]
        bars(axes[0], x, [count(answer.right) for answer in own], wilson, way, ls="")
        times = [answer.milliseconds for answer in own]
        ends = [[median(t) - min(t) for t in times], [max(t) - median(t) for t in times]]
        drawn = axes[1].bar(x, list(map(median, times)), 0.18, yerr=ends, capsize=3, label=way)
        axes[1].bar_label(drawn, [f"{answer.tokens:.0f}" for answer in own], fontsize=8)
    for ax in axes:
        ax.set_xticks(range(len(found)), [name.replace(", ", ",\n").replace(" of ", "\nof ") for name in found])
    axes[0].set(ylabel="share of the words", title="Right (95% Wilson intervals)")
    axes[1].set(ylabel="milliseconds for each answer", title="Time (median and range of 3 rounds); tokens")
    axes[0].legend(fontsize="small", loc="center right")
    return figure
