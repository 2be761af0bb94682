"""Pictures of what the studies found; every bar is one standard deviation over seeds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course.common.plotting import over_seeds
from course.distillation.study import CLASSES, HARD, TRAIN, Digits, Unseen
from course.model.tasks import HELD_OUT


def doubtful(digits: Digits, share: float = 0.95) -> int:
    """The test digit to which the teacher gives its first choice about this share."""
    top = digits.zt[TRAIN:].softmax(-1).amax(-1)
    return TRAIN + int((top - share).abs().argmin())


def plot_dark(digits: Digits, soften: Callable, rows: Sequence[int], temperatures: Sequence[float] = (1, 2, 4, 8)):
    """Some digits, and the teacher's distribution for each at each temperature."""
    figure, axes = plt.subplots(2, len(rows), figsize=(3.2 * len(rows), 4.4), height_ratios=(2, 3), squeeze=False,
                                layout="constrained")  # fmt: skip
    width = 0.8 / len(temperatures)
    for row, (above, below) in zip(rows, axes.T, strict=True):
        above.imshow(digits.x[row].view(8, 8).cpu().numpy(), cmap="gray_r")
        above.set(title=f"a held-out {int(digits.y[row])}", xticks=[], yticks=[])
        for place, T in enumerate(temperatures):
            bars = [c + width * (place - (len(temperatures) - 1) / 2) for c in range(CLASSES)]
            below.bar(bars, soften(digits.zt[row], T).tolist(), width, label=f"T = {T:g}")
        below.set(xticks=range(CLASSES), xlabel="class", ylim=(0, 1.02))
    axes[1, 0].set_ylabel("the teacher's probability")
    axes[1, -1].legend(fontsize="small")
    figure.suptitle(f"An ensemble of {len(digits.members)} nets, softened (single pictures, no error bars)")
    return figure


def plot_unseen(found: Mapping[tuple[int, Hashable], Unseen]) -> Figure:
    """Accuracy on the digit that was never shown against T, raw and shifted, with the control by hard labels."""
    omitted = list(dict.fromkeys(digit for digit, _ in found))
    size = (5.2 * len(omitted), 3.8)
    figure, axes = plt.subplots(1, len(omitted), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for digit, ax in zip(omitted, axes.flat, strict=True):
        own = {how: run for (omit, how), run in found.items() if omit == digit and how != HARD}
        over_seeds(ax, list(own), [run.shifted for run in own.values()], "soft targets, bias shifted")
        over_seeds(ax, list(own), [run.raw for run in own.values()], "soft targets, as trained")
        hard = found[digit, HARD].shifted
        ax.axhline(hard.mean(), color="k", ls=":", label="hard labels, bias shifted")
        ax.axhspan(hard.mean() - hard.std(), hard.mean() + hard.std(), color="k", alpha=0.12)
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(own), [f"{T:g}" for T in own])
        ax.set(xlabel="temperature T", title=f"no {digit} was shown ({len(hard)} seeds, bars and band: 1 std)")
    axes.flat[0].set_ylabel("test pictures of it that are right (%)")
    axes.flat[0].legend(fontsize="small", loc="lower right")
    return figure


def plot_few(found: Mapping[tuple[int, str], Tensor]) -> Figure:
    """Accuracy against the number of digits: targets on the left, the controls for softness on the right."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
    names = list(dict.fromkeys(name for _, name in found))
    panels = (names[:3], [names[0], *names[2:]])
    colours = dict(zip(names, plt.rcParams["axes.prop_cycle"].by_key()["color"], strict=False))
    for ax, shown in zip(axes, panels, strict=True):
        for name in shown:
            own = {n: run for (n, other), run in found.items() if other == name}
            over_seeds(ax, list(own), list(own.values()), name, color=colours[name])
        ax.set_xscale("log")
        ax.set_xticks(list(own), [str(n) for n in own])
        ax.minorticks_off()
        ax.set_xlabel("digits that the student sees")
        ax.legend(fontsize="small", loc="lower right")
    axes[0].set(ylabel="test digits right (%)", title="The same digits by labels or by soft targets")
    axes[1].set_title("Is it only softness?")
    figure.suptitle(f"{len(next(iter(found.values())))} seeds, each with digits of its own; bars: 1 std")
    return figure


def plot_balance(square: Mapping[tuple[str, float], Tensor], norms: Mapping[float, Tensor]) -> Figure:
    """The gradient's norm against T, and accuracy with noisy labels, with and without the square."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    T = list(norms)
    over_seeds(axes[0], T, list(norms.values()), "with T²")
    over_seeds(axes[0], T, [norm / t**2 for t, norm in norms.items()], "without T²")
    axes[0].set_yscale("log")
    axes[0].set(ylabel="norm of the soft term's gradient", title=f"Untrained students ({len(norms[T[0]])} seeds)")
    for name in ("with T²", "without T²"):
        own = {t: run for (other, t), run in square.items() if other == name}
        over_seeds(axes[1], list(own), list(own.values()), name)
    hard = square[HARD, 1.0]
    axes[1].axhline(hard.mean(), color="k", ls=":", label="labels alone")
    axes[1].axhspan(hard.mean() - hard.std(), hard.mean() + hard.std(), color="k", alpha=0.12)
    axes[1].set(ylabel="test digits right (%)", title=f"70% of the labels drawn anew, α = 0.5 ({len(hard)} seeds)")
    for ax in axes:
        ax.set_xscale("log", base=2)
        ax.set_xticks(T, [f"{t:g}" for t in T])
        ax.set_xlabel("temperature T (bars and band: 1 std)")
        ax.legend(fontsize="small")
    return figure


def plot_modes(x: Tensor, log_p: Tensor, students: Mapping[str, Tensor]) -> Figure:
    """Students over a teacher with two modes, as probabilities of the points of a grid."""
    figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    ax.fill_between(x.numpy(), log_p.exp().numpy(), alpha=0.3, label="teacher")
    for (name, q), style in zip(students.items(), ("-", "-", "--"), strict=True):
        ax.plot(x, q, style, label=name)
    ax.set(title="The best student with one mode (computed on a grid)", xlabel="x", ylabel="probability of a point")
    ax.legend(fontsize="small")
    return figure


def plot_compositions(found: Mapping[str, Tensor]) -> Figure:
    """Share of right answers for each composition and over all; bars over seeds where there are several."""
    figure, ax = plt.subplots(figsize=(11, 3.8), layout="constrained")
    width = 0.84 / len(found)
    for place, (name, runs) in enumerate(found.items()):
        runs = torch.cat([runs, runs.mean(1, keepdim=True)], 1)
        error = runs.std(0).tolist() if len(runs) > 1 else None
        x = [group + width * (place - (len(found) - 1) / 2) for group in range(runs.shape[1])]
        ax.bar(x, runs.mean(0).tolist(), width, yerr=error, capsize=2, label=name)
    ax.set_xticks(range(len(HELD_OUT) + 1), [*HELD_OUT, "mean of the five"])
    ax.set(ylabel="share of answers that are right", ylim=(0, 1.05))
    ax.set_title(f"Two tasks named together, kept from training ({len(runs)} students a bar; error bars: 1 std)")
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return figure
