"""Commands for a student of a class: fetch, submit, read feedback."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.cli.working import working
from autograder.course import Course

if TYPE_CHECKING:
    from autograder.bridge.classroom import Classroom


def _as_student(command: Any) -> Any:
    for option in (
        click.option("--exchange", type=click.Path(path_type=Path), help="The class's exchange folder."),
        click.option("--student", help="Your student id (default: your user name)."),
    ):
        command = option(command)
    return command


def _classroom(student: str | None, exchange: Path | None) -> Classroom:
    from autograder.bridge.classroom import Classroom
    from autograder.cli.learner import work_folder

    course = Course.find()
    return Classroom(course, exchange=exchange, student=student or getpass.getuser(), work=work_folder(course))


@click.command()
@click.argument("lab")
@_as_student
def fetch(lab: str, student: str | None, exchange: Path | None) -> None:
    """Fetch LAB from the class into work/; never over work that is there."""
    with working(f"Fetching {lab}"):
        folder = _classroom(student, exchange).fetch(lab)
    click.echo(f"Fetched: {folder}")


@click.command()
@click.argument("lab")
@_as_student
def submit(lab: str, student: str | None, exchange: Path | None) -> None:
    """Hand LAB in; prints a receipt. Hand in again as often as you like: the last one counts."""
    with working(f"Handing {lab} in"):
        receipt = _classroom(student, exchange).submit(lab)
    click.echo(f"Submitted {receipt.lab} as {receipt.student} at {receipt.time}\nsha256 {receipt.sha256}")


@click.command()
@click.argument("lab")
@_as_student
def fetch_feedback(lab: str, student: str | None, exchange: Path | None) -> None:
    """Fetch the feedback on your submissions of LAB into work/LAB/feedback."""
    with working(f"Fetching feedback on {lab}"):
        pages = _classroom(student, exchange).fetch_feedback(lab)
    click.echo("\n".join(map(str, pages)) or f"There is no feedback on {lab} yet.")


COMMANDS = [fetch, submit, fetch_feedback]
