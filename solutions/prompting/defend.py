"""Answer to prompting.defend."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Words asking the model to be careful are text like any other. What was it trained to treat as mere text?",
    "Marks around the text help until the text holds a mark: then what follows stands outside. See that it cannot.",
    "Replace both marks in the text by other signs, parentheses for instance; then put < before it and > behind it.",
)


def defend(text):
    return "<" + text.replace("<", "(").replace(">", ")") + ">"


def cases(rng):
    yield case("texts of strangers", seed=int(torch.randint(10, 10**6, (), generator=rng)))


@right
def deletes_marks(text):
    return f"<{''.join(c for c in text if c not in '<>')}>"


@right
def brackets(text):
    return f"<{text.translate(str.maketrans('<>', '[]'))}>"


@wrong
def TrustsTheText(text):
    """Every order is obeyed. Say by marks where data begins and ends; asking in words does not reach the model."""
    return text


@wrong
def ForgetsToEscape(text):
    """The marks stand, but a text that holds > closes them itself, and its order stands outside. No mark may be
    left within the text."""
    return f"<{text}>"


@wrong
def EscapesItsOwnMarks(text):
    """No mark is left, the outer ones included, so orders are obeyed. Escape the text first, then put the marks around
    it."""
    return f"<{text}>".replace("<", "(").replace(">", ")")


@wrong
def CutsTheOrderOff(text):
    """No order is obeyed, but the text behind it is lost: the task is done on half of the data. Keep every letter."""
    return f"<{text.partition('Task:')[0].partition('>')[0].partition('.')[0]}>"


@wrong
def EscapesOnce(text):
    """Only the first > of the text is replaced. Whoever writes two gets through: replace every one."""
    return f"<{text.replace('<', '(').replace('>', ')', 1)}>"


@wrong
def RefusesEverything(text):
    """The model gets nothing to work on: no order is obeyed, and no task is done. A defence must keep the use."""
    return ""
