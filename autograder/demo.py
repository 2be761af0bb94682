"""`make demo`: a class of three with one lab, from release to grades, through real nbgrader.

One student is right, one makes named mistakes and leaves an exercise untouched, the process of the
third dies half way. Their notebooks are made from the lab's own answers, whatever lab it is.
"""

from __future__ import annotations

import ast
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder import wall
from autograder.course import Course, Exercise, Lab
from autograder.errors import UserError
from autograder.preload import one_thread

if TYPE_CHECKING:
    from autograder.bridge.results import GradedSubmission

STUDENTS = {"ada": "right", "ben": "mistaken", "cleo": "crashing"}


def play(lab: Lab, folder: Path, behind_wall: bool = True) -> list[GradedSubmission]:
    """Play the flow of a class in `folder`, which is emptied first; returns what was graded."""
    from rich.console import Console

    from autograder.bridge.classroom import Classroom
    from autograder.bridge.grading import Options
    from autograder.compose import build

    console = Console()
    shutil.rmtree(folder, ignore_errors=True)
    with console.status(f"Building {lab.name}"):
        build(lab, lab.course.root / "build")
    teacher = Classroom(lab.course, folder)
    with console.status("The instructor releases the lab"):
        teacher.release(lab.name)
    for student in STUDENTS:
        with console.status(f"{student} fetches, works and submits"):
            pupil = Classroom(lab.course, folder, student=student, work=folder / "students" / student)
            work_on(lab, pupil.fetch(lab.name) / f"{lab.name}.ipynb", STUDENTS[student])
            receipt = pupil.submit(lab.name)
        console.print(f"{student} submitted {lab.name}: sha256 {receipt.sha256[:16]}…")
    with console.status("The instructor collects and grades"):
        teacher.collect(lab.name)
        graded, _ = teacher.grade(lab.name, Options(wall=behind_wall, workers=2))
    with console.status("Feedback and grades go back"):
        teacher.feedback(lab.name)
        teacher.release_feedback(lab.name)
        teacher.export(folder / "grades.csv")
    return graded


def work_on(lab: Lab, path: Path, role: str) -> None:
    """Do a student's work on a fetched notebook."""
    notebook = nbformat.read(path, as_version=4)
    worked = {"right": _right, "mistaken": _mistaken, "crashing": _crashing}[role](lab, notebook)
    nbformat.write(worked, path)


def _right(lab: Lab, notebook: NotebookNode) -> NotebookNode:
    from autograder.compose import solve

    return solve(lab, notebook)


def _mistaken(lab: Lab, notebook: NotebookNode) -> NotebookNode:
    """Named mistakes in every other exercise, the last one left as it was released."""
    from autograder.compose import solve

    answers = {}
    for number, exercise in enumerate(lab.exercises[:-1]):
        mistake = mistaken_source(exercise) if number % 2 == 0 else None
        answers[exercise.id] = mistake or exercise.answer.closure_of(exercise.name)
    return solve(lab, notebook, answers)


def _crashing(lab: Lab, notebook: NotebookNode) -> NotebookNode:
    """Right answers, but the process ends itself in a cell before the middle exercise."""
    solved = _right(lab, notebook)
    middle = lab.exercises[len(lab.exercises) // 2].slug
    index = next(i for i, cell in enumerate(solved.cells) if cell.id == middle)
    solved.cells.insert(index, new_code_cell("import os\n\nos._exit(1)"))
    return solved


def plain_mistake(exercise: Exercise) -> str | None:
    """The exercise's first named wrong answer that does not call the right one."""
    for name in exercise.answer.marked("wrong"):
        tree = ast.parse(exercise.answer.closure_of(name))
        if exercise.name not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
            return name
    return None


def mistaken_source(exercise: Exercise) -> str | None:
    """That wrong answer, written as a student would have."""
    name = plain_mistake(exercise)
    return renamed(exercise.answer.closure_of(name), name, exercise.name) if name else None


def renamed(source: str, old: str, new: str) -> str:
    """Rename a top-level function or class and drop its docstring, which names the mistake."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == old:
            node.name = new
            node.body = node.body[1:] if ast.get_docstring(node) else node.body
    return ast.unparse(tree)


def main() -> None:
    one_thread()
    from rich.console import Console

    from autograder.cli.grading import print_grades

    console = Console()
    started = time.perf_counter()
    try:
        lab = Course.find().lab(sys.argv[1])
        folder = lab.course.root / "build" / "demo"
        graded = play(lab, folder, behind_wall=not wall.missing())
    except UserError as error:
        console.print(str(error), markup=False)
        sys.exit(2)
    without = f"without a wall, since {wall.missing()}; these three notebooks are our own"
    console.print(f"Student code ran {without if wall.missing() else 'behind the wall'}.", highlight=False)
    print_grades(console, lab.exercises, graded)
    for student in STUDENTS:
        print(
            f"Feedback: {folder.relative_to(lab.course.root) / 'feedback' / student / lab.name / (lab.name + '.html')}"
        )
    print(f"Grades: {(folder / 'grades.csv').relative_to(lab.course.root)}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
