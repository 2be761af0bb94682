"""See what a rank keeps of a matrix: a slider for the notebook, the same figure without one for the reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import ipywidgets
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course.common import widgets


def picture(rows: int = 6, columns: int = 8) -> Tensor:
    """A sheet of handwritten digits, shape (8 rows, 8 columns), whose singular values decay."""
    from sklearn.datasets import load_digits

    images = torch.tensor(load_digits().images[: rows * columns] / 16, dtype=torch.float32)
    return images.view(rows, columns, 8, 8).permute(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


@dataclass(frozen=True)
class View:
    """A matrix and what your `truncate` makes of it."""

    truncate: Callable
    matrix: Tensor
    known: dict[int, tuple[Tensor, float]] = field(default_factory=dict)

    @property
    def ranks(self) -> range:
        return range(1, min(self.matrix.shape) + 1)

    @cached_property
    def tail(self) -> Tensor:
        """Sum of the squared singular values beyond each rank, shape (ranks,): what Eckart and Young allow."""
        squares = torch.linalg.svdvals(self.matrix).square()
        return squares.flip(0).cumsum(0).flip(0) - squares

    def at(self, rank: int) -> tuple[Tensor, float]:
        """The matrix at this rank and the squared error that your `truncate` reports."""
        if rank not in self.known:
            B, A, error = self.truncate(self.matrix, rank)
            self.known[rank] = (B @ A, float(error))
        return self.known[rank]

    def words(self, rank: int) -> str:
        """What the figure shows at this rank, for whoever does not see it."""
        error, whole = self.at(rank)[1], self.matrix.square().sum().item()
        numbers, entries = rank * sum(self.matrix.shape), self.matrix.numel()
        return (
            f"Rank {rank} of at most {len(self.ranks)}: squared error {error:.4g}, {error / whole:.1%} of the "
            f"squared norm; the Eckart–Young tail is {self.tail[rank - 1]:.4g}. The two factors hold {numbers:,} "
            f"numbers, {numbers / entries:.1%} of the matrix's {entries:,}."
        )

    def draw(self, rank: int, axes: Sequence[Axes]) -> None:
        """Draw the matrix, its reconstruction, the error and the count on four axes."""
        limits = {"cmap": "gray", "vmin": self.matrix.min().item(), "vmax": self.matrix.max().item()}
        for ax, image, title in zip(axes, (self.matrix, self.at(rank)[0]), ("original", f"rank {rank}"), strict=False):
            ax.imshow(image.numpy(), **limits)
            ax.set(title=title, xticks=[], yticks=[])
        whole = self.matrix.square().sum()
        axes[2].plot(self.ranks, self.tail / whole, label="Eckart–Young tail")
        axes[2].plot(rank, self.at(rank)[1] / whole, "o", label="your truncate")
        axes[2].set(title="squared error", xlabel="rank", ylabel="share of the squared norm", ylim=(0, None))
        numbers = sum(self.matrix.shape)
        axes[3].plot(self.ranks, [numbers * r for r in self.ranks], label="B and A: r (d_out + d_in)")
        axes[3].plot(rank, numbers * rank, "o")
        axes[3].axhline(self.matrix.numel(), ls=":", color="k", label="matrix: d_out · d_in")
        axes[3].set(title="numbers to store", xlabel="rank", ylim=(0, None))
        for ax in axes[2:]:
            ax.legend(fontsize="x-small")


def rank_figure(truncate: Callable, ranks: Sequence[int] = (1, 4, 12), matrix: Tensor | None = None) -> Figure:
    """Draw one row of panels for each rank: what `rank_explorer` shows, for pages where nothing can be moved.

    Parameters
    ----------
    truncate : callable
        Your lora.truncate.
    ranks : sequence of int
    matrix : Tensor, shape (d_out, d_in), or None
        None means a sheet of digits.
    """
    view = View(truncate, picture() if matrix is None else matrix.detach().cpu())
    size = (12, 2.7 * len(ranks))
    figure, axes = plt.subplots(len(ranks), 4, figsize=size, squeeze=False, layout="constrained")
    for rank, row in zip(ranks, axes, strict=True):
        view.draw(rank, row)
    return figure


def rank_explorer(truncate: Callable, matrix: Tensor | None = None, rank: int = 4) -> ipywidgets.VBox:
    """Build a slider over the rank, the figure it moves and a line that says its numbers in words.

    The slider takes the arrow keys, page up and down, home and end once it has the focus.

    Parameters
    ----------
    truncate : callable
        Your lora.truncate.
    matrix : Tensor, shape (d_out, d_in), or None
        None means a sheet of digits; `study.changes[1][0]` is what full fine-tuning changed in one network.
    rank : int
        Where the slider starts.

    Returns
    -------
    VBox
        Its children are the slider, the figure (a PNG image) and the line.
    """
    view = View(truncate, picture() if matrix is None else matrix.detach().cpu())
    slider = ipywidgets.IntSlider(rank, view.ranks[0], view.ranks[-1], description="rank r", continuous_update=False)
    slider.layout.width, slider.tooltip = "32em", "The rank: move it with the arrow keys"
    shown, line = widgets.picture(), ipywidgets.HTML()

    def move(change: dict) -> None:
        shown.value = _png(view, change["new"])
        line.value = widgets.status(view.words(change["new"]))

    slider.observe(move, names="value")
    move({"new": rank})
    return ipywidgets.VBox([slider, shown, line])


def _png(view: View, rank: int) -> bytes:
    figure = Figure(figsize=(12, 2.9), layout="constrained")
    view.draw(rank, figure.subplots(1, 4))
    return widgets.png(figure)
