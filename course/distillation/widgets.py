"""A temperature slider over what the teacher says about a digit, and the same in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course.common import widgets
from course.distillation.study import CLASSES, TRAIN, Digits

TEMPERATURES = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)


def pictures(digits: Digits) -> list[int]:
    """For each class the test picture of it about which the teacher is least sure."""
    top = digits.zt[TRAIN:].softmax(-1).amax(-1)
    return [TRAIN + int(torch.where(digits.y[TRAIN:] == c, top, 2).argmin()) for c in range(CLASSES)]


def entropy(p: Tensor) -> float:
    """In nats."""
    return torch.special.entr(p).sum().item()


@dataclass(frozen=True)
class View:
    """A teacher of digits, and your `soften`; one figure, whose bars move."""

    digits: Digits
    soften: Callable

    def at(self, row: int, T: float) -> Tensor:
        """The teacher's probabilities for a picture, shape (10,)."""
        return self.soften(self.digits.zt[row], T).cpu()

    def words(self, row: int, T: float) -> str:
        """What the figure shows, for whoever does not see it."""
        p, label = self.at(row, T), int(self.digits.y[row])
        order = p.argsort(descending=True, stable=True).tolist()
        listed = ", ".join(f"{c} {p[c]:.1%}" for c in order[:4])
        return (
            f"Test picture {row - TRAIN}, a {label}. At T = {T:g} the teacher says {listed}; all others "
            f"{p[order[4:]].sum():.1%}. Entropy {entropy(p):.3f} nats, at T = 1 {entropy(self.at(row, 1.0)):.3f}; the "
            f"hard label has 0, ten equal shares have {math.log(CLASSES):.3f}."
        )

    @cached_property
    def drawn(self) -> tuple:
        """The figure, the picture in it and the bars of teacher and label."""
        figure = Figure(figsize=(8.5, 2.7), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 3))
        picture = left.imshow(torch.zeros(8, 8).numpy(), cmap="gray_r", vmin=0, vmax=1)
        left.set(xticks=[], yticks=[])
        teacher = right.bar([c - 0.2 for c in range(CLASSES)], [0.0] * CLASSES, 0.4, label="teacher, softened")
        label = right.bar([c + 0.2 for c in range(CLASSES)], [0.0] * CLASSES, 0.4, label="hard label", fill=False)
        right.set(xticks=range(CLASSES), xlabel="class", ylabel="probability", ylim=(0, 1.05))
        figure.legend(fontsize="small", loc="outside right upper")
        for ax in (left, right):
            ax.set_title(" ")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # places found once: moving bars needs no new ones
        return figure, picture, teacher, label

    def png(self, row: int, T: float) -> bytes:
        figure, picture, teacher, label = self.drawn
        picture.set_data(self.digits.x[row].view(8, 8).cpu().numpy())
        for bars, heights in ((teacher, self.at(row, T)), (label, torch.eye(CLASSES)[self.digits.y[row]])):
            for bar, height in zip(bars, heights.tolist(), strict=True):
                bar.set_height(height)
        left, right = figure.axes
        left.set_title(f"a {int(self.digits.y[row])}")
        right.set_title(f"T = {T:g}: entropy {entropy(self.at(row, T)):.2f} nats")
        return widgets.png(figure)


def temperature_explorer(digits: Digits, soften: Callable, T: float = 1.0) -> ipywidgets.VBox:
    """Build a choice of digits and a slider over the temperature, the figure that they move and a line of words.

    Parameters
    ----------
    digits : Digits
    soften : callable
        Your distillation.soften.
    T : float
        Where the slider starts, one of TEMPERATURES.

    Returns
    -------
    VBox
        Its children are the choice, the slider, the figure (a PNG image) and the line.
    """
    view = View(digits, soften)
    options = [(f"a {int(digits.y[row])}", row) for row in pictures(digits)]
    choice = ipywidgets.Dropdown(options=options, value=options[3][1], description="picture")
    slider = ipywidgets.SelectionSlider(options=[(f"{t:g}", t) for t in TEMPERATURES], value=T, description="T")
    slider.layout.width, slider.tooltip = "32em", "The temperature: move it with the arrow keys"
    shown, line = widgets.picture(), ipywidgets.HTML()

    def move(_: dict | None = None) -> None:
        shown.value = view.png(choice.value, slider.value)
        line.value = widgets.status(view.words(choice.value, slider.value))

    for control in (choice, slider):
        control.observe(move, names="value")
    move()
    return ipywidgets.VBox([choice, slider, shown, line])
