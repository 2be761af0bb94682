"""Commands for a class without an exchange: collect downloaded files, pack feedback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.cli.classes import in_class_folder
from autograder.cli.terminal import echo
from autograder.cli.working import working
from autograder.course import Course

if TYPE_CHECKING:
    from autograder.archives import Collected


def _class_folder(course: Course, class_folder: Path | None) -> Path:
    return class_folder or course.root / "build"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--lab", default="", help="The lab (default: as each notebook or file name says).")
@in_class_folder
@click.pass_context
def collect_zip(context: click.Context, folder: Path, lab: str, class_folder: Path | None) -> None:
    """Collect submissions that you downloaded into FOLDER.

    FOLDER holds zips, notebooks or folders named STUDENT_LAB or STUDENT, or a whole class's zip as
    Moodle and Canvas give it. It is only read. Run it again at any time: newer work replaces older.
    The exit status is 1 if everything was refused.
    """
    from autograder.archives import REFUSED, collect

    course = Course.find()
    wanted = course.lab(lab).name if lab else ""
    with working(f"Collecting from {folder}"):
        rows = collect(
            folder, _class_folder(course, class_folder) / "submitted", [each.name for each in course.labs], wanted
        )
    echo("\n".join([*map(_line, rows), _counts(rows)]))
    if all(row.state == REFUSED for row in rows):
        context.exit(1)


def _line(row: Collected) -> str:
    who = f"{row.student} {row.lab}".strip() if row.student else row.source
    source = f" ({row.source})" if row.source != who else ""
    return f"{who}: {row.state}{source}{f': {row.note}' if row.note else ''}"


def _counts(rows: list[Collected]) -> str:
    from autograder.archives import COLLECTED, REFUSED, UNCHANGED

    states = [row.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in (COLLECTED, UNCHANGED, REFUSED))


@click.command()
@click.argument("lab")
@click.option("--to", type=click.Path(path_type=Path), required=True, help="The folder for the zips.")
@in_class_folder
def feedback_zip(lab: str, to: Path, class_folder: Path | None) -> None:
    """Pack the feedback pages of LAB, one zip a student, to send out or upload.

    Make the pages first, with `autograder feedback LAB --keep`.
    """
    from autograder.archives import feedback_zips

    course = Course.find()
    with working(f"Packing feedback on {lab}"):
        paths = feedback_zips(_class_folder(course, class_folder) / "feedback", course.lab(lab).name, to)
    echo("\n".join(map(str, paths)))


COMMANDS = [collect_zip, feedback_zip]
