"""Checksums for composed cells, and the registration of an assignment in the gradebook."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import ComputeChecksums, SaveCells


def stamp(notebook: NotebookNode) -> NotebookNode:
    """Add nbgrader's checksums, by which it tells untouched cells from worked ones."""
    return ComputeChecksums().preprocess(notebook, {})[0]


def register(notebook: NotebookNode, lab_name: str, db_url: str, course_id: str) -> None:
    """Record an assignment's cells in the gradebook, as `nbgrader generate_assignment` would."""
    from nbgrader.api import Gradebook

    with Gradebook(db_url, course_id) as gradebook:
        gradebook.update_or_create_assignment(lab_name)
    resources: dict[str, Any] = {"nbgrader": {"notebook": lab_name, "assignment": lab_name, "db_url": db_url}}
    SaveCells().preprocess(notebook, resources)
