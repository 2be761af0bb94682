"""The learner's copy of a lab: begun from the student edition and updated without losing work."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import nbformat
from nbformat import NotebookNode

from autograder.errors import UserError
from autograder.files import remove_drafts, write_whole
from autograder.merge import Merge, digest

if TYPE_CHECKING:
    from autograder.course import Lab

RELEASE_FOLDER = ".release"
BACKUP_FOLDER = "backups"
PRIVATE_FOLDERS = {".ipynb_checkpoints", "__pycache__"}
STAMP = "winning_ticket_release"


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
        _tidy(folder)
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
        _tidy(folder)
        old, released = (folder / name).read_bytes(), folder / RELEASE_FOLDER / name
        mine, new = _parse(old, folder / name), _parse(edition[name], lab.edition / name)
        merged = Merge(_base(released, mine, edition[name]), mine, new)
        files, backup = _replace_files(folder, name, edition), None
        if merged.notebook != mine:
            merged.notebook.metadata[STAMP] = digest(edition[name])
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


def _tidy(folder: Path) -> None:
    for place in (folder, folder / RELEASE_FOLDER, folder / BACKUP_FOLDER):
        remove_drafts(place)


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
    if mine.metadata.get(STAMP) == digest(release):
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
    write_whole(path, content, durable=True)
