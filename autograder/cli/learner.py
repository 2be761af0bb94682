"""Commands for a learner: start a lab, get a hint, see progress, look after the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from autograder.course import Course
from autograder.errors import UserError


def work_folder(course: Course) -> Path:
    """`work/` beside the course where a clone is; below the current folder when installed."""
    return course.root / "work" if (course.root / "labs").is_dir() else Path.cwd() / "work"


@click.command()
@click.argument("lab")
@click.option("--update", is_flag=True, help="Bring a lab you have started up to date; your cells stay.")
def start(lab: str, update: bool) -> None:
    """Copy LAB into work/, or bring it up to date.

    Nothing of yours is ever overwritten: an update keeps every cell you changed or added, and
    leaves a copy of the old notebook in work/LAB/backups.
    """
    from autograder import work

    course = Course.find()
    found, folder = course.lab(lab), work_folder(course)
    if not update:
        started = work.start(found, folder)
        click.echo(f"Ready: {started.notebook}\nOpen it with `autograder lab`, or in any Jupyter.")
        return
    done = work.update(found, folder)
    if done.files:
        click.echo(f"replaced: {', '.join(done.files)}")
    if done.backup is None:
        click.echo("Your notebook is up to date; it was not changed.")
        return
    counts = f"{len(done.changed)} cells have new text, {len(done.new)} are new"
    click.echo(f"{counts}; {len(done.kept)} of yours were kept.")
    click.echo("Where the contract of an exercise changed, a note stands below your answer.")
    if done.moved:
        click.echo(f"{len(done.moved)} of yours lost their place in the lab and stand in cells of their own.")
    click.echo(f"The notebook as it was: {done.backup}")


@click.command()
@click.argument("exercise")
@click.option("--level", type=click.IntRange(1, 3), help="1 to 3; without it, the next one.")
def hint(exercise: str, level: int | None) -> None:
    """Show a hint for EXERCISE (LAB.NAME), the next one each time."""
    from autograder.home import next_hint

    text, shown, count, warning = next_hint(exercise, level)
    click.echo(f"Hint {shown} of {count}: {text}" + (f"\n({warning})" if warning else ""))
    if shown < count:
        click.echo(f"Still stuck? autograder hint {exercise}")
    elif Course.find().exercise(exercise).has_answer:
        click.echo(f"The solution: autograder solution {exercise}")


@click.command()
@click.argument("exercise")
def solution(exercise: str) -> None:
    """Show the reference solution of EXERCISE; it is recorded as revealed."""
    from autograder.home import solution as show_solution

    show_solution(exercise)


@click.command()
@click.argument("labs", nargs=-1)
def progress(labs: tuple[str, ...]) -> None:
    """Show what you have solved, tried and looked up in LABS (default: all)."""
    from rich.console import Console
    from rich.table import Table

    from autograder.progress import lab_rows

    console = Console()
    course = Course.find()
    for lab in [course.lab(name) for name in labs] or course.labs:
        rows = lab_rows(lab)
        solved = sum(row.solved for row in rows)
        table = Table(title=f"{lab.title}: {solved} of {len(rows)} solved", title_justify="left")
        for column in ("exercise", "state", "attempts", "hints", "last mistake"):
            table.add_column(column)
        for row in rows:
            table.add_row(row.exercise_id, row.state, str(row.attempts), str(row.hints), row.last_mistake)
        console.print(table)


@click.command()
def doctor() -> None:
    """Check this machine: Python, packages, GPU, disk, kernel, Jupyter's extensions."""
    from rich.console import Console

    from autograder.doctor import exit_status, findings

    console = Console()
    course = Course.find()
    found = findings(course.root)
    for finding in found:
        console.print(f"[{finding.status:^4}] {finding.name}: {finding.detail}", markup=False, highlight=False)
        if finding.status != "ok":
            console.print(f"       {finding.advice}", markup=False, highlight=False)
    sys.exit(exit_status(found))


@click.command()
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening a browser.")
@click.option("--port", type=int, default=8888, show_default=True)
def lab(no_browser: bool, port: int) -> None:
    """Open JupyterLab at a start page that lists the labs."""
    from autograder.start_page import open_lab

    course = Course.find()
    status = open_lab(course, work_folder(course), port=port, browser=not no_browser)
    if status:
        raise UserError(f"JupyterLab ended with status {status}. Run `autograder doctor` to see what it needs.")


COMMANDS = [start, lab, hint, solution, progress, doctor]
