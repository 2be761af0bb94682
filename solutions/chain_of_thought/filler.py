"""Answer to chain_of_thought.filler."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Write the rationale down as the model would see it. How many characters is that?",
    "str(step) has as many characters as the step has digits. Do not forget what stands between two steps.",
    "separator.join(str(step) for step in steps) is the rationale. Multiply the symbol by its len().",
)


def filler(steps, separator, symbol):
    return symbol * len(separator.join(str(step) for step in steps))


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def steps(one_digit, two_digits):
        drawn = [draw(0, 10) for _ in range(one_digit)] + [draw(10, 100) for _ in range(two_digits)]
        return [drawn[i] for i in torch.randperm(len(drawn), generator=rng)]

    yield case("steps of one and two digits", steps=steps(draw(2, 5), draw(2, 4)), separator=" ", symbol=".")
    yield case("steps of one and two digits", steps=steps(2, draw(3, 7)), separator=",", symbol="*")
    yield case("steps of three digits", steps=[draw(100, 1000) for _ in range(draw(2, 5))], separator=" ", symbol="_")
    yield case("a longer separator", steps=steps(draw(1, 4), draw(2, 4)), separator="; ", symbol=".")
    yield case("a longer separator", steps=steps(1, draw(1, 3)), separator=" -> ", symbol=".")
    yield case("one step", steps=[draw(0, 10)], separator=" ", symbol=".")
    yield case("one step", steps=[draw(10, 100)], separator="; ", symbol="#")


@right
def counted(steps, separator, symbol):
    length = len(separator) * (len(steps) - 1)
    for step in steps:
        length += 1
        while step >= 10:
            step //= 10
            length += 1
    return "".join(symbol for _ in range(length))


@right
def replaced(steps, separator, symbol):
    text = str(steps[0])
    for step in steps[1:]:
        text = f"{text}{separator}{step}"
    return "".join([symbol for _ in text])


@right
def padded(steps, separator, symbol):
    return "".ljust(len(separator.join(map(str, steps))), symbol)


def _digits(steps):
    return sum(len(str(step)) for step in steps)


@wrong
def WritesOneSymbolAStep(steps, separator, symbol):
    """There is one symbol a step. The model spends one forward pass on each token: count characters."""
    return symbol * len(steps)


@wrong
def ForgetsTheSeparators(steps, separator, symbol):
    """Only digits were counted: the model writes the separators, too, and computes while it does."""
    return symbol * _digits(steps)


@wrong
def KeepsTheSeparators(steps, separator, symbol):
    """The separators are still there and tell how many steps there are, and how long: write symbols only."""
    return separator.join(symbol * len(str(step)) for step in steps)


@wrong
def KeepsASeparatorAtTheEnd(steps, separator, symbol):
    """The separators are still there, and one stands after the last step: write symbols only, and none too many."""
    return "".join(symbol * len(str(step)) + separator for step in steps)


@wrong
def SeparatesTheLastStep(steps, separator, symbol):
    """A separator was counted after the last step: they stand between two steps."""
    return symbol * (_digits(steps) + len(separator) * len(steps))


@wrong
def TakesSeparatorsForOneCharacter(steps, separator, symbol):
    """Each separator was counted as one character, but it may be longer."""
    return symbol * (_digits(steps) + len(steps) - 1)


@wrong
def AssumesTwoDigits(steps, separator, symbol):
    """Every step was counted with two digits: some have one, or three."""
    return symbol * (2 * len(steps) + len(separator) * (len(steps) - 1))


@wrong
def WritesTheLength(steps, separator, symbol):
    """That is the printed list: its brackets, commas and blanks are not what the model writes."""
    return symbol * len(str(steps))
