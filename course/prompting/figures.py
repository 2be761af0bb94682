"""Shares with their intervals, drawn and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course.common import plotting

Share = tuple[int, int]  # hits and trials


def count(found: Sequence[bool]) -> Share:
    return sum(map(int, found)), len(found)


def bars(ax: Axes, x: Sequence[float], shares: Sequence[Share], wilson: Callable, label: str, **style) -> None:
    """Draw the share of hits at each x, with the interval of your `wilson`.

    Parameters
    ----------
    ax : Axes
    x : sequence of float
    shares : sequence of (int, int), one for each x
        Hits and trials.
    wilson : callable
        Your prompting.wilson.
    label : str
    **style
        Goes to Axes.errorbar, for example color or ls.
    """
    rates, ends = [hits / trials for hits, trials in shares], [wilson(*share) for share in shares]
    plotting.intervals(ax, x, rates, ends, label, **style)


def table(shares: Mapping[str, Share], wilson: Callable) -> str:
    """A line for each share, with its interval."""
    lines = []
    for name, (hits, trials) in shares.items():
        low, high = wilson(hits, trials)
        lines.append(f"{hits / trials:6.3f}  [{low:.3f}, {high:.3f}]  of {trials:<5} {name}")
    return "\n".join(lines)


def plot_decoding(found: Mapping[tuple[float, float], tuple[Tensor, Tensor]]) -> Figure:
    """Accuracy of single samples and the number of different answers, against the temperature, for each top-p.

    Samples of one prompt depend on each other, so that the bars are standard errors over prompts.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for top_p in dict.fromkeys(top_p for top_p, _ in found):
        own = {temperature: run for (p, temperature), run in found.items() if p == top_p}
        for place, ax in enumerate(axes):
            runs = torch.stack([run[place] for run in own.values()])
            error = runs.std(1) / runs.shape[1] ** 0.5
            ax.errorbar(list(own), runs.mean(1), error, marker="o", ms=4, capsize=3, label=f"top-p {top_p:g}")
    axes[0].set(xlabel="temperature", ylabel="share of the samples", title="Right", ylim=(-0.03, 1.03))
    axes[1].set(xlabel="temperature", ylabel="answers", title="Different answers to a prompt", ylim=(0, None))
    axes[0].legend()
    figure.suptitle(f"Sampling ({runs.shape[1]} prompts; bars: 1 standard error over prompts)")
    return figure
