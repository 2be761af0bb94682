"""A slider over the sparsity: what pruning does to the accuracy, to each layer and to the weights' histogram."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from torch import Tensor

from course.common import device as devices
from course.common import widgets
from course.common.plotting import spread
from course.pruning.study import Method, Nets, Pruned, masks_of

STOPS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
BINS = 60


@dataclass(frozen=True)
class Stop:
    """Networks pruned by one method to one sparsity: accuracies (seeds,) in percent, and the first network's masks."""

    accuracy: Tensor
    masks: list[Tensor]
    on_paths: float  # percent of the first network's weights

    def densities(self) -> list[float]:
        """Percent of each layer's weights that are kept."""
        return [100 * mask.float().mean().item() for mask in self.masks]


@dataclass(frozen=True)
class View:
    """Everything that the slider can show, computed before it moves."""

    weights: list[Tensor]
    stops: dict[tuple[str, float], Stop]
    after: Mapping[tuple[str, float], Tensor]

    @classmethod
    @devices.threads(1)
    def of(cls, nets: Nets, ways: Mapping[str, Method], effective: Callable, pruned: Pruned | None) -> View:
        keys, stops = [(name, sparsity) for name in ways for sparsity in STOPS], {}
        for name, sparsity in keys:
            masks = masks_of(nets, [(ways[name], sparsity)])
            first = [mask[0].cpu() for mask in masks]
            on_paths = sum(int(mask.sum()) for mask in effective(first)) / sum(mask.numel() for mask in first)
            stops[name, sparsity] = Stop(nets.masked(masks).accuracy()[0], first, 100 * on_paths)
        return cls(nets.weights(0), stops, pruned.after if pruned else {})

    def words(self, method: str, sparsity: float) -> str:
        """What the figure shows, for whoever does not see it."""
        stop = self.stops[method, sparsity]
        layers = ", ".join(f"layer {i + 1} keeps {kept:.1f}%" for i, kept in enumerate(stop.densities()))
        trained = self.after.get((method, sparsity))
        later = "" if trained is None else f", {spread(trained)}% when trained on ({len(trained)} networks)"
        return (
            f"{method}, {sparsity:.1%} pruned: test accuracy {spread(stop.accuracy)}% "
            f"({len(stop.accuracy)} networks){later}. In the first network "
            f"{layers}; {stop.on_paths:.1f}% of all weights lie on whole paths."
        )


class Drawing:
    """The figure: what never changes is drawn once, so that a move of the slider costs few milliseconds."""

    def __init__(self, view: View, size: tuple[float, float] = (12, 2.7)) -> None:
        self.view = view
        self.figure = Figure(figsize=size, dpi=80, layout="constrained")
        self.canvas = FigureCanvasAgg(self.figure)
        first, *layers = self.figure.subplots(1, 1 + len(view.weights))
        self._curves(first)
        self.point = first.plot([], [], "ko", ms=7, animated=True)[0]
        self.bar = first.plot([], [], "k-", animated=True)[0]
        self.edges = [torch.linspace(-1, 1, BINS + 1) * w.abs().max() for w in view.weights]
        self.bars, self.titles = [], []
        for ax, w, edges in zip(layers, view.weights, self.edges, strict=True):
            whole = torch.histogram(w, edges).hist.tolist()
            ax.stairs(whole, edges.tolist(), fill=True, color="0.8", label="pruned")
            self.bars.append(ax.stairs(whole, edges.tolist(), fill=True, color="C0", label="kept", animated=True))
            self.titles.append(ax.text(0.5, 1.03, "", ha="center", transform=ax.transAxes, animated=True))
            ax.set(title=" ", xlabel=f"weights of layer {len(self.bars)}", yticks=[])
        layers[0].legend(fontsize="x-small")
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def _curves(self, ax: Axes) -> None:
        """The accuracy of every method before and, where it is known, after training on."""
        for i, name in enumerate(dict.fromkeys(name for name, _ in self.view.stops)):
            ax.plot(STOPS, [self.view.stops[name, s].accuracy.mean() for s in STOPS], color=f"C{i}", label=name)
            own = {s: runs for (other, s), runs in self.view.after.items() if other == name}
            if own:
                values = [[runs.mean() for runs in own.values()], [runs.std() for runs in own.values()]]
                ax.errorbar(list(own), *values, fmt="x:", capsize=2, lw=1, color=f"C{i}", label=f"{name}, trained on")
        ax.set(title="test accuracy (%)", xlabel="sparsity", ylim=(0, 102))
        ax.legend(fontsize="small", loc="lower left")

    def png(self, method: str, sparsity: float) -> bytes:
        """The figure with the chosen point, and the histogram of each layer's weights with what is kept."""
        stop = self.view.stops[method, sparsity]
        mean, std = stop.accuracy.mean().item(), stop.accuracy.std().item()
        self.point.set_data([sparsity], [mean])
        self.bar.set_data([sparsity] * 2, [mean - std, mean + std])
        for bars, title, edges, w, mask in zip(
            self.bars, self.titles, self.edges, self.view.weights, stop.masks, strict=True
        ):
            bars.set_data(torch.histogram(w[mask], edges).hist.tolist())
            title.set_text(f"{100 * mask.float().mean():.1f}% of {w.numel():,} kept")
        self.canvas.restore_region(self.background)
        for artist in (self.bar, self.point, *self.bars, *self.titles):
            artist.axes.draw_artist(artist)
        buffer = io.BytesIO()
        imsave(buffer, self.canvas.buffer_rgba(), format="png")
        return buffer.getvalue()


def sparsity_explorer(
    nets: Nets, ways: Mapping[str, Method], effective: Callable, pruned: Pruned | None = None, sparsity: float = 0.9
) -> ipywidgets.VBox:
    """Build a slider (arrow keys move it), a choice of methods, the figure that they move and its numbers in words.

    Parameters
    ----------
    nets : Nets
        Trained networks; histograms and layers are those of the first.
    ways : mapping of str to method
    effective : callable
        Your pruning.effective.
    pruned : Pruned, optional
        What `study.one_shot` found, for the accuracies after training on.
    sparsity : float
        Where the slider starts: one of STOPS.

    Returns
    -------
    VBox
        Its children are a row with the slider and the choice, the figure (a PNG image) and the line.
    """
    drawing = Drawing(view := View.of(nets, ways, effective, pruned))
    options = [(f"{stop:.1%}", stop) for stop in STOPS]
    slider = ipywidgets.SelectionSlider(options=options, value=sparsity, continuous_update=False)
    slider.description, slider.layout.width = "sparsity", "32em"
    slider.tooltip = "The sparsity: move it with the arrow keys"
    choice = ipywidgets.Dropdown(options=list(ways), description="ranking")
    shown, line = widgets.picture(), ipywidgets.HTML()

    def show(_: object = None) -> None:
        shown.value = drawing.png(choice.value, slider.value)
        line.value = widgets.status(view.words(choice.value, slider.value))

    slider.observe(show, names="value")
    choice.observe(show, names="value")
    show()
    return ipywidgets.VBox([ipywidgets.HBox([slider, choice]), shown, line])
