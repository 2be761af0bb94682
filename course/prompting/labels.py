"""How much a few-shot classifier depends on order, format and bias of its labels, and on the labels being right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course.model import data, tasks
from course.model.weaknesses import CONTENT_FREE, balanced_episode
from course.prompting.asker import Asker

FORMATS = (*data.SEPARATORS, " ~ ")  # the last one stands in no training text
Spread = Mapping[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Question:
    """A rule that sorts words into two labels: two examples of each, and queries, every other one of either label."""

    examples: list[tuple[str, str]]
    queries: list[tuple[str, str]]
    labels: tuple[str, str]

    @property
    def truth(self) -> Tensor:
        """Index of each query's label, shape (queries,)."""
        return torch.tensor([self.labels.index(label) for _, label in self.queries])


def question(seed: int, queries: int) -> Question:
    """Draw a rule. Of its two labels, training used the first far more often than the second."""
    rng = Random(f"question {seed}")
    rule, labels, side = tasks.fresh_rule(rng), tasks.LABELS[seed % len(tasks.LABELS)], rng.random() < 0.5

    def drawn(count: int) -> list[tuple[str, str]]:
        return [(tasks.word_where(rng, rule, (i % 2 == 0) is side), labels[i % 2]) for i in range(count)]

    return Question(drawn(4), drawn(queries), labels)


def over_orders(
    asker: Asker, few_shot: Callable, calibrate: Callable, asked: Question, formats: Sequence[str], orders: int = 12
) -> dict[str, tuple[Tensor, Tensor]]:
    """Ask the same queries with the same examples in several orders and formats.

    Returns
    -------
    dict of str to (Tensor, Tensor), each of shape (orders, queries), bool
        For each format, whether the model was right: as it is, and with your `calibrate`.
    """
    permutations = list(itertools.permutations(asked.examples))
    chosen = Random(0).sample(permutations, orders)
    found, count = {}, len(asked.queries)
    for separator in formats:
        raw, calibrated = [], []
        for pairs in chosen:
            given = [word for word, _ in asked.queries] + list(CONTENT_FREE)
            p = asker.label_probabilities([few_shot(list(pairs), word, separator) for word in given], asked.labels)
            raw.append(p[:count].argmax(1) == asked.truth)
            calibrated.append(calibrate(p[:count], p[count:]).argmax(1) == asked.truth)
        found[separator] = torch.stack(raw), torch.stack(calibrated)
    return found


def bias(asker: Asker, few_shot: Callable, calibrate: Callable, episodes: int) -> dict[str, list[bool]]:
    """Fresh rules, two examples of each label, a query of either: what is answered, and what calibration changes."""
    rng, found = Random("bias"), {}
    for _ in range(episodes):
        pairs, (query, truth), labels = balanced_episode(rng, 4)
        prompts = [few_shot(pairs, word, " -> ") for word in (query, *CONTENT_FREE)]
        p = asker.label_probabilities(prompts, labels)
        for name, own in (("", p[:1]), (", calibrated", calibrate(p[:1], p[1:]))):
            said = labels[own.argmax()]
            found.setdefault(f"right{name}", []).append(said == truth)
            found.setdefault(f"the common label{name}", []).append(said == labels[0])
            found.setdefault(f"the last example's label{name}", []).append(said == pairs[-1][1])
    return dict(sorted(found.items(), reverse=True))


def replaced(
    asker: Asker, few_shot: Callable, random_labels: Callable, episodes: int, shots: Sequence[int] = (0, 2, 4, 8)
) -> dict[str, dict[int, list[bool]]]:
    """Accuracy with the right labels and with those of your `random_labels`, for each number of examples."""
    generator = torch.Generator().manual_seed(0)
    found: dict[str, dict[int, list[bool]]] = {"right labels": {}, "random labels": {}}
    for count in shots:
        rng = Random(f"replaced {count}")
        drawn = [balanced_episode(rng, count) for _ in range(episodes)]
        other = [(random_labels(pairs, list(labels), generator), query, labels) for pairs, query, labels in drawn]
        found["right labels"][count] = _right(asker, few_shot, drawn)
        found["random labels"][count] = _right(asker, few_shot, other)
    return found


def _right(asker: Asker, few_shot: Callable, episodes: Sequence[tuple]) -> list[bool]:
    """Whether the more probable label of each episode's query is the right one; those with equal labels go together."""
    right = []
    for labels in tasks.LABELS:
        own = [(few_shot(pairs, word, " -> "), truth) for pairs, (word, truth), names in episodes if names == labels]
        if own:
            said = asker.label_probabilities([prompt for prompt, _ in own], labels).argmax(1).tolist()
            right += [labels[i] == truth for i, (_, truth) in zip(said, own, strict=True)]
    return right


def seen(separator: str) -> str:
    """A format and how often training showed it."""
    return f"{separator.strip()}\n{data.SEPARATORS.get(separator, 0.0):.1%}"


def plot_orders(found: Spread, asked: Question) -> Figure:
    """Boxes over the orders for each format, raw and calibrated; every order is a dot."""
    figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
    for place, (name, color) in enumerate((("raw", "C0"), ("calibrated", "C1"))):
        accuracies = [pair[place].float().mean(1).numpy() for pair in found.values()]
        x = [i + 0.2 * (2 * place - 1) for i in range(len(found))]
        drawn = ax.boxplot(accuracies, positions=x, widths=0.32, patch_artist=True, showfliers=False)
        for box in drawn["boxes"]:
            box.set(facecolor=color, alpha=0.35)
        for at, values in zip(x, accuracies, strict=True):
            ax.plot([at] * len(values), values, ".", color=color, ms=5, alpha=0.7)
        ax.plot([], [], "s", color=color, alpha=0.5, label=name)
    orders, queries = next(iter(found.values()))[0].shape
    ax.axhline(0.5, ls=":", color="k")
    ax.set_xticks(range(len(found)), [seen(separator) for separator in found])
    ax.set(xlabel="format, and its share of the training episodes", ylabel="accuracy", ylim=(0, 1.03))
    ax.set_title(f"The same {len(asked.examples)} examples in {orders} orders ({queries} queries each; dotted: chance)")
    ax.legend()
    return figure
