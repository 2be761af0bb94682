"""The benchmark's lab in a course of its own, and a class of students who handed it in."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.compose import build, solve
from autograder.course import Course, Exercise, Lab
from autograder.demo import renamed
from autograder.expect import hidden_expectations
from autograder.judge import report
from autograder.pack import pack_path

LAB = "bench"
LAB_ROOT = Path(__file__).resolve().parent / "lab"
SEED = 20240607
UNTOUCHED = ""


@dataclass(frozen=True)
class Submission:
    """A student and, by exercise id, the name of the answer that was handed in (UNTOUCHED: none)."""

    student: str
    answers: dict[str, str]


def write_course(root: Path) -> Lab:
    """Write the lab into a course at `root` and build it."""
    shutil.copytree(LAB_ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    lab = Course.at(root).lab(LAB)
    build(lab, root / "build")
    return lab


def draw_class(lab: Lab, count: int) -> list[Submission]:
    """Draw a class with a fixed seed; a smaller class is the beginning of a larger one.

    Every other student has everything right, in the reference's words or a variant's. The others
    handed in named wrong answers, or nothing, in one to three exercises.
    """
    rng = random.Random(SEED)
    return [_draw(lab, rng, number) for number in range(count)]


def _draw(lab: Lab, rng: random.Random, number: int) -> Submission:
    answers = {e.id: rng.choice([e.name, *e.answer.marked("right")]) for e in lab.exercises}
    if number % 2:
        for exercise in rng.sample(lab.exercises, rng.randint(1, 3)):
            answers[exercise.id] = rng.choice([UNTOUCHED, *exercise.answer.marked("wrong")])
    return Submission(f"student-{number:04d}", answers)


def write_class(lab: Lab, submissions: list[Submission], submitted: Path) -> None:
    """Write notebooks and packs as nbgrader expects them: `submitted/STUDENT/bench/`."""
    release = nbformat.read(lab.edition / f"{LAB}.ipynb", as_version=4)
    for submission in submissions:
        folder = submitted / submission.student / LAB
        folder.mkdir(parents=True)
        nbformat.write(worked(lab, release, submission), folder / f"{LAB}.ipynb")
        shutil.copy(pack_path(lab.edition, LAB), folder)


def worked(lab: Lab, release: NotebookNode, submission: Submission) -> NotebookNode:
    """A student's notebook; every cell that was worked on or is the student's own bears the name."""
    sources = {e.id: _source(e, name) for e in lab.exercises if (name := submission.answers[e.id]) != UNTOUCHED}
    notebook = solve(lab, release, sources)
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        untouched = nbgrader.get("solution") and cell.metadata.exercise not in sources
        if cell.cell_type == "code" and not nbgrader.get("grade") and not untouched:
            cell.source = f"# {submission.student}\n{cell.source}"
    return notebook


def _source(exercise: Exercise, name: str) -> str:
    return renamed(exercise.answer.closure_of(name), name, exercise.name)


def stock_points(lab: Lab, submission: Submission) -> dict[str, float]:
    """All or nothing by exercise: every named wrong answer fails on the public examples."""
    wrong = {e.id: {UNTOUCHED, *e.answer.marked("wrong")} for e in lab.exercises}
    return {e.id: 0.0 if submission.answers[e.id] in wrong[e.id] else e.contract.points for e in lab.exercises}


def deserved_points(lab: Lab, submission: Submission, secret: str) -> dict[str, float]:
    """Points by exercise: groups of hidden cases under this secret share them equally."""
    return {e.id: _deserved(e, submission.answers[e.id], secret) for e in lab.exercises}


def _deserved(exercise: Exercise, name: str, secret: str) -> float:
    if name == UNTOUCHED:
        return 0.0
    if name not in exercise.answer.marked("wrong"):
        return exercise.contract.points
    known = hidden_expectations(exercise, secret)
    findings = report(exercise.rules(with_facts=True), known, [e.mistakes[name] for e in known]).findings
    failed = {e.case.group for e, finding in zip(known, findings, strict=True) if finding}
    groups = {e.case.group for e in known}
    return exercise.contract.points * (len(groups) - len(failed)) / len(groups)
