"""Print the tables of a lab's experiments, made with the reference answers: python -m solutions.tables LAB."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path

import click

from autograder.course import Course, Lab
from course.common import device as devices

ROOT = Path(__file__).resolve().parent.parent


def reference(lab: Lab) -> Callable[[str], Callable]:
    """What gives the reference answer of an exercise of the lab by its name."""
    return lambda name: lab.exercise(name).answer.reference


@click.command()
@click.argument("lab")
@click.option("--seeds", type=click.IntRange(min=2), help="By default as many as the lab's text says.")
def main(lab: str, seeds: int | None) -> None:
    """Print the tables of LAB's experiments, with their machine and the seconds they took."""
    found = Course.at(ROOT).lab(lab)
    name = f"course.{found.name}.tables"
    if util.find_spec(name) is None:
        raise click.UsageError(f"The lab '{found.name}' has no tables: there is no module {name}.")
    print(devices.machine(devices.best()), flush=True)
    began = time.perf_counter()
    for table in import_module(name).tables(reference(found), seeds):
        print(f"\n{table}", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
