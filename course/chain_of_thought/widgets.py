"""Go through a chain with the model: a slider for the notebook, the same figure without it for the reading."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ipywidgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.chain_of_thought.study import MOD, Chain, chain, numbers, parse, room
from course.common import widgets
from course.model.asking import Subject

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION = "start 7; plus 12; times 3; square; minus 8"
UNWRITTEN = "Write run first: the chain's right steps come from it."
AHEAD, SHOWN = 3, 5  # tokens that are looked ahead, candidates shown for each


@dataclass(frozen=True)
class Walk:
    """A chain, what a model wrote for it, and how sure it was.

    Attributes
    ----------
    chain : Chain
    text : str
        What the model wrote after "Steps:".
    steps : list of int
        The integers in it, up to its "A:".
    stops : list of int
        Where in the text 0, 1, 2, ... steps are written.
    starts : list of int
        Where in the text each token begins.
    likeliest : list of list of (str, float)
        For each token the candidates in its place and their probabilities, the likeliest first.
    """

    chain: Chain
    text: str
    steps: list[int]
    stops: list[int]
    starts: list[int]
    likeliest: list[list[tuple[str, float]]]

    def next(self, k: int) -> list[list[tuple[str, float]]]:
        """The candidates for each of the next tokens, once k steps are written."""
        first = next((i for i, start in enumerate(self.starts) if start >= self.stops[k]), len(self.starts))
        return self.likeliest[first : first + AHEAD]

    def verdict(self, k: int) -> str:
        """What operation the k-th step belongs to, and whether it is right; a model may write too many."""
        written = self.steps[k - 1]
        if k > len(self.chain.ops):
            return f"step {k}: {written}, one too many"
        name, number = self.chain.ops[k - 1]
        operation = name if name == "square" else f"{name} {number}"
        wanted = self.chain.steps[k - 1]
        return f"step {k}, {operation}: {written}, {'right' if written == wanted else f'wrong: {wanted} is right'}"

    def words(self, k: int) -> str:
        """What the figure shows once k steps are written, for whoever does not see it."""
        written = self.text[: self.stops[k]].strip() or "nothing yet"
        ahead = ", then ".join(
            " or ".join(f"{token} ({p:.2f})" for token, p in candidates[:2]) for candidates in self.next(k)
        )
        last = f"The last is {self.verdict(k)}. " if k else ""
        return (
            f"Question: {self.chain.question}. {k} of {len(self.chain.ops)} steps written: {written}. "
            f"{last}Likeliest next: {ahead or 'nothing, the text ends'}."
        )

    def draw(self, k: int, axes: Sequence[Axes]) -> None:
        """Write question and steps on the first axes, and draw the candidates for the next tokens on the others."""
        question = textwrap.wrap(f"Q: {self.chain.question}", 68)
        lines = [*question, "Steps:", *map(self.verdict, range(1, k + 1))]
        axes[0].axis("off")
        axes[0].text(0, 1, "\n".join(lines), va="top", family="monospace", fontsize=8)
        coming = self.next(k)
        for place, ax in enumerate(axes[1:]):
            if place >= len(coming):
                ax.axis("off")
                continue
            names, values = zip(*reversed(coming[place]), strict=True)
            ax.barh(range(len(names)), values)
            ax.set_yticks(range(len(names)), names, family="monospace")
            ax.set(xlim=(0, 1), xlabel="probability", title=f"next token {place + 1}")


def trouble(run: Callable, question: str) -> str:
    """One sentence on why a question cannot be walked through: its form, or a `run` not written yet; else nothing."""
    try:
        start, ops = parse(question)
    except ValueError as error:
        return str(error)
    try:
        run(start, ops, MOD)
    except NotImplementedError:
        return UNWRITTEN
    return ""


def walk(asked: Subject, run: Callable, question: str = QUESTION) -> Walk:
    """Let the model write its steps and look at the probabilities of every token.

    Parameters
    ----------
    asked : Subject
    run : callable
        Your chain_of_thought.run.
    question : str
        As in QUESTION; the course model knows up to 8 operations, with numbers up to 99 (times: 2 to 9).
    """
    asked_chain = chain(question, run)
    prompt = f"Q: {question}\nSteps:"
    text = " " + asked.complete([prompt], room(len(asked_chain.ops)), stop="\n\n")[0]
    found = asked.tokenizer(prompt + text, return_offsets_mapping=True, return_tensors="pt")
    offsets = found["offset_mapping"][0].tolist()
    places = [i for i, (start, end) in enumerate(offsets) if i and end > max(start, len(prompt))]
    starts = [offsets[i][0] - len(prompt) for i in places]
    with torch.no_grad():
        logits = asked.model(input_ids=found["input_ids"].to(asked.model.device)).logits[0]
    best = logits[[i - 1 for i in places]].float().softmax(-1).topk(SHOWN)
    names = [[_name(asked.tokenizer, token) for token in row] for row in best.indices.tolist()]
    likeliest = [list(zip(*row, strict=True)) for row in zip(names, best.values.tolist(), strict=True)]
    ends = [match.end() for match in re.finditer(r"-?[0-9]+", text.partition("A:")[0])]
    return Walk(asked_chain, text, numbers(text), [0, *ends], starts, likeliest)


def _name(tokenizer: PreTrainedTokenizerBase, token: int) -> str:
    """A token as it is written in code; fonts lack signs for special ones."""
    return "[end]" if token == tokenizer.eos_token_id else ascii(tokenizer.decode([token], skip_special_tokens=True))


def chain_figure(asked: Subject, run: Callable, question: str = QUESTION, steps: Sequence[int] = (0, 2, 4)) -> Figure:
    """Draw one row of panels for each number of written steps: what `chain_stepper` shows, where nothing can be moved.

    Parameters
    ----------
    asked : Subject
    run : callable
        Your chain_of_thought.run.
    question : str
    steps : sequence of int
        More than the model wrote count as all of them.

    Returns
    -------
    Figure
        Holds a sentence instead of panels where `trouble` has one.
    """
    if why := trouble(run, question):
        figure = plt.figure(figsize=(12, 1))
        figure.text(0.01, 0.5, textwrap.fill(why, 110), va="center")
        return figure
    walked = walk(asked, run, question)
    size = (12, 2.4 * len(steps))
    figure, axes = plt.subplots(
        len(steps), 1 + AHEAD, figsize=size, squeeze=False, width_ratios=(3, *[1] * AHEAD), layout="constrained"
    )
    for k, row in zip(steps, axes, strict=True):
        walked.draw(min(k, len(walked.stops) - 1), row)
    return figure


def chain_stepper(asked: Subject, run: Callable, question: str = QUESTION) -> ipywidgets.VBox:
    """Build a slider over the written steps, the figure it moves and a line that says the same in words.

    The slider takes the arrow keys, home and end once it has the focus.

    Parameters
    ----------
    asked : Subject
    run : callable
        Your chain_of_thought.run.
    question : str

    Returns
    -------
    VBox
        Its children are the slider, the figure (a PNG image) and the line; only a line where `trouble` has one.
    """
    if why := trouble(run, question):
        return ipywidgets.VBox([ipywidgets.HTML(widgets.status(html.escape(why)))])
    walked = walk(asked, run, question)
    slider = ipywidgets.IntSlider(0, 0, len(walked.stops) - 1, description="steps", continuous_update=False)
    slider.layout.width, slider.tooltip = "32em", "How many steps are written: move it with the arrow keys"
    shown, line = widgets.picture(), ipywidgets.HTML()

    def move(change: dict) -> None:
        shown.value = _png(walked, change["new"])
        line.value = widgets.status(html.escape(walked.words(change["new"])))

    slider.observe(move, names="value")
    move({"new": 0})
    return ipywidgets.VBox([slider, shown, line])


def _png(walked: Walk, k: int) -> bytes:
    figure = Figure(figsize=(12, 2.6), layout="constrained")
    walked.draw(k, figure.subplots(1, 1 + AHEAD, width_ratios=(3, *[1] * AHEAD)))
    return widgets.png(figure)
