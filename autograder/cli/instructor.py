"""Commands for an instructor: release, collect, grade, give feedback, export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.cli.working import working
from autograder.course import Course

if TYPE_CHECKING:
    from autograder.bridge.classroom import Classroom, GradedSubmission


def _as_instructor(command: Any) -> Any:
    for option in (
        click.option(
            "--exchange", type=click.Path(path_type=Path), help="The exchange folder (default: build/exchange)."
        ),
        click.option(
            "--class-folder",
            type=click.Path(path_type=Path),
            help="Gradebook, submissions, feedback (default: build/).",
        ),
    ):
        command = option(command)
    return command


def _classroom(class_folder: Path | None, exchange: Path | None) -> Classroom:
    from autograder.bridge.classroom import Classroom

    return Classroom(Course.find(), class_folder, exchange)


@click.command()
@click.argument("lab")
@click.option("--force", is_flag=True, help="Replace an earlier release in the exchange.")
@_as_instructor
def release(lab: str, force: bool, class_folder: Path | None, exchange: Path | None) -> None:
    """Put LAB into the exchange and register it in the gradebook."""
    classroom = _classroom(class_folder, exchange)
    with working(f"Releasing {lab}"):
        classroom.release(lab, force)
    click.echo(f"Released {lab} into {classroom.exchange}")


@click.command()
@click.argument("lab")
@_as_instructor
def collect(lab: str, class_folder: Path | None, exchange: Path | None) -> None:
    """Collect the newest submissions of LAB."""
    classroom = _classroom(class_folder, exchange)
    with working(f"Collecting {lab}"):
        students = classroom.collect(lab)
    click.echo(f"{len(students)} submissions of {lab}: {', '.join(students) or 'none yet'}")


@click.command()
@click.argument("lab")
@click.option("--regrade", is_flag=True, help="Grade everything again, not only what is new.")
@click.option("--new-seed", is_flag=True, help="Draw new hidden cases first; everything is graded again.")
@_as_instructor
def grade(lab: str, regrade: bool, new_seed: bool, class_folder: Path | None, exchange: Path | None) -> None:
    """Grade what is new of LAB's submissions and print who got what, and why."""
    from rich.console import Console
    from rich.progress import Progress

    from autograder.secret import rotate

    classroom = _classroom(class_folder, exchange)
    console = Console()
    console.print(
        "Student code runs in a subprocess with time limits, but without a sandbox: grade only people you trust."
    )
    if new_seed:
        rotate(classroom.secrets_folder, lab)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"Grading {lab}", total=len(classroom.submitted(lab)) or None)

        def advance(student: str) -> None:
            bar.update(task, advance=1, description=f"Graded {student}")

        graded = classroom.grade(lab, advance, regrade or new_seed)
    print_grades(console, Course.find().lab(lab).exercises, graded)


FEW_STUDENTS = 6


def print_grades(console: Any, exercises: list[Any], graded: list[GradedSubmission]) -> None:
    """Print points by exercise, and below them why points were lost."""
    console.print(_by_exercise(exercises, graded) if len(graded) <= FEW_STUDENTS else _by_student(graded))
    for submission in graded:
        for line in _losses(submission):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _by_exercise(exercises: list[Any], graded: list[GradedSubmission]) -> Any:
    from rich.table import Table

    table = Table("exercise", *(submission.student for submission in graded), box=None, pad_edge=False)
    for exercise in exercises:
        verdicts = [submission.verdicts.get(exercise.id) for submission in graded]
        points = [f"{verdict['points']:.3g}" if verdict else "–" for verdict in verdicts]
        table.add_row(f"{exercise.id} (of {exercise.contract.points:g})", *points)
    table.add_row("total", *(f"{submission.score:.3g} of {submission.max_score:g}" for submission in graded))
    return table


def _by_student(graded: list[GradedSubmission]) -> Any:
    from rich.table import Table

    table = Table("student", "points", "lost in", box=None, pad_edge=False)
    for submission in graded:
        lost = [key.partition(".")[2] for key, verdict in submission.verdicts.items() if verdict["reason"]]
        table.add_row(submission.student, f"{submission.score:.3g} of {submission.max_score:g}", ", ".join(lost))
    return table


def _losses(submission: GradedSubmission) -> Iterator[str]:
    """Why a submission lost points; one line for all exercises that were lost for the same reason."""
    lost: dict[str, list[str]] = {}
    for key, verdict in submission.verdicts.items():
        if verdict["reason"]:
            name = f" [{verdict['mistake']}]" if verdict["mistake"] else ""
            loss = f"{key} \N{MINUS SIGN}{verdict['max_points'] - verdict['points']:.3g}{name}"
            lost.setdefault(verdict["reason"], []).append(loss)
    if lost or submission.note:
        yield f"\n{submission.student}" + (f" ({submission.note})" if submission.note else "")
    for reason, losses in lost.items():
        yield f"  {', '.join(losses)}: {reason}"


@click.command()
@click.argument("lab")
@click.option("--keep", is_flag=True, help="Only make the pages; do not release them to the students.")
@_as_instructor
def feedback(lab: str, keep: bool, class_folder: Path | None, exchange: Path | None) -> None:
    """Make the feedback pages of LAB and release them."""
    classroom = _classroom(class_folder, exchange)
    with working(f"Writing feedback on {lab}"):
        pages = classroom.feedback(lab)
        outside = [] if keep else classroom.release_feedback(lab)
    click.echo("\n".join(map(str, pages)))
    if outside:
        click.echo(f"Not handed in through the exchange, so hand their pages out yourself: {', '.join(outside)}")


@click.command()
@click.option("--to", type=click.Path(path_type=Path), help="The CSV file (default: build/grades.csv).")
@_as_instructor
def export(to: Path | None, class_folder: Path | None, exchange: Path | None) -> None:
    """Write all grades as CSV."""
    classroom = _classroom(class_folder, exchange)
    with working("Exporting"):
        path = classroom.export(to or classroom.folder / "grades.csv")
    click.echo(path)


COMMANDS = [release, collect, grade, feedback, export]
