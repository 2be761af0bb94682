"""Answer to chain_of_thought.exemplars."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write a function for one demonstration first: three lines and an empty one. The query's two lines come last.",
    '" ".join needs strings: str(step) for each step. The answer is steps[-1]. An empty line is two newlines in a row.',
    'f"Q: {question}\\nSteps: {written}\\nA: {steps[-1]}\\n\\n" for each demonstration, all joined by nothing, then '
    'f"Q: {query}\\nSteps:".',
)


def exemplars(demonstrations, query):
    shown = [f"Q: {question}\nSteps: {_written(steps)}\nA: {steps[-1]}\n\n" for question, steps in demonstrations]
    return "".join(shown) + f"Q: {query}\nSteps:"


def _written(steps):
    return " ".join(str(step) for step in steps)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def chain(length):
        """A chain and its steps; none comes twice, so that no two mistakes write the same."""
        value = start = draw(2, 10)
        words, steps = [], []
        while len(steps) < length:
            name, operand = ("plus", "minus", "times")[draw(0, 3)], draw(2, 50)
            result = {"plus": value + operand, "minus": value - operand, "times": value * operand}[name] % 100
            if result not in steps:
                words.append(f"{name} {operand}")
                steps.append(result)
                value = result
        return "; ".join([f"start {start}", *words]), steps

    yield case("two demonstrations", demonstrations=[chain(draw(3, 5)), chain(2)], query=chain(3)[0])
    yield case("many demonstrations", demonstrations=[chain(draw(2, 6)) for _ in range(5)], query=chain(4)[0])
    yield case("one demonstration", demonstrations=[chain(draw(3, 6))], query=chain(2)[0])
    yield case("a demonstration of one step", demonstrations=[chain(1), chain(3), chain(1)], query=chain(1)[0])
    yield case("no demonstration", demonstrations=[], query=chain(draw(2, 5))[0])


@right
def line_by_line(demonstrations, query):
    lines = []
    for question, steps in demonstrations:
        lines += [f"Q: {question}", "Steps:" + "".join(f" {step}" for step in steps), f"A: {steps[-1]}", ""]
    return "\n".join([*lines, f"Q: {query}", "Steps:"])


@right
def joined_blocks(demonstrations, query):
    blocks = ["Q: " + q + "\nSteps: " + " ".join(map(str, s)) + "\nA: " + str(s[-1]) for q, s in demonstrations]
    return "\n\n".join([*blocks, "Q: " + query + "\nSteps:"])


@second_source("jinja2: a template, as chat templates are written")
def jinja_template(demonstrations, query):
    from jinja2 import Template

    one = "Q: {{ question }}\nSteps: {{ steps | join(' ') }}\nA: {{ steps | last }}\n\n"
    template = "{% for question, steps in shown %}" + one + "{% endfor %}Q: {{ query }}\nSteps:"
    return Template(template).render(shown=demonstrations, query=query)


def _with_examples(demonstrations, query, shape, end="\nSteps:"):
    shown = (shape.format(q=q, steps=_written(s), answer=s[-1]) for q, s in demonstrations)
    return "".join(shown) + f"Q: {query}{end}"


@wrong
def AnswersFirst(demonstrations, query):
    """The answers stand before their steps. What is written first cannot use what comes later."""
    return _with_examples(demonstrations, query, "Q: {q}\nA: {answer}\nSteps: {steps}\n\n")


@wrong
def LeavesOutTheSteps(demonstrations, query):
    """The demonstrations show no steps: that is a plain few-shot prompt, and the model will answer at once."""
    return _with_examples(demonstrations, query, "Q: {q}\nA: {answer}\n\n", "\nA:")


@wrong
def AsksForTheAnswer(demonstrations, query):
    """The prompt ends with a cue for the answer: the model would answer before any step."""
    return _with_examples(demonstrations, query, "Q: {q}\nSteps: {steps}\nA: {answer}\n\n", "\nA:")


@wrong
def EndsWithASpace(demonstrations, query):
    """A space ends the prompt. In training it comes with the first step; many tokenisers join it to what follows."""
    return exemplars(demonstrations, query) + " "


@wrong
def EndsWithANewline(demonstrations, query):
    """A newline ends the prompt: stop right after the colon, so that the model goes on in that line."""
    return exemplars(demonstrations, query) + "\n"


@wrong
def EndsAtTheQuestion(demonstrations, query):
    """The prompt ends with the query's question: a line that calls for its steps must follow."""
    return _with_examples(demonstrations, query, "Q: {q}\nSteps: {steps}\nA: {answer}\n\n", "")


@wrong
def RunsTogether(demonstrations, query):
    """The empty line after a demonstration is missing. Look at the newlines after its answer."""
    return _with_examples(demonstrations, query, "Q: {q}\nSteps: {steps}\nA: {answer}\n")


@wrong
def PrintsTheList(demonstrations, query):
    """The steps were printed as a Python list: separate them by spaces, without brackets and commas."""
    shown = "".join(f"Q: {q}\nSteps: {s}\nA: {s[-1]}\n\n" for q, s in demonstrations)
    return shown + f"Q: {query}\nSteps:"


@wrong
def StopsBeforeTheLastStep(demonstrations, query):
    """The last step is missing from the rationales. It is the answer, but it is a step as well."""
    shown = "".join(f"Q: {q}\nSteps: {_written(s[:-1])}\nA: {s[-1]}\n\n" for q, s in demonstrations)
    return shown + f"Q: {query}\nSteps:"


@wrong
def ReversesTheOrder(demonstrations, query):
    """The demonstrations were reversed: keep the order given, which can change what a model answers."""
    return exemplars(demonstrations[::-1], query)
