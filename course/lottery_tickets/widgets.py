"""A ticket explorer: how a ticket or one of its controls learns, and which weights it has."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course.common import widgets
from course.common.plotting import spread
from course.lottery_tickets.networks import kept
from course.lottery_tickets.study import ARMS, Comparison


@dataclass(frozen=True)
class View:
    """Everything that was compared; nothing is trained here."""

    found: Comparison

    def densities(self, r: int, name: str) -> Tensor:
        """The share of each layer that is kept, shape (layers, seeds)."""
        masks = self.found.arms[self.found.place(r, name)].masks
        return torch.tensor([[mask.float().mean() for mask in own.values()] for own in masks]).T

    def pixels(self, r: int, name: str) -> Tensor:
        """Of the first network: how many of the first layer's weights read each pixel, shape (8, 8)."""
        first = next(iter(self.found.arms[self.found.place(r, name)].masks[0].values()))
        return first.sum(0).view(8, 8)

    def words(self, r: int, name: str) -> str:
        """What the figure shows, for whoever does not see it."""
        masks = self.found.arms[self.found.place(r, name)].masks
        pixels, shares = self.pixels(r, name), 100 * self.densities(r, name).mean(1)
        steps = self.found.steps_to(r, name).median().item()
        reached = "never" if steps == float("inf") else f"after {steps:.0f} steps"
        middle, unread = pixels[:, 2:6].sum() / pixels.sum().clamp(min=1), int((pixels == 0).sum())
        return (
            f"Round {r}, {name}: {kept(masks[0]):,} weights, {self.found.tickets.sparsity(r):.1f}% pruned. Layers keep "
            f"{', '.join(f'{share:.1f}%' for share in shares)}. Accuracy {spread(self.found.final(r, name))}% (dense "
            f"{spread(self.found.final(0))}%); within 2 points of dense {reached} (median). In the first network "
            f"no weight reads {unread} of the 64 pixels, and the four middle columns have {middle:.0%} of the weights."
        )

    def draw(self, r: int, name: str, axes: tuple[Axes, Axes, Axes]) -> None:
        """Draw the learning curve, the pixels and the layers' densities."""
        curves = self.found.curves
        steps = curves.every * (torch.arange(curves.accuracy.shape[-1]) + 1)
        for label, place in (("dense", 0), (name, self.found.place(r, name))):
            mean, std = curves.accuracy[place].mean(0), curves.accuracy[place].std(0)
            axes[0].plot(steps, mean, label=label)
            axes[0].fill_between(steps, mean - std, mean + std, alpha=0.2)
        axes[0].set(xlabel="steps", ylabel="test accuracy (%)", ylim=(0, 101))
        axes[0].set_title("How it learns (band: 1 std)", pad=22)
        axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, borderaxespad=0.2)
        pixels = self.pixels(r, name)
        axes[1].imshow(pixels.numpy(), cmap="viridis", vmin=0)
        title = f"Weights that read each pixel\n(dark: 0, light: {int(pixels.max())})"
        axes[1].set(xticks=[], yticks=[], title=title)
        shares = 100 * self.densities(r, name)
        mean, std = shares.mean(1).tolist(), shares.std(1).tolist()
        axes[2].errorbar(("first", "second", "output"), mean, std, fmt="o", capsize=4)
        for layer, share in enumerate(mean):
            axes[2].annotate(f"{share:.1f}", (layer, share), xytext=(7, 4), textcoords="offset points")
        axes[2].set(ylabel="weights kept (%)", yscale="log", ylim=(0.5, 150), xlim=(-0.4, 2.6))
        axes[2].set_yticks([1, 10, 100], ["1", "10", "100"])
        axes[2].set_title("What each layer keeps (bar: 1 std)")


def ticket_explorer(found: Comparison, r: int = 7, name: str = "ticket") -> ipywidgets.VBox:
    """Build a slider over the rounds, a choice of what starts, the figure that they move and a line in words.

    All pictures are drawn at once, so that moving the slider costs nothing.

    Parameters
    ----------
    found : Comparison
        What study.compare returned.
    r : int
        The round at which the slider starts, one of found.rounds.
    name : str
        One of study.ARMS.

    Returns
    -------
    VBox
        Its children are the slider, the choice, the figure (a PNG image) and the line.
    """
    view = View(found)
    known = {
        (r, name): (_png(view, r, name), widgets.status(view.words(r, name))) for r in found.rounds for name in ARMS
    }
    options = [(f"{r} ({found.tickets.sparsity(r):.1f}% pruned)", r) for r in found.rounds]
    slider = ipywidgets.SelectionSlider(options=options, value=r, description="round", continuous_update=False)
    choice = ipywidgets.Dropdown(options=list(ARMS), value=name, description="start")
    slider.layout.width, slider.tooltip = "32em", "The round of pruning: move it with the arrow keys"
    shown, line = widgets.picture(), ipywidgets.HTML()
    shown.tooltip = (
        "Learning curves, weights on each pixel and the layers' densities; the line below says them in words"
    )

    def show(_: object = None) -> None:
        shown.value, line.value = known[slider.value, choice.value]

    slider.observe(show, names="value")
    choice.observe(show, names="value")
    show()
    return ipywidgets.VBox([slider, choice, shown, line])


def _png(view: View, r: int, name: str) -> bytes:
    figure = Figure(figsize=(12, 3.6))  # a computed layout would take as long as all the rest
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.15, top=0.82, wspace=0.25)
    view.draw(r, name, figure.subplots(1, 3, width_ratios=(1.5, 1, 1)))
    return widgets.png(figure)
