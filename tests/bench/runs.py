"""One run of a grader over a class: its wall time, its peak memory and whether it graded rightly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from autograder.bridge.cells import register
from autograder.bridge.classroom import COURSE_ID
from autograder.course import ROOT_VARIABLE, Lab
from autograder.pack import pack_path
from autograder.secret import secret_of
from tests.bench.memory import TreeMemory
from tests.bench.submissions import LAB, deserved_points, draw_class, stock_points, write_class

WORKERS = 2
REPOSITORY = Path(__file__).resolve().parents[2]
# What `autograder grade` is told besides the lab and the folder.
GRADE_OPTIONS = ("--workers", str(WORKERS))
# Shares of a core for watching memory: in a run that is timed, and in one that is only watched.
LITTLE, MUCH = 0.005, 0.3
STOCK_CONFIG = """from pathlib import Path

c = get_config()
c.CourseDirectory.course_id = "bench"
c.CourseDirectory.root = str(Path(__file__).parent)
"""

Points = dict[str, dict[str, float]]


class BenchError(Exception):
    """A grader stopped, or gave other points than were earned: its time means nothing."""


@dataclass(frozen=True)
class Run:
    """A whole run, start-up included; `memory` is the process tree's sampled peak in bytes."""

    system: str
    students: int
    seconds: float
    memory: int
    kinds: frozenset[str]


def run_stock(lab: Lab, count: int, watching: float = LITTLE) -> Run:
    """Run stock `nbgrader autograde` on the first `count` students, in a folder of its own.

    Raises
    ------
    BenchError
        If it failed, or its gradebook does not hold all-or-nothing points by the public examples.
    """
    with _class_folder(lab, count) as name:
        folder = Path(name)
        notebook = nbformat.read(lab.edition / f"{LAB}.ipynb", as_version=4)
        source = folder / "source" / LAB
        source.mkdir(parents=True)
        shutil.copy(lab.edition / f"{LAB}.ipynb", source)
        shutil.copy(pack_path(lab.edition, LAB), source)
        (folder / "nbgrader_config.py").write_text(STOCK_CONFIG)
        db_url = _db_url(folder)
        register(notebook, LAB, db_url, "bench")
        run = _timed("stock", count, [sys.executable, "-m", "nbgrader", "autograde", LAB], folder, lab, watching)
        earned = {s.student: stock_points(lab, s) for s in draw_class(lab, count)}
        _compare("stock", _points(lab, db_url, "bench"), earned)
    return run


def run_ours(lab: Lab, count: int, watching: float = LITTLE) -> Run:
    """Run `autograder grade` on the first `count` students, with a gradebook and a secret of its own.

    Raises
    ------
    BenchError
        If it failed, or its gradebook does not hold what the groups of hidden cases are worth.
    """
    with _class_folder(lab, count) as name:
        folder = Path(name)
        # As in `run_stock`: that a gradebook is there and knows the lab is a release's work, not a grading's.
        register(nbformat.read(lab.edition / f"{LAB}.ipynb", as_version=4), LAB, _db_url(folder), COURSE_ID)
        command = [sys.executable, "-m", "autograder", "grade", LAB, *GRADE_OPTIONS, "--class-folder", str(folder)]
        run = _timed("ours", count, command, lab.course.root, lab, watching)
        secret = secret_of(folder / "secrets", LAB)
        earned = {s.student: deserved_points(lab, s, secret) for s in draw_class(lab, count)}
        _compare("ours", _points(lab, _db_url(folder), COURSE_ID), earned)
    return run


def own_work(lab: Lab, count: int) -> dict[str, float]:
    """Measure what the first `count` students' notebooks cost by themselves, in CPU-seconds."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    with _class_folder(lab, count) as folder:
        command = [sys.executable, "-m", "tests.bench.cells", str(lab.course.root), str(Path(folder, "submitted"))]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"The notebooks do not run by themselves:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def _db_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'gradebook.db'}"


def _class_folder(lab: Lab, count: int) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="class-", dir=lab.course.root.parent, ignore_cleanup_errors=True)
    write_class(lab, draw_class(lab, count), Path(folder.name) / "submitted")
    return folder


def _timed(system: str, count: int, command: list[str], cwd: Path, lab: Lab, watching: float) -> Run:
    environment = {**os.environ, ROOT_VARIABLE: str(lab.course.root)}
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        memory = TreeMemory(process.pid, watching)
        try:
            status = process.wait()
        finally:
            seconds = time.perf_counter() - started
            memory.stop()
            process.terminate()
        if status:
            log.seek(0)
            raise BenchError(f"{' '.join(command)} ended with status {status}:\n{log.read()[-4000:]}")
    return Run(system, count, seconds, memory.peak, frozenset(memory.kinds))


def _points(lab: Lab, db_url: str, course_id: str) -> Points:
    """Points in a gradebook, by student and exercise id."""
    cells = {f"{e.slug}-check": e.id for e in lab.exercises}
    with Gradebook(db_url, course_id) as gradebook:
        return {
            submission.student_id: {
                cells[grade.name]: grade.score for notebook in submission.notebooks for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(LAB)
        }


def _compare(system: str, found: Points, earned: Points) -> None:
    for student in sorted(found.keys() | earned.keys()):
        got, wanted = found.get(student, {}), earned.get(student, {})
        if got.keys() != wanted.keys() or any(abs(got[key] - wanted[key]) > 1e-6 for key in wanted):
            raise BenchError(f"{system} gave {student} {got}; earned were {wanted}.")
