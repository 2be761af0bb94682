"""Verdicts in a notebook: outputs that nbgrader's scoring reads as meant, and a record in the metadata."""

from __future__ import annotations

from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.bridge.submission import note
from autograder.course import Lab
from autograder.grade import Graded, Verdict
from autograder.panel import Panel
from autograder.run import Step


def steps_of(notebook: NotebookNode, lab: Lab) -> list[Step]:
    """What a student's process is told to do, cell by cell; experiments are left out."""
    return [step for cell in notebook.cells if (step := _step(cell, lab))]


def _step(cell: NotebookNode, lab: Lab) -> Step | None:
    if cell.cell_type != "code" or "experiment" in cell.metadata.get("tags", []):
        return None
    if cell.metadata.get("nbgrader", {}).get("grade"):
        return Step(cell.id, exercise=lab.course.exercise(cell.metadata.exercise))
    return Step(cell.id, source=cell.source)


def write_verdicts(nb: NotebookNode, graded: Graded) -> None:
    """Put cell outputs and verdicts into the notebook, and a record of them into its metadata."""
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        cell.outputs = nbformat.from_dict(graded.outputs.get(cell.id, []))
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
