"""The lab's figures and text tables: means over seeds with one standard deviation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course.common import plotting
from course.common.plotting import over_seeds, spread
from course.pruning.schedules import ARMS, Trace
from course.pruning.structure import Narrow
from course.pruning.study import Pruned

Runs = Mapping[tuple[str, float], Tensor]  # by name and sparsity, width or threshold; each of shape (seeds,)


def lines(ax: Axes, runs: Runs, **style) -> None:
    """Draw a line with error bars for each name."""
    for name in dict.fromkeys(name for name, _ in runs):
        own = {x: found for (other, x), found in runs.items() if other == name}
        over_seeds(ax, list(own), list(own.values()), name, **style)
    ax.legend(fontsize="small")


def gap(one: Tensor, other: Tensor) -> str:
    """The difference of two means, and how many standard deviations it is: over the root mean square of the two."""
    difference, z = plotting.gap(one, other)
    return f"{difference:+.1f} (z = {z:+.1f})"


def table(
    runs: Mapping[tuple[str, object], Tensor], unit: str = "sparsity", than: str | None = None, digits: int = 1
) -> Iterator[str]:
    """A line for each name, a column for each x; below, the gaps to one of the names."""
    names, xs = (list(dict.fromkeys(key[i] for key in runs)) for i in (0, 1))
    yield f"{unit:40}" + "".join(f"{x:>20}" for x in xs)
    for name in names:
        yield f"{name:40}" + "".join(f"{spread(runs[name, x], digits):>20}" for x in xs)
    for name in names if than else ():
        if name != than:
            row = "".join(f"{gap(runs[name, x], runs[than, x]):>20}" for x in xs)
            yield f"{f'  {name} - {than}':40}{row}"


def _seeds(runs: Runs) -> int:
    return len(next(iter(runs.values())))


def plot_one_shot(found: Pruned, network: str) -> Figure:
    """Accuracy against sparsity for each ranking, before and after training on."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    for ax, runs, title in zip(
        axes, (found.before, found.after), ("pruned", "then trained on, mask held"), strict=True
    ):
        lines(ax, runs)
        ax.set(xlabel="sparsity", title=title, ylim=(0, 102), xticks=list(dict.fromkeys(s for _, s in runs)))
    axes[0].set_ylabel("test accuracy (%)")
    figure.suptitle(f"{network} ({_seeds(found.before)} seeds, bars: 1 std)")
    return figure


def plot_collapse(found: Mapping[str, Mapping[float, Tensor]]) -> Figure:
    """For each method what is left of every layer, and what of it lies on whole paths."""
    figure, axes = plt.subplots(1, len(found), figsize=(5 * len(found), 3.8), sharey=True, layout="constrained")
    for ax, (method, rows) in zip(axes, found.items(), strict=True):
        kept = [100 * (1 - sparsity) for sparsity in rows]
        values = torch.stack(list(rows.values()))
        for i in range(values.shape[2]):
            last = i == values.shape[2] - 1
            label, style = ("all, on whole paths", "k--") if last else (f"layer {i + 1}", "o-")
            ax.errorbar(kept, values[:, :, i].mean(1), values[:, :, i].std(1), fmt=style, ms=3, capsize=3, label=label)
        ax.plot(kept, kept, "k:", label="all")
        ax.set(xscale="log", xlabel="weights kept, of all (%)", title=method)
        ax.set_yscale("symlog", linthresh=0.01)
        ax.invert_xaxis()
        ax.legend(fontsize="small")
    axes[0].set(ylabel="kept (%)", ylim=(0, 100))
    figure.suptitle(f"Layer collapse (64-256-256-10, {values.shape[1]} seeds, bars: 1 std)")
    return figure


def plot_forgotten(found: Trace) -> Figure:
    """Accuracy, and the zeros that are left, against the steps after pruning."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for ax, values, name in zip(
        axes, (found.accuracy, found.zeros), ("test accuracy", "weights that are 0"), strict=True
    ):
        for i, arm in enumerate(ARMS):
            ax.errorbar(
                found.steps, values[:, i].mean(1), values[:, i].std(1), ls=("-", ":", "--")[i], capsize=2, label=arm
            )
        ax.set(xlabel="steps after pruning", ylabel=f"{name} (%)", ylim=(0, 102))
        ax.legend()
    figure.suptitle(f"95% pruned, then trained by SGD ({found.zeros.shape[2]} seeds, bars: 1 std)")
    return figure


def plot_near_zero(found: Mapping[tuple[str, float], Tensor]) -> Figure:
    """Accuracy against what a threshold has pruned, for each moment of pruning."""
    figure, ax = plt.subplots(layout="constrained")
    for when in dict.fromkeys(when for when, _ in found):
        rows = torch.stack([own for (other, _), own in found.items() if other == when])
        (x, y), (dx, dy) = rows.mean(2).T, rows.std(2).T
        ax.errorbar(x, y, dy, dx, fmt="o-", ms=4, capsize=3, label=when)
    ax.set(
        xlabel="weights pruned (%)",
        ylabel="test accuracy (%)",
        title=_title("Weights near 0, pruned by a threshold", rows.shape[2]),
    )
    ax.legend()
    return figure


def plot_runs(runs: Runs, title: str, x: str = "sparsity") -> Figure:
    """Accuracy against x for each name."""
    figure, ax = plt.subplots(layout="constrained")
    lines(ax, runs)
    ax.set(xlabel=x, ylabel="test accuracy (%)", title=_title(title, _seeds(runs)), ylim=(0, 102))
    return figure


def _title(words: str, seeds: int) -> str:
    return f"{words}\n({seeds} seeds, bars: 1 std)"


def plot_moved(found: Mapping[str, Runs]) -> Figure:
    """Magnitude and movement on both tasks; what fine-tuning reaches without pruning is dotted."""
    figure, axes = plt.subplots(1, len(found), figsize=(10, 3.8), sharey=True, layout="constrained")
    for ax, (task, runs) in zip(axes, found.items(), strict=True):
        dense = runs["dense", 0.0]
        lines(ax, {key: own for key, own in runs.items() if key[0] != "dense"})
        ax.axhline(dense.mean(), ls=":", color="k")
        ax.set(xlabel="sparsity", title=task, ylim=(0, 102))
    axes[0].set_ylabel("test accuracy (%)")
    figure.suptitle(f"Which score for fine-tuning? ({len(dense)} seeds, bars: 1 std, dotted: not pruned)")
    return figure


def plot_scan(accuracies: Tensor, sparsities: Sequence[float]) -> Figure:
    """Accuracy against the sparsity of one layer, with the others dense; accuracies (seeds, layers, sparsities)."""
    names = [f"layer {i + 1}" for i in range(accuracies.shape[1])]
    runs = {(name, s): accuracies[:, i, j] for i, name in enumerate(names) for j, s in enumerate(sparsities)}
    return plot_runs(runs, "One layer pruned, the others dense, nothing trained", "sparsity of the layer")


def plot_surgeon(found: Mapping[str, Tensor]) -> Figure:
    """Relative change of the outputs against the weights removed, in quartiles over neurons."""
    figure, ax = plt.subplots(layout="constrained")
    for name, runs in found.items():
        low, middle, high = runs[:, 1:].quantile(torch.tensor([0.25, 0.5, 0.75]), 0)
        x = range(1, runs.shape[1])
        ax.plot(x, middle, label=name)
        ax.fill_between(x, low, high, alpha=0.25)
    ax.set(
        yscale="log", xlabel="weights removed, of 128", ylabel="squared change of the outputs (share)", ylim=(1e-6, 3)
    )
    ax.set_title(f"Making up for what is removed\n({len(runs)} neurons of the second layer: median and quartiles)")
    ax.legend()
    return figure


def plot_narrow(found: Narrow, times: Mapping[str, float]) -> Figure:
    """Accuracy against width for each way, and the time of everything that was timed."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    lines(axes[0], found.retrained)
    axes[0].set_xscale("log", base=2)
    axes[0].set(xlabel="neurons kept in each hidden layer, of 256", ylabel="test accuracy (%)")
    axes[0].set_title(_title("Cut, then trained on", _seeds(found.retrained)))
    axes[0].set_xticks(ticks := sorted({width for _, width in found.retrained}), ticks)
    drawn = axes[1].barh(list(times), list(times.values()))
    axes[1].bar_label(drawn, fmt=" %.2f", fontsize=8)
    axes[1].invert_yaxis()
    axes[1].set(xlabel="milliseconds for 4096 rows (median)", title="Zeros are not speed, fewer neurons are")
    axes[1].margins(x=0.15)
    return figure
