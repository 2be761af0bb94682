"""Answer to chain_of_thought.extract."""

import re

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Two steps: cut the text after the last marker, then search what is left. Handle a text without marker first.",
    "str.rpartition cuts at the last marker; its middle part is empty where there was none. A regular expression "
    "finds an optional minus sign and at least one digit.",
    'Match re.search(r"-?[0-9]+", rest) where rest is what follows the last marker. Return None where it finds '
    "nothing, and int(...) of what it found: int takes care of leading zeros and of the sign.",
)


def extract(text, marker):
    _, found, rest = text.rpartition(marker)
    number = re.search(r"-?[0-9]+", rest) if found else None
    return int(number.group()) if number else None


def cases(rng):
    # Numbers of one text differ, and none is the beginning or the negative of another.
    a, b, c, d = (torch.randperm(89, generator=rng)[:4] + 10).tolist()
    small = int(torch.randint(1, 10, (), generator=rng))
    word = ["unsure", "no idea", "none"][int(torch.randint(0, 3, (), generator=rng))]
    cue = "the answer (arabic numerals) is"

    yield case("one marker", text=f" {a} {b} {c}\nA: {c}\nQ: start {d}; plus 3", marker="A:")
    yield case("one marker", text=f"Steps: {a} {b}\nA: about {c}, from {d}", marker="A:")
    yield case("one marker", text=f"Steps: {a} {b}\n#### {c}", marker="####")
    yield case("one marker", text=f"A: {a}\nformula: {b}\na: {c}", marker="A:")
    yield case("several markers", text=f"A: {a}. Wait, one step is missing: {b}.\nA: {c} ({d} before)", marker="A:")
    yield case("several markers", text=f"{a} {b}\nA: {b}. Minus {c}, so another number.\nA: {word}", marker="A:")
    yield case("with and without a marker", text=f" {a} {b} {c}", marker="A:")
    yield case("with and without a marker", text=f"{word}, but a: {a}", marker="A:")
    yield case("with and without a marker", text=f" {a} {b}\nA:{c}", marker="A:")
    yield case("signs and leading zeros", text=f"{a} {b}\nA: -{c}", marker="A:")
    yield case("signs and leading zeros", text=f"{a} {b}\nA: 0{small}", marker="A:")
    yield case("signs and leading zeros", text=f"{a} {b}\nA: minus - {c}, {d}", marker="A:")
    yield case("signs and leading zeros", text=f"{a} {b}\nA:\n- {c}\n- {d}", marker="A:")
    nagari = str(b).translate(str.maketrans("0123456789", "०१२३४५६७८९"))
    yield case("digits of another script", text=f"{a} {b}\nA: {nagari} or {c}", marker="A:")
    yield case("a marker with brackets", text=f"So {a}. Therefore, {cue} {b}, not {c}.", marker=cue)


@right
def last_piece(text, marker):
    pieces = text.split(marker)
    numbers = re.findall(r"-?[0-9]+", pieces[-1])
    return int(numbers[0]) if len(pieces) > 1 and numbers else None


@right
def one_character_at_a_time(text, marker):
    at = text.rfind(marker)
    if at < 0:
        return None
    at += len(marker)
    while at < len(text) and text[at] not in "0123456789":
        at += 1
    end = at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    if end == at:
        return None
    return -int(text[at:end]) if text[at - 1] == "-" else int(text[at:end])


@right
def one_pattern(text, marker):
    last = re.escape(marker)
    found = re.search(rf"(?s){last}(?!.*{last})[^0-9]*?(-?[0-9]+)", text)
    return found and int(found[1])


def _first_integer(text):
    found = re.search(r"-?[0-9]+", text)
    return int(found.group()) if found else None


@wrong
def UsesTheFirstMarker(text, marker):
    """The integer after the first marker was taken. The model may correct itself: the last marker counts."""
    _, found, rest = text.partition(marker)
    return _first_integer(rest) if found else None


@wrong
def ReadsOnWithoutAMarker(text, marker):
    """Without a marker a number of the rationale was taken for the answer. What does cutting do when nothing is cut?"""
    return _first_integer(text.split(marker)[-1])


@wrong
def TakesTheLastIntegerOfTheText(text, marker):
    """The last integer of the text was taken. Look for the marker: the last number need not be the answer."""
    numbers = re.findall(r"-?[0-9]+", text)
    return int(numbers[-1]) if numbers else None


@wrong
def TakesTheLastIntegerAfterTheMarker(text, marker):
    """Several integers follow the last marker, and the last of them was taken: the first one counts."""
    _, found, rest = text.rpartition(marker)
    numbers = re.findall(r"-?[0-9]+", rest)
    return int(numbers[-1]) if found and numbers else None


@wrong
def FallsBackToAnEarlierMarker(text, marker):
    """No integer follows the last marker, and one after an earlier marker was taken. The model withdrew that one."""
    found = re.findall(rf"{re.escape(marker)}[^0-9]*?(-?[0-9]+)", text)
    return int(found[-1]) if found else None


@wrong
def ReturnsTheString(text, marker):
    """The digits came back as a string. "07" and "7" are the same answer, but not the same string: return an int."""
    _, found, rest = text.rpartition(marker)
    number = re.search(r"-?[0-9]+", rest) if found else None
    return number.group() if number else None


@wrong
def DropsTheSign(text, marker):
    """A minus sign directly before the digits was lost: it belongs to the integer."""
    number = extract(text, marker)
    return number if number is None else abs(number)


@wrong
def TakesTheMarkerForAPattern(text, marker):
    """The marker was read as a regular expression, in which brackets and dots mean something else: re.escape it."""
    found = list(re.finditer(marker, text))
    return _first_integer(text[found[-1].end() :]) if found else None


@wrong
def WantsTheIntegerAtOnce(text, marker):
    """The integer was found only where nothing but space stands before it. Words may stand after the marker."""
    _, found, rest = text.rpartition(marker)
    number = re.match(r"\s*(-?[0-9]+)", rest) if found else None
    return int(number[1]) if number else None


@wrong
def JoinsAllDigits(text, marker):
    """The digits of several integers were joined into one number: stop where the first integer ends."""
    _, found, rest = text.rpartition(marker)
    digits = "".join(filter(str.isdigit, rest))
    return int(digits) if found and digits else None


@wrong
def IgnoresCase(text, marker):
    """A marker was found in other letters than its own: capitals count, and "formula:" does not hold "A:"."""
    return extract(text.lower(), marker.lower())


@wrong
def JoinsADistantMinus(text, marker):
    """A minus sign counted that does not stand directly before the digits: it may be a dash, or begin a list."""
    _, found, rest = text.rpartition(marker)
    number = re.search(r"(-?)\s*([0-9]+)", rest) if found else None
    return int(number[1] + number[2]) if number else None


@wrong
def ReadsEveryScript(text, marker):
    r"""Digits of another script were read. Which characters does \d match in a Python string, besides 0-9?"""
    _, found, rest = text.rpartition(marker)
    number = re.search(r"-?\d+", rest) if found else None
    return int(number.group()) if number else None
