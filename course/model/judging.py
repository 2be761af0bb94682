"""What the course model answers to a student's prompts, remembered: a judge asks the same prompts many times."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from random import Random

from course.common.device import threads
from course.model import load, tasks
from course.model.data import prompt
from course.model.generation import complete

_loaded = cache(load)


@lru_cache(maxsize=512)
def said(size: str, prompts: tuple[str, ...], longest: int) -> tuple[str, ...]:
    """Greedy answers of the course model of this size, each up to the end of its line."""
    with threads(1):
        return tuple(complete(*_loaded(size), prompts, longest))


def right_share(template: str, task: Callable[[str], str], seed: str, count: int = 40) -> float:
    """How often the small model does a task for words drawn from `seed` that stand where the template says {word}."""
    rng = Random(seed)
    words = [tasks.word(rng, 3, 6) for _ in range(count)]
    answers = said("small", tuple(template.replace("{word}", word) for word in words), 20)
    return sum(answer == task(word) for answer, word in zip(answers, words, strict=True)) / count


def answers_to(names: list[str], given: list[str], longest: int) -> tuple[str, ...]:
    """What the small model answers in the form Task, Input, Output: a task's name and what stands behind Input."""
    return said("small", tuple(prompt(name, text) for name, text in zip(names, given, strict=True)), longest)
