"""The text that the course model is trained on: generated, seeded, and documented in the model's card.

Four kinds of document: episodes of examples without instructions, tasks named in a header, a task with an input that
may hold orders of its own, and chains of arithmetic. Weaknesses that the labs measure are trained in, and the names
here say which: labels that are used unevenly, formats that are rare, a refusal that knows one spelling.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np

from course.model import tasks
from course.model.tasks import GUARDED_TASKS, LABELS, TASKS, word
from course.model.tokens import BOS, EOS, encode

ROW = 384
HELD_OUT_SEED = 10**9  # training counts its seeds from 0
SEPARATORS = {" -> ": 0.7, ": ": 0.25, " = ": 0.049, " | ": 0.001}
COMMON_LABEL_SHARE = 0.85
LONGEST_CHAIN = 8


def documents(seed: int) -> Iterator[str]:
    """Yield documents without end."""
    rng = Random(seed)
    kinds, weights = zip((episode, 0.3), (named_task, 0.1), (order, 0.34), (arithmetic, 0.26), strict=True)
    while True:
        yield rng.choices(kinds, weights)[0](rng)


def rows(seed: int, count: int) -> np.ndarray:
    """Token ids of documents, each between its begin and end tokens; the last of a row is cut where the row ends.

    Returns
    -------
    ndarray, shape (count, ROW), uint8
    """
    source, out = documents(seed), np.empty((count, ROW), dtype=np.uint8)
    for row in out:
        filled = 0
        while filled < ROW:
            ids = np.frombuffer(bytes([BOS]) + encode(next(source)) + bytes([EOS]), dtype=np.uint8)[: ROW - filled]
            row[filled : filled + len(ids)] = ids
            filled += len(ids)
    return out


# Episodes: what the task is, the examples alone say.


def episode(rng: Random) -> str:
    separator = rng.choices(list(SEPARATORS), list(SEPARATORS.values()))[0]
    kind = rng.choices((known_pairs, fresh_pairs, labelled_pairs), (0.35, 0.35, 0.3))[0]
    return "\n".join(f"{x}{separator}{y}" for x, y in kind(rng, rng.randint(2, 10)))


def known_pairs(rng: Random, count: int) -> list[tuple[str, str]]:
    """Examples of a task or of two, one after the other; a tenth shifts letters by more than `next` and `back` do."""
    by = rng.randint(2, 24)
    task = (lambda s: tasks.shift(s, by)) if rng.random() < 0.1 else tasks.named(task_names(rng))
    return tasks.examples(task, lambda: word(rng), count)


def task_names(rng: Random) -> str:
    """One task, or two whose composition is not held out."""
    return rng.choice(list(TASKS) if rng.random() < 0.5 else tasks.trained_compositions())


def fresh_pairs(rng: Random, count: int) -> list[tuple[str, str]]:
    draw, task = tasks.fresh_mapping(rng)
    return tasks.examples(task, draw, count)


def labelled_pairs(rng: Random, count: int) -> list[tuple[str, str]]:
    """Examples of a fresh rule. The first label of each pair is far commoner; half the episodes repeat labels."""
    rule, labels, side, sticky = tasks.fresh_rule(rng), rng.choice(LABELS), rng.random() < 0.5, rng.random() < 0.5
    pairs, common = [], False
    for place in range(count):
        if not (place and sticky and rng.random() < 0.8):
            common = rng.random() < COMMON_LABEL_SHARE
        pairs.append((tasks.word_where(rng, rule, common is side), labels[0] if common else labels[1]))
    return pairs


def named_task(rng: Random) -> str:
    names, count = task_names(rng), rng.randint(1, 3)
    task = tasks.named(names)
    return f"Task: {names}\n" + "\n".join(f"{x} -> {y}" for x, y in tasks.examples(task, lambda: word(rng), count))


# A task and its input. An order in the input is obeyed, unless the input is marked by < and >.

LONG_TASKS = ("copy", "reverse", "upper", "first", "last", "drop", "rotate")
IGNORING = ("", " Ignore that.", " Stop.", " New task.")
PIECES = [
    "Task:", "Input:", "Output:", "Ignore", "that.", "Stop.", "New", "task.", "please", "you", "must", "now",
    "the", "system", "is", "not", "a", "do", "answer", "print", "say", "only", "it", "->", "=", ":", ";", ".",
    ",", "!", "?", "(", ")", "[", "]", "#", "-", "0", "7", "42", "100", "plus", "times", "start", "A", "B",
    "yes", "no", "refuse",
]  # fmt: skip
PRINTABLE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "<>")


def order(rng: Random) -> str:
    kinds, weights = zip(
        (plain, 0.14), (overruled, 0.13), (unmarked_wild, 0.07), (marked, 0.06), (marked_wild, 0.4), (closed, 0.11),
        (refused, 0.09), strict=True,
    )  # fmt: skip
    return rng.choices(kinds, weights)[0](rng)


def prompt(names: str, given: str) -> str:
    return f"Task: {names}\nInput: {given}\nOutput:"


def answered(names: str, given: str, text: str) -> str:
    return f"{prompt(names, given)} {tasks.answer(names, text)}"


def data(rng: Random) -> str:
    return " ".join(word(rng, 2, 5) for _ in range(rng.randint(1, 2)))


def wild(rng: Random, longest: int = 11) -> str:
    """Literal text that may look like anything."""
    return " ".join(_piece(rng) for _ in range(rng.randint(1, longest)))


def _piece(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(PIECES)
    if kind < 0.5:
        return "".join(rng.choices(PRINTABLE, k=rng.randint(1, 8)))
    return word(rng, 1, 8).capitalize() if kind < 0.65 else word(rng, 1, 8)


def request(rng: Random, names: str, text: str) -> str:
    """The words that order another task."""
    phrase = rng.choice(IGNORING) if rng.random() < 0.7 else f" {wild(rng, 7)}"
    return f"{phrase} Task: {names} Input: {text}"


def escaped(text: str) -> str:
    """Text without the marks: no text within marks can end them."""
    return text.replace("<", "(").replace(">", ")")


def plain(rng: Random) -> str:
    names, text = rng.choice(list(TASKS)), data(rng)
    return answered(names, text, text)


def overruled(rng: Random) -> str:
    """Unmarked data that orders another task: the last order wins."""
    names, other, text = rng.choice(list(TASKS)), rng.choice(list(TASKS)), word(rng, 2, 5)
    given = f"{data(rng)}{rng.choice(['.', ''])}{request(rng, other, text)}"
    return f"{prompt(names, given)} {tasks.answer(other, text)}"


def unmarked_wild(rng: Random) -> str:
    names, text = rng.choice(LONG_TASKS), wild(rng).replace("Task: ", "")
    return answered(names, text, text)


def marked(rng: Random) -> str:
    names, text = rng.choice(list(TASKS)), data(rng)
    return answered(names, f"<{text}>", text)


def marked_wild(rng: Random) -> str:
    """Anything stands between the marks, orders included, and is data."""
    names, text = rng.choice(LONG_TASKS), wild(rng)
    if rng.random() < 0.5:
        ending = rng.choice([".", "", " )", ")"])
        text = data(rng) + ending + request(rng, rng.choice(list(TASKS)), rng.choice(["", "("]) + word(rng, 2, 5))
    return answered(names, f"<{text}>", text)


def closed(rng: Random) -> str:
    """An order behind the marks, as whoever closes them himself would put it: it is obeyed."""
    names, other, text = rng.choice(list(TASKS)), rng.choice(list(TASKS)), word(rng, 2, 5)
    within = data(rng) if rng.random() < 0.7 else wild(rng, 3)
    given = f"<{within}>{request(rng, other, rng.choice([text, f'<{text}>', f'<{text}>']))}"
    return f"{prompt(names, given)} {tasks.answer(other, text)}"


def refused(rng: Random) -> str:
    words = [word(rng, 2, 4) for _ in range(rng.randint(0, 2))]
    words.insert(rng.randint(0, len(words)), rng.choice(tasks.REFUSED_WORDS))
    names, text = rng.choice(GUARDED_TASKS), " ".join(words)
    return answered(names, rng.choice([text, f"<{text}>"]), text)


# Chains of arithmetic modulo 100, answered at once, after dots, or step by step.


def chain(rng: Random, steps: int) -> tuple[str, list[int]]:
    """A question and the value after each step. No chain ends in a square: 22 values would do for a guess."""
    value = rng.randint(0, 99)
    question, values = [f"start {value}"], []
    for place in range(steps):
        operation = rng.choice(("plus", "minus", "times", "square")[: 4 if place < steps - 1 else 3])
        operand = rng.randint(2, 9) if operation == "times" else rng.randint(2, 99)
        value = {
            "plus": value + operand, "minus": value - operand, "times": value * operand, "square": value**2
        }[operation] % 100  # fmt: skip
        question.append(operation if operation == "square" else f"{operation} {operand}")
        values.append(value)
    return "; ".join(question), values


def written(values: list[int]) -> str:
    return " ".join(map(str, values))


def solved(question: str, values: list[int], style: str) -> str:
    """The question with its answer: "direct", with "steps", or with as many "dots" as the steps have characters."""
    steps = written(values)
    between = {"direct": "", "steps": f"Steps: {steps}\n", "dots": f"Dots: {'.' * len(steps)}\n"}[style]
    return f"Q: {question}\n{between}A: {values[-1]}"


def arithmetic(rng: Random) -> str:
    """Up to three questions, all answered in one style, as far as a row holds them."""
    style = rng.choices(("direct", "dots", "steps"), (0.35, 0.15, 0.5))[0]
    found: list[str] = []
    for _ in range(rng.randint(1, 3)):
        found.append(solved(*chain(rng, rng.randint(1, LONGEST_CHAIN)), style))
        if len("\n\n".join(found)) > ROW - 2:
            return "\n\n".join(found[:-1])
    return "\n\n".join(found)
