"""The preprocessor that stands where nbgrader would execute a notebook: it asks our grader."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from autograder.bridge.submission import note, unreadable_reason
from autograder.course import Course
from autograder.grade import Graded, Grader, Step, Verdict
from autograder.panel import Panel
from autograder.secret import secret_of

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 50


@lru_cache(maxsize=8)
def _grader(root: str, lab: str, secret: str) -> Grader:
    return Grader(Course.at(Path(root)).lab(lab), secret)


class Judge(NbGraderPreprocessor):
    """Write verdicts into a submission as outputs that nbgrader's scoring reads as meant."""

    course_root = Unicode(help="The folder that holds course/, labs/ and solutions/.").tag(config=True)
    secrets_folder = Unicode(help="Where the secret seeds are kept.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        lab = resources["nbgrader"]["assignment"]
        grader = _grader(self.course_root, lab, secret_of(Path(self.secrets_folder), lab))
        unreadable = unreadable_reason(nb)
        if unreadable:
            graded = grader.grade_nothing(unreadable)
        else:
            steps = [step for cell in nb.cells if (step := _step(grader, cell))]
            graded = grader.grade(steps, _files(Path(resources["metadata"]["path"])))
        write_verdicts(nb, graded)
        return nb, resources


def _step(grader: Grader, cell: NotebookNode) -> Step | None:
    if cell.cell_type != "code" or "experiment" in cell.metadata.get("tags", []):
        return None
    if cell.metadata.get("nbgrader", {}).get("grade"):
        return Step(cell.id, exercise=grader.lab.course.exercise(cell.metadata.exercise))
    return Step(cell.id, source=cell.source)


def _files(folder: Path) -> dict[str, bytes]:
    """The plain files that lie beside the notebook; links and folders are left out."""
    found = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.is_symlink() and p.suffix != ".ipynb"]
    small = [path for path in found if path.stat().st_size <= MAX_FILE_BYTES]
    return {path.name: path.read_bytes() for path in small[:MAX_FILES]}


def write_verdicts(nb: NotebookNode, graded: Graded) -> None:
    """Put cell outputs and verdicts into the notebook, and a record of them into its metadata."""
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = [_output(fields) for fields in graded.outputs.get(cell.id, [])]
        if cell.metadata.get("nbgrader", {}).get("grade"):
            verdict = graded.verdicts[cell.metadata.exercise]
            cell.outputs = [_score_output(verdict, float(cell.metadata.nbgrader.points))]
    for sentence in graded.notes:
        nb.cells.insert(0, note(sentence))
        nb.cells[0].id = f"note-{len(nb.cells)}"
    nb.metadata["winning_ticket"] = {
        **nb.metadata.get("winning_ticket", {}),
        "verdicts": {key: summary(verdict) for key, verdict in graded.verdicts.items()},
    }


def _output(fields: dict[str, Any]) -> NotebookNode:
    fields = dict(fields)
    return new_output(fields.pop("output_type"), **fields)


def _score_output(verdict: Verdict, points: float) -> NotebookNode:
    """An execute_result whose text is a plain float: what nbgrader reads as partial credit."""
    score = min(max(float(verdict.points), 0.0), points)
    data = {"text/plain": repr(score), "text/html": grading_panel(verdict)._repr_html_()}
    return new_output("execute_result", data=data, execution_count=None)


def summary(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON, for reports; it holds no input and no value."""
    return {
        "points": verdict.points,
        "max_points": verdict.exercise.contract.points,
        "mistake": verdict.mistake,
        "reason": verdict.reason,
        "groups": verdict.groups,
    }


def grading_panel(verdict: Verdict) -> Panel:
    """Say which points were lost and why, without showing a hidden input."""
    contract = verdict.exercise.contract
    status = "passed" if verdict.hidden.passed else "partial" if verdict.points > 0 else "failed"
    rows = [(name, "passed" if passed else "failed") for name, passed in verdict.groups.items()]
    sentences = [verdict.reason] if verdict.reason else []
    if not verdict.hidden.passed and not verdict.examples.passed:
        expectation, finding = verdict.examples.first_failure()
        if finding.sentence not in sentences:
            sentences.append(f"On the public example '{expectation.case.group}': {finding.sentence}")
    score = f"{verdict.points:g} of {contract.points:g} points"
    return Panel(f"{verdict.exercise.id} · {contract.title}", status, score, tuple(sentences), tuple(rows))
