"""What has been graded, read from the graded notebooks and the gradebook's scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.bridge.grading import read_marker


@dataclass(frozen=True)
class GradedSubmission:
    """One line of a grading's summary. `verdicts` is as `judging.summary` writes it."""

    student: str
    score: float
    max_score: float
    verdicts: dict[str, dict[str, Any]]
    note: str = ""


def read_result(
    student: str, notebook: Path, exercises: Sequence[str], scores: Mapping[str, tuple[float, float]], failure: str
) -> GradedSubmission:
    """One student's result; `failure` says why the submission could not be graded this time."""
    verdicts, mark = _verdicts(notebook, exercises)
    notes = (read_marker(notebook.parent).get("note", ""), mark, failure)
    return GradedSubmission(student, *scores.get(student, (0.0, 0.0)), verdicts, " ".join(filter(None, notes)))


def _verdicts(path: Path, exercises: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """The verdicts that a graded notebook records, and how they were come by if not behind the wall."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["winning_ticket"]
        verdicts = {key: dict(about["verdicts"][key]) for key in exercises if key in about["verdicts"]}
    except (OSError, ValueError, KeyError):
        return {}, ""
    return verdicts, "" if about.get("wall") else "Graded without a wall."
