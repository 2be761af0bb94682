"""What a grading left: scores in the gradebook, the grader's notes, and hashes of what it must not touch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from autograder.bridge.classroom import COURSE_ID


def score_of(classroom: Path, student: str) -> float | None:
    """The score that the gradebook of a class folder holds."""
    with Gradebook(f"sqlite:///{classroom / 'gradebook.db'}", COURSE_ID) as gradebook:
        return recorded(gradebook, student)


def recorded(gradebook: Gradebook, student: str) -> float | None:
    try:
        return float(gradebook.find_submission("toy", student).score)
    except MissingEntry:
        return None


def notes_of(graded: NotebookNode) -> list[str]:
    """What the grader says in cells of its own."""
    return [cell.source for cell in graded.cells if "grader-note" in cell.metadata.get("tags", [])]


def hashes(*roots: Path) -> dict[Path, str]:
    """Of every file below some folders."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
