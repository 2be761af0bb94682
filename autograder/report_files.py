"""A class report as files: two tables for a spreadsheet and a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.files import write_whole
from autograder.report import BINS, JUDGED, NOT_STARTED, PARTIAL, RIGHT, UNGRADED, WRONG, ClassReport, ExerciseReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, and the colour of what is written on them.
COLOURS = {
    RIGHT: ("#0072B2", "white"),
    PARTIAL: ("#9AD0F0", "black"),
    WRONG: ("#D55E00", "white"),
    NOT_STARTED: ("#DDDDDD", "black"),
}
INK = "#333333"
FEWEST_ROWS = 5
SMALLEST_LABELLED = 5.0
LONGEST_REMARK = 34
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")

EXERCISE_COLUMNS = (
    *("id", "title", "points", "students", *JUDGED, UNGRADED),
    *("mean_points", "most_frequent_mistake", "count"),
)
MISTAKE_COLUMNS = ("exercise", "mistake", "students", "share", "sentence")


def write(report: ClassReport, folder: Path) -> list[Path]:
    """Write a report's picture and tables into a folder, each whole or not at all; returns their paths."""
    stem = f"report-{report.lab.name}"
    contents = {
        f"{stem}.png": _png(picture(report)),
        f"{stem}-exercises.csv": _csv(EXERCISE_COLUMNS, exercise_rows(report)),
        f"{stem}-mistakes.csv": _csv(MISTAKE_COLUMNS, mistake_rows(report)),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]


def exercise_rows(report: ClassReport) -> list[tuple[object, ...]]:
    """One row for each exercise, in the lab's order."""
    rows: list[tuple[object, ...]] = []
    for e in report.exercises:
        counts = [e.counts[state] for state in (*JUDGED, UNGRADED)]
        mean = "" if e.mean_points is None else round(e.mean_points, 4)
        mistake, count = (e.mistakes[0].mistake, e.mistakes[0].students) if e.mistakes else ("", 0)
        rows.append((e.id, e.title, e.points, report.students, *counts, mean, mistake, count))
    return rows


def mistake_rows(report: ClassReport) -> list[tuple[object, ...]]:
    """One row for each reason of each exercise, the most frequent first; the share is in per cent."""
    reasons = [reason for exercise in report.exercises for reason in exercise.reasons]
    reasons.sort(key=lambda reason: -reason.students)
    return [(r.exercise, r.mistake, r.students, round(r.share, 2), r.sentence) for r in reasons]


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_BEGINNINGS) else cell


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def picture(report: ClassReport) -> Figure:
    """Draw the scores (left) and how each exercise went (right)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = max(len(report.exercises), FEWEST_ROWS)
    figure = Figure(figsize=(13, 2.2 + 0.3 * rows))
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    FigureCanvasAgg(figure)
    scores, exercises = figure.subplots(1, 2, width_ratios=(1, 2))
    figure.suptitle(_headline(report), parse_math=False, weight="bold")
    _draw_scores(scores, report)
    _draw_exercises(exercises, report.exercises, rows)
    style: dict[str, Any] = {"ncols": len(JUDGED), "frameon": False, "fontsize": 9}
    figure.legend(*scores.get_legend_handles_labels(), loc="outside lower left", **style)
    figure.legend(*exercises.get_legend_handles_labels(), loc="outside lower right", **style)
    return figure


def _headline(report: ClassReport) -> str:
    students = f"{report.students} student" + ("" if report.students == 1 else "s")
    left_out = f"; {report.ungraded} could not be graded" if report.ungraded else ""
    return f"{report.lab.title}: {students}{left_out}"


def _draw_scores(ax: Axes, report: ClassReport) -> None:
    from matplotlib.ticker import MaxNLocator

    step = 100 / BINS
    ax.bar([step * i for i in range(BINS)], report.histogram, step, align="edge", color="#BBBBBB", edgecolor="white")
    ax.set_title("Scores")
    ax.set(xlabel="score (% of the maximum)", ylabel="number of students", xlim=(0, 100))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_ylim(0, 1.05 * max(1, *report.histogram))
    ax.spines[["top", "right"]].set_visible(False)
    if report.quartiles:
        lower, median, upper = report.quartiles
        ax.axvline(median, color="black", lw=2, clip_on=False, label=f"median {median:.0f} %")
        label = f"quartiles {lower:.0f} % and {upper:.0f} %"
        ax.axvline(lower, color="black", lw=1.2, ls=":", clip_on=False, label=label)
        ax.axvline(upper, color="black", lw=1.2, ls=":", clip_on=False)


def _draw_exercises(ax: Axes, exercises: Sequence[ExerciseReport], rows: int) -> None:
    lefts = [0.0] * len(exercises)
    for state in JUDGED:
        lefts = _draw_state(ax, state, [exercise.share(state) for exercise in exercises], lefts)
    for row, exercise in enumerate(exercises):
        ax.text(101, row, _remark(exercise), va="center", fontsize=8, color=INK, parse_math=False)
    spare = (rows - len(exercises)) / 2
    ax.set(xlim=(0, 100), ylim=(len(exercises) - 0.5 + spare, -0.5 - spare), xlabel="students (%)")
    ax.set_yticks(range(len(exercises)), [exercise.id.partition(".")[2] for exercise in exercises])
    ax.set_title("Exercises, and the most frequent mistake in each")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _draw_state(ax: Axes, state: str, shares: Sequence[float], lefts: Sequence[float]) -> list[float]:
    """Draw one state's part of every bar; returns where the next part begins."""
    colour, ink = COLOURS[state]
    style: dict[str, Any] = {"color": colour, "edgecolor": "white", "hatch": "////" if state == NOT_STARTED else ""}
    bars = ax.barh(range(len(shares)), shares, 0.78, lefts, label=state.replace("_", " "), **style)
    texts = [f"{share:.0f}" if share >= SMALLEST_LABELLED else "" for share in shares]
    box = {"facecolor": colour, "edgecolor": "none", "pad": 1.0}
    for text in ax.bar_label(bars, texts, label_type="center", color=ink, fontsize=8):
        if text.get_text():
            text.set_bbox(box)
    return [left + share for left, share in zip(lefts, shares, strict=True)]


def _remark(exercise: ExerciseReport) -> str:
    """What stands at the end of an exercise's bar."""
    if not exercise.judged:
        return "nothing could be graded"
    if not exercise.mistakes:
        return ""
    name, students = exercise.mistakes[0].mistake, exercise.mistakes[0].students
    return f"{name if len(name) <= LONGEST_REMARK else name[:LONGEST_REMARK] + '…'} ({students})"
