"""Answer to chain_of_thought.two_stage."""

from string import Template

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "The model is called twice and remembers nothing. What must the second prompt hold for it to go on?",
    "Write the first prompt as an f-string with one new line in it. The second starts with the first, unchanged.",
    "The second is first + rationale, then a space, then the cue. Strip nothing, and add nothing at either end.",
)


def two_stage(question, trigger, rationale, cue):
    first = f"Q: {question}\nA: {trigger}"
    return first, f"{first}{rationale} {cue}"


TRIGGERS = ["Let's think step by step.", "Let's solve this problem by splitting it into steps.", "First,"]


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    n, m = draw(10, 40), draw(3, 9)
    trigger = TRIGGERS[draw(0, 3)]
    numerals, plain = "Therefore, the answer (arabic numerals) is", "Therefore, the answer is"
    chain = f"start {n}; plus {m}; times {m}"
    steps = f"{n + m} {(n + m) * m % 100}"
    yield case(
        "a question in numbers",
        question=f"A box holds {n} pens. How many pens do {m} boxes hold?",
        trigger=trigger,
        rationale=f" Each box holds {n} pens, so {m} boxes hold {n} * {m} = {n * m} pens.",
        cue=numerals,
    )
    yield case(
        "a question with choices",
        question=f"What is {n} + {m}?\nAnswer Choices: (A) {n + m} (B) {n - m} (C) {n * m}",
        trigger=TRIGGERS[draw(0, 2)],
        rationale=f"\nWe add: {n} + {m} = {n + m}.\nThat is A.",
        cue="Therefore, among A through C, the answer is",
    )
    yield case(
        "white space at the ends", question=chain, trigger="Steps:", rationale=f"\n\n {steps}\n", cue=f"\n{plain}"
    )
    yield case("an empty rationale", question=chain, trigger=trigger, rationale="", cue=numerals)
    yield from _with_signs_that_format(n, m, trigger, plain, numerals)


def _with_signs_that_format(n, m, trigger, plain, numerals):
    yield case(
        "braces",
        question=f"What is the sum of {{{n}, {m}}}?",
        trigger=trigger,
        rationale=f" {{{n}, {m}}} has the sum {n + m}.",
        cue=plain,
    )
    yield case(
        "percent signs",
        question=f"How much is {m}% of {n}00?",
        trigger=trigger,
        rationale=f" 1% of {n}00 is {n}, and {m}% is {n * m}.",
        cue=numerals,
    )
    yield case(
        "braces and percent signs",
        question=f"How much is {m}% of {{{n}}}, the set {{n}} taken as a number? 100%",
        trigger=trigger,
        rationale=f" {m}% of {{{n}}} is {{0}} %s of it.",
        cue=plain,
    )


@right
def joined(question, trigger, rationale, cue):
    first = "\n".join(["Q: " + question, "A: " + trigger])
    return first, " ".join([first + rationale, cue])


@right
def templates(question, trigger, rationale, cue):
    first = Template("Q: $question\nA: $trigger").substitute(question=question, trigger=trigger)
    return first, Template("$first$rationale $cue").substitute(first=first, rationale=rationale, cue=cue)


@right
def one_text_cut_twice(question, trigger, rationale, cue):
    text = f"Q: {question}\nA: {trigger}{rationale} {cue}"
    return text[: len(text) - len(rationale) - len(cue) - 1], text


def _first(question, trigger):
    return f"Q: {question}\nA: {trigger}"


@wrong
def DropsTheRationale(question, trigger, rationale, cue):
    """The second prompt lacks the rationale. The model remembers nothing between two calls: show it what it wrote."""
    return _first(question, trigger), f"{_first(question, trigger)} {cue}"


@wrong
def ForgetsTheCue(question, trigger, rationale, cue):
    """The second prompt ends with the rationale. It needs the cue, which makes the model state one answer."""
    return _first(question, trigger), _first(question, trigger) + rationale


@wrong
def ForgetsTheQuestion(question, trigger, rationale, cue):
    """The second prompt starts at the rationale. It must hold the whole first prompt, with the question."""
    return _first(question, trigger), f"{rationale} {cue}"


@wrong
def LeavesTheTriggerOutOfTheSecond(question, trigger, rationale, cue):
    """The trigger is missing from the second prompt. That is the first prompt, unchanged, with more behind it."""
    return _first(question, trigger), f"Q: {question}\nA:{rationale} {cue}"


@wrong
def PutsTheRationaleInTheFirst(question, trigger, rationale, cue):
    """The first prompt holds the rationale. It ends at the trigger: the rationale is what the model writes next."""
    first = _first(question, trigger) + rationale
    return first, f"{first} {cue}"


@wrong
def AsksForBothAtOnce(question, trigger, rationale, cue):
    """The first prompt holds the cue, so the model answers before it reasons. The cue belongs to the second call."""
    first = f"{_first(question, trigger)} {cue}"
    return first, f"{first}{rationale} {cue}"


@wrong
def PutsTheTriggerInTheQuestion(question, trigger, rationale, cue):
    """The trigger stands in the question. It begins the answer, after "A:", so that the model goes on from it."""
    first = f"Q: {question} {trigger}\nA:"
    return first, f"{first}{rationale} {cue}"


@wrong
def StripsTheRationale(question, trigger, rationale, cue):
    """White space around the rationale was changed. The second prompt holds exactly what the model saw and wrote."""
    first = _first(question, trigger)
    return first, f"{first} {rationale.strip()} {cue}"


@wrong
def AddsASpaceBeforeTheRationale(question, trigger, rationale, cue):
    """A space was put before the rationale. It stands directly behind the first prompt, with its own white space."""
    first = _first(question, trigger)
    return first, f"{first} {rationale} {cue}"


@wrong
def StartsANewLineForTheCue(question, trigger, rationale, cue):
    """The cue got a line of its own: between the rationale and the cue stands one space."""
    first = _first(question, trigger)
    return first, f"{first}{rationale}\n{cue}"


@wrong
def GluesTheCue(question, trigger, rationale, cue):
    """The cue sticks to the rationale: between the two stands one space."""
    first = _first(question, trigger)
    return first, f"{first}{rationale}{cue}"


@wrong
def LeavesASpaceAtTheEnd(question, trigger, rationale, cue):
    """The prompts end with a space. Most tokenisers put the space into the next token, so the model sees rare text."""
    first, second = two_stage(question, trigger, rationale, cue)
    return f"{first} ", f"{second} "


@wrong
def PutsEachPartOnALine(question, trigger, rationale, cue):
    """Rationale and cue got lines of their own: nothing stands before the rationale, and one space before the cue."""
    first = _first(question, trigger)
    return first, f"{first}\n{rationale}\n{cue}"


@wrong
def FormatsTheFirstAgain(question, trigger, rationale, cue):
    """str.format was called on a text that holds the question, whose braces it took for fields. Copy what is given."""
    first = _first(question, trigger)
    return first, (first + "{} {}").format(rationale, cue)


@wrong
def FormatsWithPercent(question, trigger, rationale, cue):
    """The operator % was used on a text that holds the question, and took its percent signs for fields. Copy what is
    given."""
    first = _first(question, trigger)
    return first, (first + "%s %s") % (rationale, cue)
