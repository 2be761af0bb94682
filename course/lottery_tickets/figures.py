"""The lab's plots, and its tables in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course.common.plotting import gap, over_seeds, spread
from course.lottery_tickets.study import ARMS, RATE, Comparison, LongRun, Overlap, Tickets

LAYERS = ("first layer", "second layer", "output layer")


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is flush left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(entry.rjust(w) for entry, w in zip(row[1:], widths[1:], strict=True))])
        for row in (head, *rows)
    )


def accuracies(found: Comparison) -> str:
    """Accuracy after all steps: mean ± standard deviation over seeds."""
    rows = [
        [f"{found.tickets.sparsity(r):.1f}%", *(spread(found.final(r, name)) for name in ARMS)] for r in found.rounds
    ]
    return lines(["pruned", *ARMS], rows) + f"\ndense network: {spread(found.final(0))}"


def gaps(found: Comparison) -> str:
    """By how many points the ticket is ahead of every control, and by how many standard deviations (z)."""
    rows = []
    for r in found.rounds:
        ahead = [gap(found.final(r), found.final(r, name)) for name in ARMS[1:]]
        rows.append([f"{found.tickets.sparsity(r):.1f}%", *(f"{points:.1f} (z {z:.1f})" for points, z in ahead)])
    return lines(["ticket ahead of", *ARMS[1:]], rows)


def steps(found: Comparison) -> str:
    """Median steps until the dense network's accuracy minus 2 points is reached."""
    names = ("ticket", "one-shot ticket", "re-initialised, its signs", "re-initialised", "mask shuffled in layers")
    rows = [
        [f"{found.tickets.sparsity(r):.1f}%", *(_median(found.steps_to(r, n)) for n in names)] for r in found.rounds
    ]
    title = "Median steps to within 2 points of the dense network's final accuracy\n"
    return title + lines(["pruned", *names], rows) + f"\ndense network: {_median(found.steps_to(0))}"


def _median(found: Tensor) -> str:
    middle = found.median().item()
    return "never" if middle == float("inf") else f"{middle:.0f}"


def stops(run: LongRun, early_stop: Callable) -> str:
    """Where your `early_stop` would stop, and the loss there."""
    lowest = run.curves.loss.min(2).values
    rows = [
        [name, f"{own.median():.0f}", spread(own, 0), spread(least, 3)]
        for name, own, least in zip(run.names, run.stops(early_stop), lowest, strict=True)
    ]
    return lines(["", "stops at (median)", "mean ± std", "lowest loss"], rows)


def longer(run: LongRun, short: int, long: int) -> str:
    """Accuracy after a short and a long training; a ticket's line also holds its gap to the re-initialised one."""
    rows = []
    for name in run.names:
        row, other = [name], name.replace("ticket", "re-initialised")
        for length in (short, long):
            row.append(spread(run.at(name, length)))
            points, z = gap(run.at(name, length), run.at(other, length)) if other != name else (0.0, 0.0)
            row.append(f"{points:.1f} (z {z:.1f})" if other != name else "")
        rows.append(row)
    return lines(["", f"{short} steps", "ahead", f"{long} steps", "ahead"], rows)


def parts(found: Mapping[str, tuple[Tensor, Tensor]]) -> str:
    """Accuracy of every kind of initial weights, its gap to the ticket's own, and how many signs last."""
    rows, own = [], found["its own"][0]
    for name, (accuracy, same) in found.items():
        points, z = gap(own, accuracy)
        rows.append([name, spread(accuracy), "" if name == "its own" else f"{points:.1f} (z {z:.1f})", spread(same)])
    return lines(["initial weights", "accuracy (%)", "behind its own", "signs that last (%)"], rows)


def agreement(found: Mapping[str, Overlap]) -> str:
    """Intersection over union of masks, layer by layer, beside chance."""
    rows = []
    for name, own in found.items():
        rows.append([name, *(spread(layer, 3) for layer in own.overlap), spread(own.correlation, 2)])
    rows.append(["chance", *(spread(layer, 3) for layer in own.chance), ""])
    rows.append(["chance, given each pixel's count", spread(own.by_pixels, 3), "", "", ""])
    return lines(["intersection over union", *LAYERS, "pixels' correlation"], rows)


def plot_comparison(found: Comparison) -> Figure:
    """Accuracy against sparsity for tickets and controls: all of it, and its upper end."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for ax in axes:
        for name in ARMS:
            over_seeds(ax, found.rounds, [found.final(r, name) for r in found.rounds], name)
        dense = found.final(0)
        ax.axhspan(dense.mean() - dense.std(), dense.mean() + dense.std(), color="grey", alpha=0.3, label="dense")
        ax.set(xlabel="weights pruned (%), on a scale of rounds", ylabel="test accuracy (%)")
        ax.set_xticks(found.rounds, [f"{found.tickets.sparsity(r):.1f}" for r in found.rounds])
    axes[0].set_title("all of it")
    axes[0].legend(fontsize="small", loc="lower left")
    axes[1].set(ylim=(84, 99.5), title="the upper end")
    figure.suptitle(f"A ticket and its controls ({found.tickets.problem.seeds} seeds, bars: 1 std)")
    return figure


def plot_densities(found: Tickets) -> Figure:
    """What each layer keeps, round by round, beside what equal rates would leave."""
    figure, ax = plt.subplots(layout="constrained")
    shares = found.densities()
    rounds = range(len(shares))
    for layer, name in enumerate(LAYERS):
        over_seeds(ax, rounds, list(100 * shares[:, layer]), name)
    ax.plot(rounds, [100 * (1 - RATE) ** r for r in rounds], "k:", label="the same share of every layer")
    title = f"One ranking over all layers spares the output ({found.problem.seeds} seeds, bars: 1 std)"
    ax.set(xlabel="rounds of pruning", ylabel="weights kept (%)", yscale="log", title=title)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.legend()
    return figure


def plot_long(run: LongRun) -> Figure:
    """Validation loss and accuracy while dense networks, tickets and re-initialised ones learn."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for ax, measured in zip(axes, (run.curves.loss, run.curves.accuracy), strict=True):
        steps = run.curves.every * (torch.arange(measured.shape[-1]) + 1)
        for name, own in zip(run.names, measured, strict=True):
            mean, std = own.mean(0), own.std(0)
            (line,) = ax.plot(steps, mean, label=name)
            ax.fill_between(steps, mean - std, mean + std, alpha=0.15, color=line.get_color())
        ax.set(xlabel="steps")
    axes[0].set(ylabel="validation loss (nats)", ylim=(0, 0.6), title="The loss that early stopping looks at")
    axes[1].set(ylabel="test accuracy (%)", ylim=(85, 99), title="Accuracy")
    axes[1].legend(fontsize="small", loc="lower right")
    figure.suptitle(f"Four times as long ({run.curves.loss.shape[1]} seeds, bands: 1 std)")
    return figure
