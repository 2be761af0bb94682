"""Commands for authors: new, try, build, verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.cli.working import working
from autograder.course import Course
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course import Exercise


@click.command()
@click.argument("name", metavar="LAB[.EXERCISE]")
def new(name: str) -> None:
    """Write a new lab, or a new exercise of a lab, that verifies as it stands."""
    from autograder import scaffold

    course = Course.find()
    made = scaffold.new_exercise(course, name) if "." in name else scaffold.new_lab(course, name)
    click.echo("\n".join(map(str, made.paths)))
    if made.advice:
        click.echo(made.advice)


@click.command("try")
@click.argument("exercise")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def try_(exercise: str, file: Path | None) -> None:
    """Prove EXERCISE (LAB.NAME), or grade FILE's answer to it on hidden cases."""
    found = Course.find().exercise(exercise)
    if file is None:
        _report_proofs([found])
        return
    from autograder.bridge.verdicts import grading_panel
    from autograder.grade import Grader
    from autograder.peer import start_subprocess
    from autograder.run import Step

    grader = Grader(found.lab, "try", exercises=[found])
    steps = [Step(file.name, source=file.read_text(encoding="utf-8")), Step("check", exercise=found)]
    with working(f"Grading {file.name}"):
        verdict = grader.grade(steps, None, start_subprocess).verdicts[found.id]
    click.echo(str(grading_panel(verdict)))
    sys.exit(0 if verdict.hidden.passed else 1)


@click.command()
@click.argument("labs", nargs=-1)
def build(labs: tuple[str, ...]) -> None:
    """Compose the student edition of LABS (default: all) from course/ and solutions/."""
    from autograder.compose import build as build_lab

    course = Course.find()
    changed = []
    for lab in _labs(course, labs):
        with working(f"Composing {lab.name}"):
            changed += build_lab(lab, course.root / "build")
    click.echo("\n".join(str(path.relative_to(course.root)) for path in changed) or "Everything is up to date.")


@click.command()
@click.argument("names", nargs=-1, metavar="[LAB | LAB.EXERCISE]...")
def verify(names: tuple[str, ...]) -> None:
    """Prove exercises: right answers pass, wrong ones fail by name (default: all)."""
    course = Course.find()
    chosen: list[Exercise] = []
    for name in names or [lab.name for lab in course.labs]:
        chosen += [course.exercise(name)] if "." in name else course.lab(name).exercises
    if not chosen:
        raise UserError("There are no exercises to verify.")
    _report_proofs(chosen)


def _labs(course: Course, names: tuple[str, ...]) -> list:
    return [course.lab(name) for name in names] or course.labs


def _report_proofs(exercises: list[Exercise]) -> None:
    """Verify exercises side by side; print doubts and counts; exit 1 on the smallest doubt."""
    import time
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from autograder.verify import verify_by_id

    started = time.perf_counter()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        proofs = []
        roots, ids = [e.lab.course.root for e in exercises], [e.id for e in exercises]
        for proof in pool.map(verify_by_id, roots, ids):
            proofs.append(proof)
            state = "ok" if not proof.doubts else "DOUBT"
            counts = f"{proof.cases} cases, {proof.right + proof.sources} right, {proof.wrong} wrong"
            click.echo(f"{state:5} {proof.exercise_id}: {counts}, {proof.seconds:.1f} s")
            for doubt in proof.doubts:
                click.echo(f"      {doubt}")
    doubts = sum(len(proof.doubts) for proof in proofs)
    total = {name: sum(getattr(p, name) for p in proofs) for name in ("cases", "right", "sources", "wrong")}
    click.echo(
        f"{len(proofs)} exercises, {total['cases']} cases, {total['right']} right variants, "
        f"{total['sources']} second sources, "
        f"{total['wrong']} wrong answers, {doubts} doubts, {time.perf_counter() - started:.1f} s"
    )
    sys.exit(1 if doubts else 0)


COMMANDS = [new, try_, build, verify]
