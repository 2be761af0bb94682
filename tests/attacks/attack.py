"""What an attack is: a notebook that a student could hand in, what it tries, and what must happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from autograder.course import Lab
from tests.test_bookkeeping import WRONG
from tests.toy import RIGHT

LOOT = "loot:"  # what an attack prints before what it got; no attack's source holds it


@dataclass(frozen=True)
class Attack:
    """A hostile or broken submission of the toy lab.

    `cells` run before the answer, `after` behind its check cell. `points` are those it deserves,
    `says` is a part of what its feedback must say. `@PLACE@` in a source becomes what the attack may
    know of the grader's machine: see `Target`. `change` may do anything to the finished notebook,
    `content` stands in the file instead of a notebook, `files` lie beside it.
    """

    name: str
    tries: str
    cells: tuple[str, ...] = ()
    answer: str = WRONG
    after: tuple[str, ...] = ()
    points: float = 0.0
    says: str = ""
    change: Callable[[NotebookNode], None] | None = None
    content: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict)


def survives(name: str, tries: str, *cells: str, **more: object) -> Attack:
    """An attack after which a right answer still gets all its points."""
    return Attack(name, tries, cells, **{"answer": RIGHT, "points": 4.0, **more})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Target:
    """What an attack knows of the grader's machine; a real student would have to guess it."""

    places: dict[str, str]

    def notebook(self, lab: Lab, attack: Attack) -> bytes:
        """The file that is handed in."""
        if attack.content is not None:
            return attack.content
        notebook = nbformat.read(lab.edition / f"{lab.name}.ipynb", as_version=4)
        solution = next(i for i, cell in enumerate(notebook.cells) if is_marked(cell, "solution"))
        check = next(i for i, cell in enumerate(notebook.cells) if is_marked(cell, "grade"))
        notebook.cells[solution].source = self._filled(attack.answer)
        notebook.cells[check + 1 : check + 1] = map(self._cell, attack.after)
        notebook.cells[solution:solution] = map(self._cell, attack.cells)
        if attack.change:
            attack.change(notebook)
        return nbformat.v4.writes(notebook).encode("utf-8", "surrogatepass")

    def _cell(self, source: str) -> NotebookNode:
        return nbformat.v4.new_code_cell(self._filled(source))

    def _filled(self, source: str) -> str:
        for place, value in self.places.items():
            source = source.replace(f"@{place}@", value)
        return source


def is_marked(cell: NotebookNode, mark: str) -> bool:
    """Whether nbgrader's metadata say that a cell is a solution, or that it is graded."""
    ours = cell.metadata.get("nbgrader", {})
    return bool(ours.get(mark)) and (mark == "grade" or not ours.get("grade"))
