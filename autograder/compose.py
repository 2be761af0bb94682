"""Compose a lab's notebooks from its text and its contracts. Answers never pass through here,
except into the solved notebook, which stays in `build/`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course import Exercise, Lab
from autograder.errors import UserError
from autograder.pack import pack_path, write_pack

LEVELS = {1: "warm-up", 2: "core", 3: "stretch"}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def compose(lab: Lab) -> NotebookNode:
    """Compose the student notebook: the lab's text, with each exercise's contract in its place."""
    cells = [cell for part in _master_cells(lab) for cell in _expand(lab, part)]
    named = {cell.metadata.get("exercise") for cell in cells}
    left_out = [exercise.id for exercise in lab.exercises if exercise.id not in named]
    if left_out:
        raise UserError(
            f"{lab.master} names no place for {', '.join(left_out)}: "
            f"add a code cell tagged exercise with '# {left_out[0]}'."
        )
    _name_cells(lab, cells)
    metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "winning_ticket": {"lab": lab.name, "title": lab.title},
    }
    return new_notebook(cells=cells, metadata=metadata)


def solve(lab: Lab, notebook: NotebookNode, answers: dict[str, str] | None = None) -> NotebookNode:
    """Fill a copy of a student notebook with answers (default: the references)."""
    solved = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for cell in solved.cells:
        exercise_id = cell.metadata.get("exercise")
        if exercise_id and cell.metadata.get("nbgrader", {}).get("solution"):
            exercise = lab.exercise(exercise_id.partition(".")[2])
            if answers is None:
                cell.source = exercise.answer.closure_of(exercise.name)
            elif exercise_id in answers:
                cell.source = answers[exercise_id]
    return solved


def _master_cells(lab: Lab) -> list[NotebookNode]:
    import jupytext

    return jupytext.reads(lab.master.read_text(encoding="utf-8"), fmt="md:myst").cells


def _expand(lab: Lab, cell: NotebookNode) -> Iterator[NotebookNode]:
    tags = list(cell.metadata.get("tags", []))
    if cell.cell_type == "markdown":
        yield new_markdown_cell(cell.source)
    elif "exercise" in tags:
        exercise = lab.course.exercise(cell.source.strip().removeprefix("#").strip())
        yield _text_cell(exercise)
        yield _solution_cell(exercise)
        yield _check_cell(exercise)
    else:
        yield new_code_cell(cell.source, metadata={"tags": tags} if tags else {})


def _text_cell(exercise: Exercise) -> NotebookNode:
    contract = exercise.contract
    points = f"{contract.points:g} point{'s' if contract.points != 1 else ''}"
    facts = f"`{exercise.id}` · {points} · about {contract.minutes} minutes · {LEVELS[contract.level]}"
    return new_markdown_cell(
        f"### Exercise: {contract.title}\n\n{facts}", metadata={"editable": False, "exercise": exercise.id}
    )


def _solution_cell(exercise: Exercise) -> NotebookNode:
    nbgrader = _nbgrader(exercise.slug, solution=True)
    return new_code_cell(
        exercise.contract.stub_source, metadata={"exercise": exercise.id, "deletable": False, "nbgrader": nbgrader}
    )


def _check_cell(exercise: Exercise) -> NotebookNode:
    nbgrader = _nbgrader(f"{exercise.slug}-check", grade=True, locked=True, points=exercise.contract.points)
    metadata = {"exercise": exercise.id, "deletable": False, "editable": False, "nbgrader": nbgrader}
    return new_code_cell(f'check("{exercise.id}", {exercise.name})', metadata=metadata)


def _nbgrader(grade_id: str, **fields: object) -> dict[str, object]:
    return {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
        **fields,
    }


def _name_cells(lab: Lab, cells: list[NotebookNode]) -> None:
    """Give every cell an id that derives from names, so that a rebuild and an update can match cells."""
    slug = "start"
    counts: dict[str, int] = {}
    for cell in cells:
        if cell.metadata.get("nbgrader"):
            cell.id = cell.metadata.nbgrader.grade_id
            continue
        if cell.metadata.get("exercise"):
            cell.id = lab.course.exercise(cell.metadata.exercise).slug + "-text"
            continue
        headings = re.findall(r"^#+ +(.*)", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        if headings:
            slug = re.sub(r"[^a-z0-9]+", "-", headings[-1].lower()).strip("-")[:40].rstrip("-")
        counts[slug] = counts.get(slug, 0) + 1
        cell.id = f"{lab.name}-{slug}-{counts[slug]}"[:64]


def build(lab: Lab, build_folder: Path) -> list[Path]:
    """Write a lab's editions; returns the files that changed.

    `labs/<lab>/` gets the student notebook and its pack, `build/source/<lab>/` the same for
    nbgrader, `build/solved/<lab>.ipynb` the notebook with the references. Without `solutions/`
    the packs are kept as they are and nothing is solved.
    """
    from autograder.bridge.cells import stamp

    notebook = stamp(compose(lab))
    lab.edition.mkdir(parents=True, exist_ok=True)
    changed = [_write(notebook, lab.edition / f"{lab.name}.ipynb")]
    pack = pack_path(lab.edition, lab.name)
    if all(exercise.has_answer for exercise in lab.exercises):
        changed += [pack] if write_pack(lab, pack) else []
        changed.append(_write(solve(lab, notebook), build_folder / "solved" / f"{lab.name}.ipynb"))
    source = build_folder / "source" / lab.name
    changed.append(_write(notebook, source / f"{lab.name}.ipynb"))
    if pack.is_file():
        pack_path(source, lab.name).write_bytes(pack.read_bytes())
    return [path for path in changed if path]


def _write(notebook: NotebookNode, path: Path) -> Path | None:
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
