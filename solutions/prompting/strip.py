"""Answer to prompting.strip."""

import re

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "What does the text look like after the first deletion? Can what stood on both sides form a reserved string?",
    "In each round find where every reserved string occurs first: text.find returns -1 where it does not occur. Choose "
    "the smallest place, and the longest string among those that share it.",
    "while there are hits: place, minus_length = min((text.find(r), -len(r)) for r in reserved if r in text); cut "
    "those characters out of the text.",
)


def strip(text, reserved):
    while hits := [(text.find(r), -len(r)) for r in reserved if r in text]:
        start, minus_length = min(hits)
        text = text[:start] + text[start - minus_length :]
    return text


def cases(rng):
    def word(length=4, alphabet="bcfghklmnopqrtvw"):
        places = torch.randint(len(alphabet), (length,), generator=rng)
        return "".join(alphabet[int(i)] for i in places)

    a, b, c = word(3), word(5), word(4)
    start, end = f"<{word(2)}>", f"</{word(3)}>"
    yield case("reserved strings far apart", text=f"{a}{start}{b} {end}{c}{start} {a}", reserved=[start, end])
    nested = f"{a}{start[:2]}{start}{start[2:]} {end[:3]}{end}{end[3:]}{b}"
    yield case("a reserved string appears after a deletion", text=nested, reserved=[end, start])
    deep = start[:1] + end[:2] + start + end[2:] + start[1:]
    yield case("a reserved string appears after a deletion", text=f"{b}{deep}{c}{end}", reserved=[start, end])
    p, q, r = (word(1, letters) for letters in ("ace", "bdf", "ghi"))
    pairs = ["xy", p + q, q + r]
    yield case("a reserved string appears after a deletion", text=f"{p}xy{q}{r}", reserved=pairs)
    short = f"[{word(3)}]"
    same = f"{a} {short}]{b}{short}{c}"
    yield case("several start at the same place", text=same, reserved=[short, f"{short}]"])
    left, middle, last = word(2, "xyz"), word(2, "uij"), word(2, "sea")
    one, two = f"<{left}|{middle}", f"{middle}|{last}>"
    overlap = f"{a}<{left}|{middle}|{last}>{b}"
    yield case("reserved strings overlap", text=overlap, reserved=[one, two])
    yield case("reserved strings overlap", text=overlap[::-1] + one, reserved=[one[::-1], two[::-1], one])
    inner = f"<{word(2)}>"
    yield case("one reserved string inside another", text=f"{a}<{inner}>{b}", reserved=[inner, f"<{inner}>"])
    capital = f" {start.upper()} {a}{start[:-1]} >  {b}{c}<\n"
    yield case("capitals, blanks and lone brackets stay", text=capital, reserved=[start, end])
    yield case("nothing is reserved", text=f" {c.upper()}{start} {a}\n", reserved=[])


@right
def regular_expression(text, reserved):
    if not reserved:
        return text
    pattern = re.compile("|".join(re.escape(r) for r in sorted(reserved, key=len, reverse=True)))
    deleted = 1
    while deleted:
        text, deleted = pattern.subn("", text, count=1)
    return text


@right
def scan_by_position(text, reserved):
    start = 0
    while start < len(text):
        lengths = [len(r) for r in reserved if text.startswith(r, start)]
        if lengths:
            text, start = text[:start] + text[start + max(lengths) :], 0
        else:
            start += 1
    return text


@right
def recursion(text, reserved):
    for i in range(len(text)):
        for r in sorted(reserved, key=len)[::-1]:
            if text[i : i + len(r)] == r:
                return recursion(text[:i] + text[i + len(r) :], reserved)
    return text


def _pattern(reserved, flags=0):
    """A pattern that matches the longest of the reserved strings, and nothing where there is none."""
    ordered = sorted(reserved, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)", flags)


def _until_none(pattern, text, replacement=""):
    while (shorter := pattern.sub(replacement, text, count=1)) != text:
        text = shorter
    return text


@wrong
def DeletesOnce(text, reserved):
    """Each reserved string was deleted in one pass. What stood on both sides of it can form a new one: look again."""
    for r in reserved:
        text = text.replace(r, "")
    return text


@wrong
def GoesOnBehindTheCut(text, reserved):
    """The search went on behind the cut, as re.sub does. A reserved string can form across it: start again."""
    return _pattern(reserved).sub("", text)


@wrong
def DeletesWholePasses(text, reserved):
    """All occurrences went in one pass, and then the next pass began. Delete one, then look again from the start."""
    while reserved and (shorter := _pattern(reserved).sub("", text)) != text:
        text = shorter
    return text


@wrong
def FollowsTheList(text, reserved):
    """The reserved strings were deleted in the order of the list. What starts first in the text goes first."""
    while any(r in text for r in reserved):
        for r in reserved:
            text = text.replace(r, "", 1)
    return text


@wrong
def TakesTheShortest(text, reserved):
    """Where two reserved strings start at the same place, the shorter one was deleted, and the rest stayed behind."""
    while hits := [(text.find(r), len(r)) for r in reserved if r in text]:
        start, length = min(hits)
        text = text[:start] + text[start + length :]
    return text


@wrong
def TakesTheLongest(text, reserved):
    """The longest reserved string of all was deleted first. Its place comes first, length only decides a tie."""
    while hits := [r for r in reserved if r in text]:
        text = text.replace(max(hits, key=len), "", 1)
    return text


@wrong
def StartsFromTheEnd(text, reserved):
    """The last occurrence was deleted first. Where two overlap, it matters: take the one that starts first."""
    while hits := [(text.rfind(r), len(r)) for r in reserved if r in text]:
        start, length = max(hits)
        text = text[:start] + text[start + length :]
    return text


@wrong
def TakesTheFirstToEnd(text, reserved):
    """The occurrence that ends first was deleted. Where one lies inside another, the outer one starts first."""
    while hits := [(text.find(r) + len(r), -len(r)) for r in reserved if r in text]:
        end, minus_length = min(hits)
        text = text[: end + minus_length] + text[end:]
    return text


@wrong
def IgnoresCapitals(text, reserved):
    """Something was deleted that only looks like a reserved string in other capitals: match exactly."""
    return _until_none(_pattern(reserved, re.IGNORECASE), text)


@wrong
def LeavesABlank(text, reserved):
    """A blank stands where something was deleted: put nothing in its place."""
    return _until_none(_pattern(reserved), text, " ")


@wrong
def TrimsTheText(text, reserved):
    """Blanks or line ends were lost at the ends of the text. They are not reserved: leave them."""
    return strip(text, reserved).strip()


@wrong
def CleansOnlyTheEnds(text, reserved):
    """Reserved strings were deleted at the ends of the text only: look inside as well."""
    while hits := [r for r in reserved if text.startswith(r) or text.endswith(r)]:
        longest = max(hits, key=len)
        text = text.removeprefix(longest) if text.startswith(longest) else text.removesuffix(longest)
    return text


@wrong
def DeletesCharacters(text, reserved):
    """Single characters of the reserved strings were deleted wherever they stood: only a whole one is reserved."""
    return "".join(character for character in text if character not in "".join(reserved))


@wrong
def ReadsThemAsPatterns(text, reserved):
    """Characters such as | and [ were read as a regular expression: re.escape makes them plain."""
    pattern = re.compile("|".join(sorted(reserved, key=len, reverse=True)) or r"(?!)")
    return _until_none(pattern, text)
