"""The command that tells an instructor what the class misunderstood."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.cli.classes import as_instructor, open_classroom
from autograder.cli.terminal import echo
from autograder.cli.working import working

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autograder.report import ClassReport, ExerciseReport, Reason

MOST_MISTAKES = 3
MOST_UNNAMED = 2
BAR_WIDTH = 40


@click.command()
@click.argument("lab")
@as_instructor
def report(lab: str, class_folder: Path | None, exchange: Path | None, db: str | None) -> None:
    """Show what the class misunderstood in LAB: scores, exercises, mistakes.

    It reads what `autograder grade LAB` found and names no student. A picture and two tables for
    a spreadsheet are written into the class folder.
    """

    from autograder.cli.console import Terminal
    from autograder.report import ClassReport
    from autograder.report_files import write

    classroom = open_classroom(class_folder, exchange, db)
    with working(f"Reading what was graded of {lab}"):
        found = ClassReport(classroom.course.lab(lab), classroom.results(lab))
        paths = write(found, classroom.folder)
    print_report(Terminal(), found)
    echo("\n" + "\n".join(map(str, paths)))


def print_report(console: Console, report: ClassReport) -> None:
    """Print a class report as tables that fit 80 columns."""
    console.print(_summary(report), markup=False, highlight=False)
    sections = {
        "Scores, in per cent of the maximum": _scores(report, "█" if console.encoding.startswith("utf") else "#"),
        "Exercises: mean points, and where the judged students stand, in per cent": _exercises(report.exercises),
        "What to go over again in class": _again(report.go_over_again()),
        "Why points were lost": _losses(report),
    }
    for title, table in sections.items():
        if table.row_count:
            console.print(f"\n[bold]{title}[/bold]", highlight=False)
            console.print(table, highlight=False)


def _summary(report: ClassReport) -> str:
    lines = [f"{report.lab.title}: {report.students} student{'' if report.students == 1 else 's'}"]
    if report.ungraded:
        lines.append(f"Notebooks that could not be graded, left out of all shares: {report.ungraded}")
    if report.quartiles:
        lower, median, upper = report.quartiles
        lines.append(f"Median {median:.0f} %, lower quartile {lower:.0f} %, upper quartile {upper:.0f} %")
    return "\n".join(lines)


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return table


def _scores(report: ClassReport, block: str) -> Table:
    table = _table("score", "students", "", right=("score", "students"))
    counts = report.histogram if report.scores else []
    for i, count in enumerate(counts):
        bar = block * max(round(BAR_WIDTH * count / max(counts)), count > 0)
        table.add_row(f"{100 * i // len(counts)}–{100 * (i + 1) // len(counts)}", str(count), bar)
    return table


def _exercises(exercises: Iterable[ExerciseReport]) -> Table:
    from autograder.report import JUDGED

    numbers = ("judged", "points", "right", "partial", "wrong", "not started")
    table = _table("exercise", *numbers, right=numbers)
    for e in exercises:
        mean = "–" if e.mean_points is None else f"{e.mean_points:.2f} of {e.points:g}"
        table.add_row(e.id, str(e.judged), mean, *(f"{e.share(s):.0f}" if e.judged else "–" for s in JUDGED))
    return table


def _again(exercises: Iterable[ExerciseReport]) -> Table:
    from rich.text import Text

    table = _table("", "")
    for e in exercises:
        told = Text.assemble((e.title, "bold"), f" ({e.share('right'):.0f} % right)")
        table.add_row(e.id, Text("\n").join([told, _told(e.foremost, e.judged)] if e.foremost else [told]))
    return table


def _told(reason: Reason, judged: int) -> Text:
    from rich.text import Text

    name = (f"{reason.mistake}, ", "bold") if reason.mistake else ""
    return Text.assemble(name, f"{reason.students} of {judged}: {reason.sentence}")


def _losses(report: ClassReport) -> Table:
    from rich.text import Text

    table = _table("", "")
    for e in report.exercises:
        shown = e.mistakes[:MOST_MISTAKES] + e.unnamed[:MOST_UNNAMED]
        lines = [_told(reason, e.judged) for reason in shown]
        if len(e.reasons) > len(shown):
            lines.append(Text(f"and {len(e.reasons) - len(shown)} more in report-{report.lab.name}-mistakes.csv"))
        if lines:
            table.add_row(e.id, Text("\n").join(lines))
    return table


COMMANDS = [report]
