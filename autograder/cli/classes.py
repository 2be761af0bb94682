"""What commands on a class have in common: where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.course import Course

if TYPE_CHECKING:
    from autograder.bridge.classroom import Classroom

_FOLDER = click.Path(path_type=Path)
in_class_folder = click.option(
    "--class-folder", type=_FOLDER, help="Gradebook, submissions, feedback (default: build/)."
)
_OPTIONS = (
    click.option("--exchange", type=_FOLDER, help="The exchange folder (default: build/exchange)."),
    in_class_folder,
    click.option("--db", metavar="URL", envvar="WINNING_TICKET_DB", help="The gradebook (default: SQLite in build/)."),
)


def as_instructor(command: Any) -> Any:
    """Add the options that say where a class is kept."""
    for option in _OPTIONS:
        command = option(command)
    return command


def open_classroom(class_folder: Path | None, exchange: Path | None, db: str | None) -> Classroom:
    from autograder.bridge.classroom import Classroom

    return Classroom(Course.find(), class_folder, exchange, db=db)
