"""Answer to prompting.write_prompt."""

import torch

from autograder.exercise import case, right, wrong
from course.prompting.exercises.write_prompt import properties

HINTS = (
    "Ask in a form that the model was trained on: it has never read a sentence of English.",
    "A header says what to do: Task:, then both names with a space between. The word comes on the next line.",
    "After {word} the model must see what its answer follows, ' -> '. An example or two may stand between, in the same "
    "form; measure whether they help or hurt.",
)
NEVER_TRAINED, TRAINED = (
    ("next reverse", "reverse next", "rotate upper"),
    ("double drop", "reverse drop", "sort rotate"),
)


def write_prompt(first, second, examples):
    return f"Task: {first} {second}\n" + "{word} -> "


def facts(case, observed):
    return properties(case, observed["template"], "words that no contract names")


def cases(rng):
    for group, names in (("never trained together", NEVER_TRAINED), ("trained together", TRAINED)):
        first, second = names[int(torch.randint(len(names), (), generator=rng))].split()
        yield case(group, first=first, second=second, seed=int(torch.randint(10, 10**6, (), generator=rng)))


@right
def no_space_at_the_end(first, second, examples):
    return f"Task: {first} {second}\n" + "{word} ->"


@right
def with_an_example(first, second, examples):
    (x, y), *_ = examples
    return f"Task: {first} {second}\n{x} -> {y}\n" + "{word} -> "


@wrong
def AsksInEnglish(first, second, examples):
    """The model does not understand this question. It has read no English: use one of the three forms that it was
    trained on, with what an answer follows at the end."""
    return f"Please apply {first} and then {second} to this word: " + "{word}"


@wrong
def UsesTheFormOfOneTask(first, second, examples):
    """Hardly any word is answered rightly. In the form Task, Input, Output the model was trained on one task only: use
    a header above lines of examples. If you show examples, show enough of them."""
    return f"Task: {first} {second}\nInput: " + "{word}\nOutput:"


@wrong
def NamesTheFirstOnly(first, second, examples):
    """Only the first task is done. Name both, in their order."""
    return f"Task: {first}\n" + "{word} -> "


@wrong
def NamesTheSecondOnly(first, second, examples):
    """Only the second task is done. Name both, in their order."""
    return f"Task: {second}\n" + "{word} -> "


@wrong
def NamesThemInTheOtherOrder(first, second, examples):
    """The second task is done first. Name them in the order in which they are to be done."""
    return f"Task: {second} {first}\n" + "{word} -> "


@wrong
def ForgetsThePlace(first, second, examples):
    """The template says {word} nowhere, so every question is the same. Put it where the word belongs."""
    return f"Task: {first} {second}\n{examples[0][0]} -> "


@wrong
def GoesOnForTooLong(first, second, examples):
    """The template is too long. Eight examples, each once, are enough."""
    return f"Task: {first} {second}\n" + "".join(f"{x} -> {y}\n" for x, y in examples) * 6 + "{word} -> "
