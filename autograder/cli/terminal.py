"""Print to an instructor's terminal: texts of students are among it, so nothing in them may steer it."""

from __future__ import annotations

import unicodedata

import click

STEERING = ("Cc", "Cf", "Cs")  # Unicode's categories: control, format (as right-to-left), surrogate
KEPT = "\n\t"


def readable(text: str) -> str:
    """A text with what could steer a terminal, or be written nowhere, replaced."""
    return "".join(
        c if c in KEPT or unicodedata.category(c) not in STEERING else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def echo(text: object) -> None:
    """Print a line."""
    click.echo(readable(str(text)))
