"""The command `autograder model`, which the engine finds by its entry point."""

from __future__ import annotations

import logging

import click

from autograder.errors import UserError


@click.group()
def model() -> None:
    """Measure the course model, or a causal language model of your own."""


@model.command()
@click.argument("name", default="large")
@click.option("--items", default=100, show_default=True, type=click.IntRange(10, 100_000), help="Questions a line.")
@click.option("--device", default=None, help="cpu or cuda (default: cuda where there is one).")
def evaluate(name: str, items: int, device: str | None) -> None:
    """Print the abilities of NAME on held-out items, with 95 % intervals.

    NAME is large or small for the course's own models, a folder, or a name on the Hugging Face Hub.
    """
    from course.common.device import best
    from course.model import load
    from course.model.abilities import report

    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # it tells of each retry
    try:
        subject, tokenizer = load(name, device or best())
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"There is no causal language model to load at {name!r} ({reason}).") from None
    for line in report(subject, tokenizer, items):
        click.echo(line)
