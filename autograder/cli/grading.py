"""Grade a class: the command, its progress bar, and what it prints."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.cli.classes import as_instructor, open_classroom
from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.preload import one_thread

if TYPE_CHECKING:
    from autograder.bridge.grading import Summary
    from autograder.bridge.results import GradedSubmission


NO_WALL_WARNING = (
    "Without a wall: student code runs as you and may read, change and send all that you can. The grades are marked."
)


@click.command()
@click.argument("lab")
@click.option("--regrade", is_flag=True, help="Grade everything again, not only what is new.")
@click.option("--new-seed", is_flag=True, help="Draw new hidden cases first; everything is graded again.")
@click.option("--workers", type=click.IntRange(1), help="How many submissions at a time (default: the cores).")
@click.option("--dask", metavar="ADDRESS", default="", help="Grade on a Dask cluster: its scheduler's address.")
@click.option("--gpu-slots", type=click.IntRange(1), default=4, help="How many submissions may share a GPU.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=NUMBER", help="A limit in place of the lab's.")
@click.option("--no-wall", is_flag=True, help="Run student code without a sandbox. It may do all that you may.")
@as_instructor
def grade(lab: str, new_seed: bool, regrade: bool, **how: Any) -> None:
    """Grade what is new of LAB, and print who got what, and why.

    Student code runs behind a wall. Killed at any moment, nothing is lost: run it again and it goes
    on. Manual scores and comments stay. Limits by name: notebook_seconds, cell_seconds,
    case_seconds, memory_gib, processes, file_mib, disk_mib, output_mib.
    """
    one_thread()
    from autograder.cli.console import Terminal
    from autograder.secret import rotate

    where = {name: how.pop(name) for name in ("class_folder", "exchange", "db")}
    found, again = Course.find().lab(lab), regrade or new_seed
    limits = _numbers(how["limits"])
    around = ExitStack()
    around.enter_context(_without_gpus())
    if not how["no_wall"] and not how["dask"]:
        folder = where["class_folder"] or found.course.root / "build"
        around.enter_context(_parent_early(found, folder, again))
    from autograder.bridge.grading import Options

    classroom = open_classroom(**where)
    options = Options(again, not how["no_wall"], how["workers"] or cores(), how["dask"], how["gpu_slots"], limits)
    console = Terminal()
    if how["no_wall"]:
        console.print(NO_WALL_WARNING)
    if new_seed:
        rotate(classroom.secrets_folder, lab)
    started = time.monotonic()
    with around, progress_bar(console, f"Grading {lab}") as watch:
        graded, summary = classroom.grade(lab, options, watch)
    print_grades(console, found.exercises, graded)
    print_summary(console, summary, time.monotonic() - started)
    sys.exit(1 if summary.failed else 0)


@contextmanager
def _without_gpus() -> Iterator[None]:
    """References run on the CPU here; a student's process is told its device by name."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        yield
    finally:
        if before is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def _parent_early(lab: Lab, class_folder: Path, regrade: bool) -> AbstractContextManager[None]:
    """Let the parent of student processes import what it needs while this process does, if there is work."""
    from autograder import gpu, wall, warm
    from autograder.verdicts import has_unmarked

    if wall.missing() or not (regrade or has_unmarked(class_folder, lab.name)):
        return nullcontext()
    return warm.started_early(lab, gpu.asked_for(lab) and bool(gpu.devices()))


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _numbers(limits: Sequence[str]) -> dict[str, float]:
    try:
        return {name: float(number) for name, _, number in (limit.partition("=") for limit in limits)}
    except ValueError:
        raise UserError("A limit is NAME=NUMBER, for example --limit cell_seconds=120.") from None


@contextmanager
def progress_bar(console: Any, title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with rate and time left; gives what is to be called with (done, of how many)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    started = time.monotonic()
    # The display has a thread of its own only once there is something to show: workers are forked before.
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(title, total=None, rate="")

    def watch(done: int, of: int) -> None:
        if not bar.live.is_started:
            bar.start()
        speed = done / (time.monotonic() - started)
        bar.update(task, completed=done, total=of, rate=f"{speed:.2g}/s, left")

    try:
        yield watch
    finally:
        if bar.live.is_started:
            bar.stop()


FEW_STUDENTS = 6


def print_grades(console: Any, exercises: list[Any], graded: list[GradedSubmission]) -> None:
    """Print a few students' points by exercise and why they were lost; of many, a line each and the notes."""
    few = len(graded) <= FEW_STUDENTS
    console.print(_by_exercise(exercises, graded) if few else _by_student(graded))
    for submission in graded:
        if not few and submission.note:
            console.print(f"{submission.student}: {submission.note}", markup=False, highlight=False, soft_wrap=True)
        if not few:
            continue
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


def print_summary(console: Any, summary: Summary, seconds: float) -> None:
    """Print what a run did and how fast."""
    lines = [f"Graded {summary.graded} in {seconds:.1f} s"]
    if summary.recalled:
        lines.append(f"taken from stored verdicts: {summary.recalled}")
    if summary.unchanged:
        lines.append(f"unchanged since they were graded: {summary.unchanged}")
    console.print("; ".join(lines) + ".", highlight=False, soft_wrap=True)
    if summary.seconds:
        median, high = statistics.median(summary.seconds), summary.percentile(0.95)
        slowest = ", ".join(f"{name} {value:.2f} s" for name, value in summary.slowest())
        console.print(
            f"Seconds per submission: median {median:.2f}, 95th percentile {high:.2f}. Slowest exercises: {slowest}.",
            highlight=False,
            soft_wrap=True,
        )
    if summary.outdated:
        console.print(
            f"{summary.outdated} were graded with an earlier state of the lab, under another seed or other limits; "
            "--regrade grades them anew.",
            highlight=False,
            soft_wrap=True,
        )
    for student, why in summary.failed.items():
        console.print(f"Not graded: {student}. {why}", markup=False, highlight=False, soft_wrap=True)


COMMANDS = [grade]
