"""The learner's copy of a lab: begun from the student edition and updated without losing work."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import nbformat
from nbformat import NotebookNode

from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course import Lab

RELEASE_FOLDER = ".release"
BACKUP_FOLDER = "backups"
PRIVATE_FOLDERS = {".ipynb_checkpoints", "__pycache__"}
STAMP = "winning_ticket_release"
RELEASE_KEYS = ("nbgrader", "exercise", "editable", "deletable")


@dataclass(frozen=True)
class Started:
    """The learner's notebook and all files that were copied, the notebook among them."""

    notebook: Path
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Updated:
    """What an update did. Cells are named by their ids; without `backup` the notebook was not written.

    `changed` cells have the new release's text, `kept` ones the learner's although the release says
    something else, `new` ones were not there. `moved` are texts of the learner whose place the
    release took away: they stand in ordinary cells now. `files` are other files that were replaced.
    """

    changed: tuple[str, ...]
    kept: tuple[str, ...]
    new: tuple[str, ...]
    moved: tuple[str, ...]
    files: tuple[str, ...]
    backup: Path | None


def start(lab: Lab, work: Path) -> Started:
    """Copy a lab's student edition to `work/<lab>/`, where nothing of the learner's may be yet.

    Raises
    ------
    UserError
        If the learner has the notebook already, perhaps under another name, the edition is not
        built, or the folder cannot be written.
    """
    edition, folder, name = _edition(lab), work / lab.name, f"{lab.name}.ipynb"
    if os.path.lexists(folder / name):
        raise UserError(
            f"You already have {folder / name}; nothing was changed. Open it, or run "
            f"`autograder start {lab.name} --update` to bring in what is new: your answers stay."
        )
    _refuse_renamed(folder, name)
    with _spoken(folder):
        # The notebook comes last: a start that was cut off can simply be run again.
        others = _replace_files(folder, name, edition)
        _write(folder / RELEASE_FOLDER / name, edition[name])
        _write(folder / name, edition[name])
    return Started(folder / name, tuple(folder / file for file in (name, *others)))


def update(lab: Lab, work: Path) -> Updated:
    """Bring a new release into the learner's notebook and keep what they wrote.

    The notebook as it was is copied to `backups/` first. A second run changes nothing.

    Raises
    ------
    UserError
        If the lab was not started, its notebook was renamed or is damaged, the edition is not
        built, or the folder cannot be written. Nothing of the learner's is lost then.
    """
    edition, folder, name = _edition(lab), work / lab.name, f"{lab.name}.ipynb"
    if not (folder / name).is_file():
        _refuse_renamed(folder, name)
        raise UserError(f"There is no {folder / name} to update. Begin with `autograder start {lab.name}`.")
    with _spoken(folder):
        old, released = (folder / name).read_bytes(), folder / RELEASE_FOLDER / name
        mine, new = _parse(old, folder / name), _parse(edition[name], lab.edition / name)
        merged = _Merge(_base(released, mine, edition[name]), mine, new)
        files, backup = _replace_files(folder, name, edition), None
        if merged.notebook != mine:
            merged.notebook.metadata[STAMP] = _digest(edition[name])
            backup = _back_up(folder, name, old)
            _write(folder / name, (nbformat.writes(merged.notebook) + "\n").encode())
        if not _holds(released, edition[name]):
            _write(released, edition[name])
    return Updated(tuple(merged.changed), tuple(merged.kept), tuple(merged.new), tuple(merged.moved), files, backup)


def _edition(lab: Lab) -> dict[str, bytes]:
    """The files of a student edition by their names relative to its folder."""
    if not (lab.edition / f"{lab.name}.ipynb").is_file():
        raise UserError(
            f"The student edition of lab '{lab.name}' is not there: {lab.edition} has no {lab.name}.ipynb. "
            "Build it with `make build`."
        )
    paths = [path for path in sorted(lab.edition.rglob("*")) if path.is_file()]
    relative = {path.relative_to(lab.edition): path for path in paths}
    return {str(name): path.read_bytes() for name, path in relative.items() if not PRIVATE_FOLDERS & set(name.parts)}


def _refuse_renamed(folder: Path, name: str) -> None:
    found = sorted(path.name for path in folder.glob("*.ipynb"))
    if found:
        raise UserError(
            f"There is no {name} in {folder}, but there is {', '.join(found)}; nothing was changed. If that is your "
            f"work, rename it back to {name}; if not, move it elsewhere and run this again."
        )


@contextmanager
def _spoken(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{folder} could not be read or written: {error}. Nothing of yours is lost. Make the folder writable, "
            "close programs that hold its files, and run this again."
        ) from error


def _parse(content: bytes, path: Path) -> NotebookNode:
    try:
        with warnings.catch_warnings():
            # Cell ids that an editor dropped or repeated are mended: no news for the learner.
            warnings.simplefilter("ignore")
            notebook = nbformat.convert(nbformat.reader.reads(content.decode("utf-8-sig")), 4)
            notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
            for cell in notebook.cells:
                cell.setdefault("id", uuid4().hex[:8])
            nbformat.validate(notebook, relax_add_props=True)
            return notebook
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise UserError(
            f"{path} is no valid notebook ({reason}), perhaps cut off while it was saved; nothing was changed. "
            f"Restore it from {BACKUP_FOLDER}/ or .ipynb_checkpoints/ beside it, or move it elsewhere and start anew."
        ) from None


def _base(released: Path, mine: NotebookNode, release: bytes) -> NotebookNode | None:
    """The release that the learner's notebook came from; None where nobody kept it."""
    # The stamp tells when an update was cut off between the notebook and its release copy.
    if mine.metadata.get(STAMP) == _digest(release):
        return _parse(release, released)
    with suppress(UserError, FileNotFoundError):
        return _parse(released.read_bytes(), released)
    return None


def _replace_files(folder: Path, notebook: str, edition: dict[str, bytes]) -> tuple[str, ...]:
    """Bring all files but the notebook; what the learner changed in one is copied to the backups."""
    replaced = [name for name in edition if name != notebook and not _holds(folder / name, edition[name])]
    for name in replaced:
        if (folder / name).exists():
            old = (folder / name).read_bytes()
            if not _holds(folder / RELEASE_FOLDER / name, old):
                _back_up(folder, name, old)
        _write(folder / name, edition[name])
    for name in edition:
        if name != notebook and not _holds(folder / RELEASE_FOLDER / name, edition[name]):
            _write(folder / RELEASE_FOLDER / name, edition[name])
    return tuple(replaced)


def _back_up(folder: Path, name: str, content: bytes) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S-%fZ")
    path = folder / BACKUP_FOLDER / Path(name).with_name(f"{Path(name).stem}-{now}{Path(name).suffix}")
    _write(path, content)
    return path


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _write(path: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, it has its old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _settle_folder(path.parent)


def _settle_folder(folder: Path) -> None:
    """Make what was replaced so far outlast a power cut, before anything is written after it."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class _Merge:
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
    return f"{cell_id[:46]}-{why}-{_digest(text.encode())[:8]}"
