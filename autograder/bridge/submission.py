"""Read submissions and put them back on the release's frame, whatever was done to them."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

MAX_NOTEBOOK_BYTES = 50_000_000
MAX_FILE_BYTES = 1_000_000
MAX_FILES = 50
NOTE_TAG = "grader-note"


def read_release(labs_folder: str | Path, lab: str) -> NotebookNode:
    """The released notebook: the frame on which every submission is graded."""
    return nbformat.read(Path(labs_folder) / lab / f"{lab}.ipynb", as_version=4)


def parse_submission(name: str, content: bytes) -> NotebookNode:
    """Read a submitted notebook; raises ValueError with a sentence when it is none."""
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise ValueError(f"{name} is larger than {MAX_NOTEBOOK_BYTES // 10**6} MB.")
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(notebook)
    except Exception:
        raise ValueError(f"{name} is not a readable notebook: it may have been cut off or edited by hand.") from None
    return notebook


def read_bounded(path: Path) -> bytes:
    """A submitted notebook's content, of an oversized one no more than tells that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_NOTEBOOK_BYTES + 1)


def unreadable_release(release: NotebookNode, why: str) -> NotebookNode:
    """The release in place of a submission that could not be read."""
    release.metadata.winning_ticket["unreadable"] = f"{why} Nothing could be graded; hand in the file again."
    return release


def side_files(folder: Path) -> dict[str, bytes]:
    """The plain files that lie beside a notebook; links, folders, notebooks and oversized ones are left out."""
    found = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.is_symlink() and p.suffix != ".ipynb"]
    small = [path for path in found if path.stat().st_size <= MAX_FILE_BYTES]
    return {path.name: path.read_bytes() for path in small[:MAX_FILES]}


def unreadable_reason(notebook: NotebookNode) -> str:
    """Why a submission could not be read, as `SubmissionExporter` noted it; "" if it could."""
    ours = notebook.metadata.get("winning_ticket")
    reason = ours.get("unreadable") if isinstance(ours, dict) else None
    return reason if isinstance(reason, str) else ""


def note(text: str) -> NotebookNode:
    """A cell by which the grader tells the reader of the feedback what it met."""
    return new_markdown_cell(f"**Note by the grader.** {text}", metadata={"tags": [NOTE_TAG]})


class SubmissionExporter(NotebookExporter):
    """Reads a submission; an unreadable one becomes the untouched release with a note on top."""

    labs_folder = Unicode(help="The folder of the student editions.").tag(config=True)

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> Any:
        path = Path(filename)
        try:
            notebook = parse_submission(path.name, read_bounded(path))
        except ValueError as error:
            notebook = unreadable_release(read_release(self.labs_folder, path.stem), str(error))
        resources = {**(resources or {}), "metadata": {"name": path.stem, "path": str(path.parent)}}
        return self.from_notebook_node(notebook, resources=resources, **kw)


class Reassemble(NbGraderPreprocessor):
    """Rebuild a submission on the release: its check cells, its metadata, the student's code.

    Check cells always come from the release, once each, where the student has them (else at the
    end). Solution cells keep the student's source and get the release's metadata. Every other
    cell is the student's and loses whatever nbgrader metadata it carries.
    """

    labs_folder = Unicode(help="The folder of the student editions.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        release = read_release(self.labs_folder, resources["nbgrader"]["assignment"])
        nb.cells = reassemble(nb.cells, release.cells)
        unreadable = unreadable_reason(nb)
        nb.metadata = release.metadata
        if unreadable:
            nb.metadata.winning_ticket["unreadable"] = unreadable
        nb.nbformat, nb.nbformat_minor = release.nbformat, release.nbformat_minor
        return nb, resources


def reassemble(cells: list[NotebookNode], release: list[NotebookNode]) -> list[NotebookNode]:
    """Put submitted cells on the frame of the released ones."""
    frame = {cell.metadata.nbgrader.grade_id: cell for cell in release if "nbgrader" in cell.metadata}
    used: set[str] = set()
    found: list[NotebookNode] = []
    for cell in cells:
        key = _grade_id(cell, frame)
        if key is None:
            found.append(_plain_cell(cell))
        elif key not in used:
            used.add(key)
            found.append(_framed(cell, frame[key]))
        elif not frame[key].metadata.nbgrader.grade:
            found.append(_plain_cell(cell))
    missing = [cell for key, cell in frame.items() if cell.metadata.nbgrader.grade and key not in used]
    return _unique_ids(found + [copy.deepcopy(cell) for cell in missing])


def _grade_id(cell: NotebookNode, frame: dict[str, NotebookNode]) -> str | None:
    """Which released cell this is: by its metadata, its id, or a check cell's text."""
    metadata = cell.metadata.get("nbgrader")
    named = metadata.get("grade_id") if isinstance(metadata, dict) else None
    if isinstance(named, str) and named in frame:
        return named
    if cell.get("id") in frame:
        return str(cell.id)
    source = re.sub(r"\s+", "", cell.source)
    checks = {key for key, released in frame.items() if released.metadata.nbgrader.grade}
    return next((key for key in checks if re.sub(r"\s+", "", frame[key].source) == source), None)


def _framed(cell: NotebookNode, released: NotebookNode) -> NotebookNode:
    framed = copy.deepcopy(released)
    if released.metadata.nbgrader.solution:
        framed.source = cell.source
    return framed


def _plain_cell(cell: NotebookNode) -> NotebookNode:
    metadata = {"tags": ["experiment"]} if "experiment" in (cell.metadata.get("tags") or []) else {}
    fields = {"cell_type": "markdown", "metadata": metadata, "source": cell.source}
    if cell.cell_type == "code":
        fields |= {"cell_type": "code", "outputs": [], "execution_count": None}
    return nbformat.from_dict(fields)  # new_code_cell would validate what was validated when it was read


def _unique_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    for number, cell in enumerate(cells):
        if "nbgrader" not in cell.metadata:
            cell.id = f"cell-{number}"
    return cells


def read_submitted(folder: Path, lab: str) -> tuple[bytes, str]:
    """A collected submission's notebook, and a sentence if it was not where it should be.

    A single notebook under another name is taken for it; where there is none the content is empty.
    """
    wanted = folder / f"{lab}.ipynb"
    if wanted.is_file() and not wanted.is_symlink():
        return read_bounded(wanted), ""
    if wanted.exists() and not wanted.is_symlink():
        return b"", f"{wanted.name} is a folder, not a notebook: nothing could be graded."
    others = [path for path in sorted(folder.glob("*.ipynb")) if path.is_file() and not path.is_symlink()]
    if len(others) == 1:
        return read_bounded(others[0]), f"The notebook is named {others[0].name}; it was graded as {wanted.name}."
    names = ", ".join(path.name for path in others) or "no notebook at all"
    return b"", f"There is no {wanted.name}, but {names}: nothing could be graded."
