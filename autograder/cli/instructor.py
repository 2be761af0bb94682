"""Commands for an instructor: release, collect, give feedback, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from autograder.cli.classes import as_instructor, open_classroom
from autograder.cli.terminal import echo
from autograder.cli.working import working


@click.command()
@click.argument("lab")
@click.option("--force", is_flag=True, help="Replace an earlier release in the exchange.")
@as_instructor
def release(lab: str, force: bool, **where: Any) -> None:
    """Put LAB into the exchange and register it in the gradebook."""
    classroom = open_classroom(**where)
    with working(f"Releasing {lab}"):
        classroom.release(lab, force)
    echo(f"Released {lab} into {classroom.exchange}")


@click.command()
@click.argument("lab")
@as_instructor
def collect(lab: str, **where: Any) -> None:
    """Collect the newest submissions of LAB."""
    classroom = open_classroom(**where)
    with working(f"Collecting {lab}"):
        students = classroom.collect(lab)
    echo(f"{len(students)} submissions of {lab}: {', '.join(students) or 'none yet'}")


@click.command()
@click.argument("lab")
@click.option("--keep", is_flag=True, help="Only make the pages; do not release them to the students.")
@as_instructor
def feedback(lab: str, keep: bool, **where: Any) -> None:
    """Make the feedback pages of LAB and release them."""
    classroom = open_classroom(**where)
    with working(f"Writing feedback on {lab}"):
        pages = classroom.feedback(lab)
        outside = [] if keep else classroom.release_feedback(lab)
    echo("\n".join(map(str, pages)))
    if outside:
        echo(f"Not handed in through the exchange, so hand their pages out yourself: {', '.join(outside)}")


@click.command()
@click.option("--to", type=click.Path(path_type=Path), help="The CSV file (default: build/grades.csv).")
@as_instructor
def export(to: Path | None, **where: Any) -> None:
    """Write all grades as CSV."""
    classroom = open_classroom(**where)
    with working("Exporting"):
        path = classroom.export(to or classroom.folder / "grades.csv")
    echo(path)


COMMANDS = [release, collect, feedback, export]
