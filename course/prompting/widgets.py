"""A prompt playground: what the course model would write next, and how sure it is."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.common import widgets
from course.model import SIZES, load
from course.model.generation import complete

SHOWN = 12
START = "Task: reverse\nInput: ticket\nOutput: "


@dataclass(frozen=True)
class View:
    """A model, by its name, and what it would go on with."""

    name: str

    @cached_property
    def loaded(self) -> tuple:
        return load(self.name)

    @torch.no_grad()
    def next(self, prompt: str) -> list[tuple[str, float]]:
        """The most probable next tokens (of the course model: characters) and their probabilities."""
        model, tokenizer = self.loaded
        ids = torch.tensor([tokenizer(prompt)["input_ids"] or [tokenizer.bos_token_id]])
        top = model(ids).logits[0, -1].softmax(0).topk(min(SHOWN, model.config.vocab_size))
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        return [(_shown(tokenizer.decode([token]), token == tokenizer.eos_token_id), p) for token, p in pairs]

    def goes_on(self, prompt: str, longest: int = 60) -> str:
        """The greedy continuation up to the end of the line."""
        return complete(*self.loaded, [prompt], longest)[0]

    def words(self, prompt: str) -> str:
        """What the figure shows, for whoever does not see it, and the continuation."""
        found = self.next(prompt)
        listed = ", ".join(f"{token} {p:.1%}" for token, p in found[:5])
        rest = 1 - sum(p for _, p in found[:5])
        return (
            f"Next: {listed}; all others {max(0, rest):.1%}. Greedy continuation: {self.goes_on(prompt) or '(nothing)'}"
        )

    def draw(self, prompt: str, ax: Axes) -> None:
        """Draw the probabilities of the next characters as bars."""
        names, values = zip(*self.next(prompt), strict=True)
        drawn = ax.bar(range(len(names)), values)
        ax.bar_label(drawn, [f"{value:.2f}" if value >= 0.005 else "" for value in values], fontsize=7)
        ax.set_xticks(range(len(names)), names, family="monospace")
        ax.set(ylim=(0, 1.08), ylabel="probability", title=f"What comes next, by the {self.name} model")


def _shown(text: str, ends: bool) -> str:
    return "[end]" if ends else {" ": "space", "\n": "\\n"}.get(text, text)


def playground(prompt: str = START, sizes: tuple[str, ...] = SIZES) -> ipywidgets.VBox:
    """Build a field for a prompt, a choice of models, the next characters' probabilities and the same in words.

    The figure follows when the field loses the focus or the button is pressed. Parameters may name any causal language
    models.

    Returns
    -------
    VBox
        Its children are the field, a row with the choice and the button, the figure (a PNG image) and the line.
    """
    views = {size: View(size) for size in sizes}
    field = ipywidgets.Textarea(prompt, description="prompt", continuous_update=False, rows=6)
    field.layout.width, field.tooltip = "48em", "The prompt; the model reads it up to its last character, spaces too"
    choice = ipywidgets.Dropdown(options=list(sizes), description="model")
    button = ipywidgets.Button(description="Show what comes next", layout={"width": "auto"})
    shown, line = widgets.picture(), ipywidgets.HTML()

    def show(_: object = None) -> None:
        view = views[choice.value]
        shown.value = _png(view, field.value)
        line.value = widgets.status(html.escape(view.words(field.value)))

    field.observe(show, names="value")
    choice.observe(show, names="value")
    button.on_click(show)
    show()
    return ipywidgets.VBox([field, ipywidgets.HBox([choice, button]), shown, line])


def _png(view: View, prompt: str) -> bytes:
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    view.draw(prompt, figure.subplots())
    return widgets.png(figure)
