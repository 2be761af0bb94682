"""Asking a model many held-out questions, and how sure the counts are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from course.model.data import HELD_OUT_SEED
from course.model.generation import complete

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Measured:
    """How often something happened on held-out items."""

    group: str
    what: str
    hits: int
    trials: int
    aim: str = ""

    @property
    def share(self) -> float:
        return self.hits / self.trials

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval for the share."""
        from scipy.stats import binomtest

        found = binomtest(self.hits, self.trials).proportion_ci(method="wilson")
        return found.low, found.high


@dataclass(frozen=True)
class Subject:
    """The model that is asked, and how many items each question has."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    items: int
    seed: int = HELD_OUT_SEED

    def rng(self, name: str) -> Random:
        """Where the items of a question come from: the same ones for every model."""
        return Random(f"{self.seed} {name}")

    def complete(self, prompts: Sequence[str], longest: int, **how) -> list[str]:
        return complete(self.model, self.tokenizer, prompts, longest, **how)

    def right(self, prompts: Sequence[str], answers: Sequence[str]) -> int:
        """How many prompts are completed by exactly their answer."""
        given = self.complete(prompts, max(map(len, answers)) + 2)
        return sum(one == other.strip() for one, other in zip(given, answers, strict=True))


def shots(pairs: Pairs, query: str, separator: str = " -> ") -> str:
    return "".join(f"{x}{separator}{y}\n" for x, y in pairs) + query + separator


def asked(episodes: Sequence[Pairs], separator: str = " -> ") -> tuple[list[str], list[str]]:
    """Prompts that ask for the last pair of each episode, and its answers."""
    return [shots(pairs[:-1], pairs[-1][0], separator) for pairs in episodes], [pairs[-1][1] for pairs in episodes]
