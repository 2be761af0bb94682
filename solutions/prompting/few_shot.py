"""Answer to prompting.few_shot."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write the prompt for two demonstrations by hand, a newline at each line's end. What are its very last characters?",
    "Each demonstration is x + separator + y + a newline. What is left of that pattern for the query?",
    'Join "".join(f"{x}{separator}{y}\\n" for x, y in pairs) and the query with its separator; add nothing after it.',
)


def few_shot(pairs, query, separator):
    return "".join(f"{x}{separator}{y}\n" for x, y in pairs) + query + separator


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def word(length):
        return "".join("abcdefghijklmnopqrstuvwxyz"[number(0, 26)] for _ in range(length))

    def pairs(count):
        return [(word(3), word(4)) for _ in range(count)]

    yield case("no demonstration", pairs=[], query=word(5), separator=" -> ")
    yield case("one demonstration", pairs=pairs(1), query=word(5), separator=" = ")
    yield case("several", pairs=pairs(number(3, 6)), query=word(6), separator=" -> ")
    yield case("several", pairs=pairs(number(3, 6)), query=word(4), separator=" :  ")
    (x, y), *others = pairs(3)
    yield case("an input appears twice", pairs=[(x, y), *others, (x, word(5))], query=others[0][0], separator=" => ")


@right
def loop(pairs, query, separator):
    prompt = ""
    for x, y in pairs:
        prompt += x + separator + y + "\n"
    return prompt + query + separator


@right
def joined_lines(pairs, query, separator):
    return "\n".join([separator.join(pair) for pair in pairs] + [query + separator])


@second_source("jinja2 3.1: a template, as those of chat models are")
def jinja_template(pairs, query, separator):
    from jinja2 import Template

    template = Template("{% for x, y in pairs %}{{ x }}{{ sep }}{{ y }}{{ '\\n' }}{% endfor %}{{ query }}{{ sep }}")
    return template.render(pairs=pairs, query=query, sep=separator)


@wrong
def EndsWithANewline(pairs, query, separator):
    """The prompt ends with a newline, which says that the line is complete. It stops where the answer would begin."""
    return few_shot(pairs, query, separator) + "\n"


@wrong
def ReversesTheDemonstrations(pairs, query, separator):
    """The demonstrations stand in reverse. Their order moves a model's answer: keep the one given."""
    return few_shot(pairs[::-1], query, separator)


@wrong
def LeaksAnAnswer(pairs, query, separator):
    """After the query stands an output that belongs to a demonstration. The answer is left to the model."""
    return few_shot(pairs, query, separator) + (pairs[-1][1] if pairs else "")


@wrong
def StopsAtTheQuery(pairs, query, separator):
    """The separator after the query is missing: without it the model may still go on with the input."""
    return few_shot(pairs, query, separator).removesuffix(separator)


@wrong
def TrimsTheLastSeparator(pairs, query, separator):
    """The spaces after the last separator were stripped. Every line has the separator exactly as given."""
    return few_shot(pairs, query, separator).rstrip()


@wrong
def IgnoresTheSeparator(pairs, query, separator):
    """The separator is always the same. It is an argument, because a model's answers depend on it."""
    return few_shot(pairs, query, " -> ")


@wrong
def WritesOneLine(pairs, query, separator):
    """Everything stands on one line: a newline ends every demonstration, or no one can tell where an output ends."""
    return "".join(x + separator + y for x, y in pairs) + query + separator


@wrong
def RunsIntoTheQuery(pairs, query, separator):
    """The query stands on the last demonstration's line. join puts newlines between lines only, not after the last."""
    return "\n".join(x + separator + y for x, y in pairs) + query + separator


@wrong
def LeavesABlankLine(pairs, query, separator):
    """There are blank lines: one newline ends a demonstration."""
    return "".join(f"{x}{separator}{y}\n\n" for x, y in pairs) + query + separator


@wrong
def SwapsInputAndOutput(pairs, query, separator):
    """The demonstrations show the task backwards: the first of a pair is the input."""
    return few_shot([(y, x) for x, y in pairs], query, separator)


@wrong
def LosesRepeatedInputs(pairs, query, separator):
    """A demonstration is lost: the same input came twice and a dict keeps one of them. Go through the list."""
    return few_shot(list(dict(pairs).items()), query, separator)


@wrong
def SkipsTheDemonstrations(pairs, query, separator):
    """That is the zero-shot prompt: the demonstrations are missing."""
    return query + separator
