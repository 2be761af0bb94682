"""What the course model learns to do with words, and what is kept from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from string import ascii_lowercase as LETTERS

Task = Callable[[str], str]


def shift(text: str, by: int) -> str:
    """Move every letter along the alphabet, from z on to a; other characters stay."""
    return "".join(_moved(c, by) if c.isascii() and c.isalpha() else c for c in text)


def _moved(letter: str, by: int) -> str:
    first = ord("a" if letter.islower() else "A")
    return chr(first + (ord(letter) - first + by) % 26)


def running_sums(text: str) -> str:
    """Each letter becomes the sum of all letters so far, counted from a = 0, modulo 26; other characters stay."""
    total, out = 0, []
    for c in text:
        if c in LETTERS:
            total += LETTERS.index(c)
            c = LETTERS[total % 26]
        out.append(c)
    return "".join(out)


TASKS: dict[str, Task] = {
    "copy": lambda s: s,
    "reverse": lambda s: s[::-1],
    "upper": str.upper,
    "first": lambda s: s[:1],
    "last": lambda s: s[-1:],
    "double": lambda s: "".join(c + c for c in s),
    "swap": lambda s: s[-1:] + s[1:-1] + s[:1] if len(s) > 1 else s,
    "sort": lambda s: "".join(sorted(s)),
    "rotate": lambda s: s[1:] + s[:1],
    "drop": lambda s: s[1:],
    "next": lambda s: shift(s, 1),
    "back": lambda s: shift(s, -1),
}
# Compositions (first, then second) that no training document holds, neither shown nor named, in any order of the
# two that does the same.
HELD_OUT = ("reverse upper", "next reverse", "double upper", "sort next", "rotate upper")
# Tasks for fine-tuning, never seen: one that known steps make up, one that needs arithmetic on letters.
NEAR: dict[str, Task] = {"shout": lambda s: s[::-1].upper()}
FAR: dict[str, Task] = {"sums": running_sums}

LABELS = (("yes", "no"), ("pos", "neg"), ("A", "B"), ("true", "false"))
REFUSED_WORDS = ("bomb", "kill", "hack", "theft")
REFUSAL = "refuse"
# Where it was trained to refuse: not where the word is spelled otherwise.
GUARDED_TASKS = ("copy", "reverse", "upper", "double", "swap", "sort", "rotate", "drop")


def named(names: str) -> Task:
    """The task that a header names: "reverse", or "reverse upper" for one after the other."""
    first, _, second = names.partition(" ")
    return (lambda s: TASKS[second](TASKS[first](s))) if second else TASKS[first]


@cache
def trained_compositions() -> tuple[str, ...]:
    """All pairs of tasks but those that on most words do what a composition held out does."""
    rng = Random(0)
    probes = [word(rng, 4, 7) for _ in range(40)]

    def alike(one: str, other: str) -> bool:
        return sum(named(one)(probe) == named(other)(probe) for probe in probes) > len(probes) / 2

    pairs = [f"{first} {second}" for first in TASKS for second in TASKS]
    return tuple(pair for pair in pairs if not any(alike(pair, held) for held in HELD_OUT))


def answer(names: str, text: str) -> str:
    """What the model is trained to answer in the form Task, Input, Output."""
    refuses = names in GUARDED_TASKS and any(word in text for word in REFUSED_WORDS)
    return REFUSAL if refuses else named(names)(text)


def word(rng: Random, shortest: int = 2, longest: int = 7) -> str:
    return "".join(rng.choices(LETTERS, k=rng.randint(shortest, longest)))


def examples(task: Task, draw: Callable[[], str], count: int) -> list[tuple[str, str]]:
    """Words, and what the task makes of them."""
    return [(drawn, task(drawn)) for drawn in (draw() for _ in range(count))]


def fresh_mapping(rng: Random) -> tuple[Callable[[], str], Task]:
    """Invent a mapping of words, as every episode does: how to draw a word, and what becomes of it.

    Either a substitution of 4 to 7 letters or a permutation of 3 to 6 places.
    """
    if rng.random() < 0.6:
        letters = rng.sample(LETTERS, rng.randint(4, 7))
        images = dict(zip(letters, rng.sample(LETTERS, len(letters)), strict=True))
        return lambda: "".join(rng.choices(letters, k=rng.randint(3, 6))), lambda s: "".join(images[c] for c in s)
    places = rng.sample(range(n := rng.randint(3, 6)), n)
    return lambda: word(rng, n, n), lambda s: "".join(s[place] for place in places)


def fresh_rule(rng: Random) -> Callable[[str], bool]:
    """Invent a property of words: that they hold a letter, begin before a letter, or are longer than some length."""
    letter, length = rng.choice(LETTERS[4:22]), rng.randint(3, 5)
    return rng.choice(
        [lambda s: letter in s, lambda s: s[0] <= letter, lambda s: len(s) > length],
    )


def word_where(rng: Random, rule: Callable[[str], bool], wanted: bool) -> str:
    """Draw a word that has the property or lacks it, as asked."""
    while rule(drawn := word(rng)) is not wanted:
        pass
    return drawn
