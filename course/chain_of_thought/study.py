"""Chains of arithmetic answered at once, after filler or step by step: how often the answer is right, and the cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course.common import device as devices
from course.common import plotting
from course.model import data, load
from course.model.asking import Measured, Subject

MOD = 100
LENGTHS = (1, 2, 3, 4, 6, 8)
ITEMS = {"cpu": 40, "cuda": 1000}
ANSWER = 4  # tokens that " 17" and an end need; a rationale needs 3 for each step more
TRAIN, TEST = 4000, 1000
GRAMMAR = (
    'Write a question as "start 7; plus 12; times 3; minus 40; square": a start, then operations, each after "; ". '
    "An operation is plus, minus or times with a number, or square."
)

Curves = dict[str, dict[int, Measured]]
Prompt = Callable[["Chain"], str]


@dataclass(frozen=True)
class Chain:
    """A question, and what it is made of.

    Attributes
    ----------
    question : str
        "start 7; plus 12; times 3; minus 40", as prompts show it.
    start : int
    ops : list of (str, int)
    steps : list of int
        What your `run` says, without the start.
    """

    question: str
    start: int
    ops: list[tuple[str, int]]
    steps: list[int]

    @property
    def answer(self) -> int:
        return self.steps[-1]


def subject(name: str = "large", items: int | None = None) -> Subject:
    """Load a model and decide on how many chains it is asked each time: 40 on a CPU, 1000 on a GPU.

    Parameters
    ----------
    name : str
        "large" or "small" for the course's own; else a folder, or a model's name on the Hugging Face Hub.
    items : int or None
    """
    device = devices.best()
    return Subject(*load(name, device), items or ITEMS[device.type])


def parse(question: str) -> tuple[int, list[tuple[str, int]]]:
    """The start and the operations that a question names; a square gets the number 0.

    Raises
    ------
    ValueError
        Where the question is written in another way; the message is GRAMMAR.
    """
    if not re.fullmatch(r"start -?[0-9]+(; ((plus|minus|times) [0-9]+|square))+", question):
        raise ValueError(GRAMMAR)
    start, *parts = question.split("; ")
    named = (part.partition(" ") for part in parts)
    return int(start.removeprefix("start ")), [(name, int(number or 0)) for name, _, number in named]


def chain(question: str, run: Callable) -> Chain:
    """A chain from its question, with the steps of your `run`; ValueError, as in `parse`, if it is none."""
    start, ops = parse(question)
    return Chain(question, start, ops, run(start, ops, MOD)[1:])


def chains(asked: Subject, run: Callable, length: int, count: int | None = None, name: str = "chain") -> list[Chain]:
    """Draw chains of one length that training did not see; the same ones each time, others for another name."""
    rng = asked.rng(f"{name} {length}")
    return [chain(data.chain(rng, length)[0], run) for _ in range(count or asked.items)]


def answers(asked: Subject, prompts: Sequence[str], extract: Callable, longest: int = ANSWER) -> list[int | None]:
    """What your `extract` reads after "A:", whether the prompt ends with that or the model has to write it."""
    texts = asked.complete(prompts, longest, stop="\n\n")
    return [
        extract("A:" + text if prompt.endswith("A:") else text, "A:")
        for prompt, text in zip(prompts, texts, strict=True)
    ]


def room(length: int) -> int:
    """Tokens that a rationale of this many steps and its answer need, with "Steps:" before it."""
    return 3 * length + 16


def out_of(hits: int, trials: int) -> Measured:
    """A count whose place in a table says what was counted."""
    return Measured("", "", hits, trials)


def right(given: Sequence[int | None], drawn: Sequence[Chain]) -> Measured:
    """How many answers are those of their chains."""
    return out_of(sum(a == c.answer for a, c in zip(given, drawn, strict=True)), len(drawn))


def accuracy(
    asked: Subject, styles: Mapping[str, Prompt], run: Callable, extract: Callable, lengths: Sequence[int] = LENGTHS
) -> Curves:
    """Ask chains of every length in every style.

    Parameters
    ----------
    asked : Subject
    styles : dict of name to function
        The function makes a prompt of a Chain.
    run, extract : callable
        Your own.
    lengths : sequence of int

    Returns
    -------
    dict of style to dict of length to Measured
    """
    curves: Curves = {style: {} for style in styles}
    for length in lengths:
        drawn = chains(asked, run, length)
        for style, prompt in styles.items():
            prompts = [prompt(c) for c in drawn]
            longest = ANSWER if prompts[0].endswith("A:") else room(length)
            curves[style][length] = right(answers(asked, prompts, extract, longest), drawn)
    return curves


def guessing(asked: Subject, run: Callable, floor: Callable, lengths: Sequence[int] = LENGTHS) -> dict[int, Measured]:
    """What your `floor` says for each length; its guesser sees 4000 chains and is asked 1000 others."""
    found = {}
    for length in lengths:
        train, test = (chains(asked, run, length, n, name) for n, name in ((TRAIN, "train"), (TEST, "test")))
        split = (part for drawn in (train, test) for part in ([c.ops for c in drawn], [c.answer for c in drawn]))
        found[length] = out_of(round(TEST * floor(*split)), TEST)
    return found


def two_calls(
    asked: Subject, drawn: Sequence[Chain], prompts: Callable[[str, str], tuple[str, str]], cue: str, extract: Callable
) -> tuple[Measured, str]:
    """Call the model for a line of rationale, then for an answer.

    Parameters
    ----------
    asked : Subject
    drawn : sequence of Chain
    prompts : callable
        Makes both prompts of a question and a rationale, which begins with a space; the first ignores the rationale.
    cue : str
        What the second prompt ends with; the answer is the first integer after it.
    extract : callable

    Returns
    -------
    Measured
    str
        The last chain's second prompt and what the model wrote after it.
    """
    lines = asked.complete([prompts(c.question, "")[0] for c in drawn], room(len(drawn[0].ops)))
    second = [prompts(c.question, f" {line}")[1] for c, line in zip(drawn, lines, strict=True)]
    texts = asked.complete(second, 8)
    return right([extract(cue + text, cue) for text in texts], drawn), f"{second[-1]} {texts[-1]}"


def cost(asked: Subject, styles: Mapping[str, Prompt], example: Chain, serial_depth: Callable) -> str:
    """A table of what one answer costs in each style: tokens, layer computations and milliseconds.

    Every prompt is asked alone, as a user would. Depth and work count all that comes before the answer's own
    characters, up to "A:".
    """
    layers, lines = asked.model.config.num_hidden_layers, ["", ""]
    prompts = {style: prompt(example) for style, prompt in styles.items()}
    works = [
        partial(asked.complete, [prompt], ANSWER if prompt.endswith("A:") else room(len(example.ops)), stop="\n\n")
        for prompt in prompts.values()
    ]
    written = [work()[0] for work in works]
    for (style, prompt), text, ms in zip(
        prompts.items(), written, devices.medians_ms(works, asked.model.device), strict=True
    ):
        before = "" if prompt.endswith("A:") else " " + text.partition("A:")[0] + "A:"
        texts = (prompt, prompt + before, f"{prompt} {text}")
        read, wrote, whole = (len(asked.tokenizer(part)["input_ids"]) for part in texts)
        depth, work = serial_depth(layers, [False] * read + [True] * (wrote - read))
        lines.append(f"{style:28}{read:10}{whole - read:9}{depth:9}{work:9}{ms:14.0f}")
    lines[0] = f"{devices.machine(asked.model.device)}; {len(example.ops)} steps, {layers} layers"
    lines[1] = f"{'':28}{'read':>10}{'written':>9}{'depth':>9}{'work':>9}{'ms an answer':>14}"
    return "\n".join(lines)


def numbers(text: str) -> list[int]:
    """The steps in what a model wrote after "Steps:": every integer before its "A:"."""
    return [int(number) for number in re.findall(r"-?[0-9]+", text.partition("A:")[0])]


def say(measured: Measured) -> str:
    """A share and its interval, for a table."""
    low, high = measured.interval()
    return f"{measured.share:.3f} [{low:.3f}, {high:.3f}]"


def table(curves: Curves, what: str = "steps") -> str:
    """Shares with 95% intervals, a line for each curve."""
    columns = sorted({x for curve in curves.values() for x in curve})
    rows = [[what, *map(str, columns)]]
    rows += [[name, *(say(curve[x]) if x in curve else "" for x in columns)] for name, curve in curves.items()]
    return "\n".join(f"{row[0]:36}" + "".join(f"{entry:>22}" for entry in row[1:]) for row in rows)


def commonest(values: Iterable[int]) -> int:
    """The commonest value, the smallest of several, as in your `floor`."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def plot(curves: Curves, x: str, title: str, y: str = "share of right answers") -> Figure:
    """One line for each curve; bars are Wilson's 95% intervals over the chains."""
    figure, ax = plt.subplots(layout="constrained")
    for i, (name, curve) in enumerate(curves.items()):
        at = [place + 0.04 * (i - len(curves) / 2) for place in curve]
        found = curve.values()
        plotting.intervals(ax, at, [own.share for own in found], [own.interval() for own in found], name)
    ax.set_xticks(sorted({place for curve in curves.values() for place in curve}))
    trials = sorted({measured.trials for curve in curves.values() for measured in curve.values()})
    counted = f"{trials[0]}" if len(trials) == 1 else f"{trials[0]} to {trials[-1]}"
    ax.set(xlabel=x, ylabel=y, title=f"{title}\n({counted} items a point, bars: 95% Wilson)")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    return figure
