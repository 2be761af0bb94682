"""A three-way merge of notebooks that never loses a text of the learner's."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import nbformat
from nbformat import NotebookNode

RELEASE_KEYS = ("nbgrader", "exercise", "editable", "deletable")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class Merge:
    """A three-way merge of notebooks by cell id, in the order of the new release."""

    def __init__(self, base: NotebookNode | None, mine: NotebookNode, new: NotebookNode) -> None:
        self.changed: list[str] = []
        self.kept: list[str] = []
        self.new: list[str] = []
        self.moved: list[str] = []
        self.cells = _identified(mine.cells, base.cells if base else new.cells)
        followed = _followed(base.cells if base else self.cells, new.cells)
        for cell in self.cells:
            cell.id = followed.get(cell.id, cell.id)
        self.base = {followed[cell.id]: cell for cell in base.cells} if base else {}
        self.mine = {cell.id: cell for cell in self.cells}
        places = {cell.id: self._settle(cell) for cell in new.cells}
        extra = self._extra(places, known_base=base is not None)
        cells = extra[""] + [cell for place, settled in places.items() for cell in settled + extra[place]]
        self.notebook = _like(mine, new, cells)

    def _settle(self, new: NotebookNode) -> list[NotebookNode]:
        """One cell of the new release, followed by what has to stand next to it."""
        mine, base = self.mine.get(new.id), self.base.get(new.id)
        if mine is None:
            self.new.append(new.id)
            return [deepcopy(new)]
        if _same(mine, new):
            return [_dressed(mine, mine, base, new)]
        if _locked(base or mine) or (base and _same(mine, base)):
            self.changed.append(new.id)
            return [_dressed(new, mine, base, new)]
        if _locked(new) or mine.cell_type != new.cell_type:
            self.moved.append(new.id)
            return [_dressed(new, mine, base, new), _ordinary(mine, _fresh_id(new.id, "yours", mine.source))]
        self.kept.append(new.id)
        note = _note(mine, base, new)
        return [_dressed(mine, mine, base, new), *([note] if note and note.id not in self.mine else [])]

    def _extra(self, places: Iterable[str], known_base: bool) -> dict[str, list[NotebookNode]]:
        """The learner's other cells, by the release's cell (or "") that they stand behind."""
        extra: dict[str, list[NotebookNode]] = {"": [], **{place: [] for place in places}}
        place = ""
        for cell in self.cells:
            base = self.base.get(cell.id)
            if cell.id in extra:
                place = cell.id
            elif base and not _locked(base) and not _same(cell, base):
                self.moved.append(cell.id)
                extra[place].append(_ordinary(cell, cell.id))
            elif not base and (known_base or not _locked(cell)):
                extra[place].append(_ordinary(cell, cell.id))
        return extra


def _identified(mine: list[NotebookNode], known: list[NotebookNode]) -> list[NotebookNode]:
    """Copies of the learner's cells under the release's ids, also where an editor dropped the ids."""
    cells = deepcopy(mine)
    present, known_ids = {cell.id for cell in cells}, {cell.id for cell in known}
    missing = [cell for cell in known if cell.id not in present]
    for cell in cells:
        if cell.id in known_ids:
            continue
        twin = next((other for other in missing if _grade_id(other) == _grade_id(cell) != ""), None)
        twin = twin or next((other for other in missing if cell.source and _same(other, cell)), None)
        if twin:
            missing.remove(twin)
            cell.id = twin.id
    return cells


def _followed(old: list[NotebookNode], new: list[NotebookNode]) -> dict[str, str]:
    """The new ids of old cells: the ids of prose are counted, so one that is inserted shifts those below."""
    by_id = {cell.id: cell for cell in new}
    followed = {cell.id: cell.id for cell in old if cell.id in by_id and _same(cell, by_id[cell.id])}
    strays = [cell for cell in new if cell.id not in followed]
    for cell in old:
        twin = None if cell.id in followed else next((other for other in strays if _same(cell, other)), None)
        if twin:
            strays.remove(twin)
            followed[cell.id] = twin.id
    taken = set(followed.values())
    for cell in old:
        other_id = _fresh_id(cell.id, "old", cell.source) if cell.id in taken else cell.id
        followed.setdefault(cell.id, other_id)
    return followed


def _dressed(cell: NotebookNode, mine: NotebookNode, base: NotebookNode | None, new: NotebookNode) -> NotebookNode:
    """A copy of `cell` with the new release's id and metadata and the learner's view of it (folded, ...)."""
    owned = {*RELEASE_KEYS, *new.metadata, *(base.metadata if base else ())}
    cell = deepcopy(cell)
    cell.id = new.id
    view = {key: value for key, value in mine.metadata.items() if key not in owned}
    cell.metadata = nbformat.from_dict({**view, **new.metadata})
    return cell


def _ordinary(cell: NotebookNode, cell_id: str) -> NotebookNode:
    """A copy that belongs to the learner: not graded, not locked. (nbgrader stops at a copied test cell.)"""
    cell = deepcopy(cell)
    cell.id = cell_id
    for key in RELEASE_KEYS:
        cell.metadata.pop(key, None)
    return cell


def _note(mine: NotebookNode, base: NotebookNode | None, new: NotebookNode) -> NotebookNode | None:
    """What the learner must see of the new release where their own text stays."""
    cell_id = _fresh_id(new.id, "new", new.source)
    if _nbgrader(new).get("solution"):
        changed = _other_arguments(mine.source, new.source) if base is None else not _same(base, new)
        line = "**The contract changed; your answer above was kept.** Its cell begins like this now:"
        text = f"{line}\n\n````python\n{new.source}\n````"
        return nbformat.v4.new_markdown_cell(text, id=cell_id) if changed else None
    if base is None or _same(base, new):
        return None
    note = _ordinary(new, cell_id)
    line = "New in this release; your version stands above."
    if new.cell_type == "markdown":
        note.source = f"*{line}*\n\n{new.source}"
    elif new.source.startswith("%%"):  # a cell magic must stay on top
        note.source = f"{new.source}\n# {line}"
    else:
        note.source = f"# {line}\n{new.source}"
    return note


def _other_arguments(mine: str, new: str) -> bool:
    """Whether the learner's code defines what the new stub defines, with other arguments."""
    theirs, wanted = _arguments(mine), _arguments(new)
    return any(name in theirs and theirs[name] != arguments for name, arguments in wanted.items())


def _arguments(source: str) -> dict[str, list[str]]:
    try:
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError):
        return {}
    return {
        node.name: [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)] for node in nodes
    }


def _like(mine: NotebookNode, new: NotebookNode, cells: list[NotebookNode]) -> NotebookNode:
    kernel = {key: mine.metadata[key] for key in ("kernelspec", "language_info") if key in mine.metadata}
    notebook = deepcopy(mine)
    notebook.metadata = nbformat.from_dict({**mine.metadata, **new.metadata, **kernel})
    notebook.cells = cells
    return notebook


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    return cell.metadata.get("nbgrader") or {}


def _grade_id(cell: NotebookNode) -> str:
    return str(_nbgrader(cell).get("grade_id", ""))


def _locked(cell: NotebookNode) -> bool:
    marks = _nbgrader(cell)
    return not marks.get("solution") and bool(marks.get("grade") or cell.metadata.get("editable") is False)


def _same(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two cells say the same, apart from white space at ends of lines and of the cell."""
    texts = [[line.rstrip() for line in cell.source.strip().splitlines()] for cell in (one, other)]
    return one.cell_type == other.cell_type and texts[0] == texts[1]


def _fresh_id(cell_id: str, why: str, text: str) -> str:
    # Derived from the content: an update that is run again finds the cell and adds no second one.
    return f"{cell_id[:46]}-{why}-{digest(text.encode())[:8]}"
