"""Put collected work into `submitted/`, where nbgrader looks: whole or not at all, never two people in one id."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import UserError
from autograder.unpack import Refusal, same_files, shown

TIMESTAMP = "timestamp.txt"
RECORD = ".collected.json"
EXCHANGE_SECRET = "submission_secret.txt"
NOT_WORK = (TIMESTAMP, RECORD, EXCHANGE_SECRET)
NBGRADER_TIME = "%Y-%m-%d %H:%M:%S.%f UTC"
WORKSHOP = ".collecting-"
ABANDONED_AFTER = 3600
MAX_NOTEBOOK_BYTES = 50_000_000  # as the grader's; importing it from the bridge would load nbgrader
AT_FDCWD = -100
RENAME_EXCHANGE = 2


@dataclass(frozen=True)
class Version:
    """One student's work on one lab, unpacked and laid out in a folder of its own.

    `time` is the notebook's, `newest` that of the newest file: it decides between equal notebooks.
    """

    student: str
    name: str
    number: str
    lab: str
    source: str
    folder: Path
    time: datetime
    newest: datetime

    @property
    def age(self) -> tuple[datetime, datetime]:
        return self.time, self.newest

    @property
    def person(self) -> tuple[str, str]:
        return self.student, self.name


def lab_by_metadata(notebook: Path, labs: Sequence[str]) -> str:
    """The lab that a notebook says it is of; "" if it names none of the course, or is unreadable."""
    if notebook.stat().st_size > MAX_NOTEBOOK_BYTES:
        return ""
    try:
        lab = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["winning_ticket"]["lab"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return lab if lab in labs else ""


def lay_out(root: Path, paths: Sequence[PurePosixPath], notebook: PurePosixPath, to: Path) -> list[PurePosixPath]:
    """Copy a notebook and the files beside and below it into a new folder; returns what was taken."""
    size = (root / notebook).stat().st_size
    if size > MAX_NOTEBOOK_BYTES:
        raise Refusal(
            f"{shown(notebook)} has {size // 10**6} MB; more than {MAX_NOTEBOOK_BYTES // 10**6} MB cannot be graded. "
            "Ask for it with its outputs cleared."
        )
    targets = {path: to.parent / path.relative_to(notebook.parent) for path in paths if notebook.parent in path.parents}
    reserved = {to, *(to.parent / name for name in NOT_WORK)}
    targets = {path: target for path, target in targets.items() if target not in reserved} | {notebook: to}
    for path, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, target)
    return list(targets)


@contextmanager
def workshop(submitted: Path) -> Iterator[Path]:
    """A folder on the file system of `submitted` to prepare work in; clears up after runs that were killed."""
    if submitted.exists() and not submitted.is_dir():
        raise UserError(f"{submitted} is not a folder, so nothing can be collected into it. Move it away.")
    submitted.mkdir(parents=True, exist_ok=True)
    for left in submitted.glob(f"{WORKSHOP}*"):
        abandoned = time.time() - left.stat().st_mtime > ABANDONED_AFTER
        _restore(left, submitted)
        if abandoned:
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=WORKSHOP, dir=submitted))
    try:
        yield folder
    finally:
        _restore(folder, submitted)
        shutil.rmtree(folder, ignore_errors=True)


def _restore(workshop: Path, submitted: Path) -> None:
    """Put work back that was set aside for a newer version which never came."""
    for aside in workshop.glob("*+*"):
        target = submitted.joinpath(*aside.name.split("+", 1))
        if not target.exists():
            aside.rename(target)


def place(version: Version, submitted: Path) -> tuple[bool, str]:
    """Put a version into its place unless what is there is as new; returns whether it did, and a note."""
    target = submitted / version.student / version.lab
    if not target.exists() and not target.is_symlink():
        note = ""
    elif target.is_symlink() or not target.is_dir():
        raise Refusal(f"{target} is in the way and not a folder. Move it away and collect again.")
    elif same_files(version.folder, target, NOT_WORK):
        return False, ""
    elif version.age < _age(target):
        return False, "what was collected before is newer and stays."
    elif version.age == _age(target):
        return False, f"what was collected before differs but is as old, and stays. To replace it, move {target} away."
    else:
        note = f"replaces the version of {_age(target)[0]:%Y-%m-%d %H:%M} UTC."
    _seal(version)
    _swap(version.folder, target, version.folder.parent.parent / f"{version.student}+{version.lab}")
    return True, note


def _seal(version: Version) -> None:
    """Write nbgrader's timestamp and whom the work came from."""
    record = {"name": version.name, "number": version.number, "newest": version.newest.isoformat()}
    (version.folder / TIMESTAMP).write_text(version.time.strftime(NBGRADER_TIME), encoding="utf-8")
    (version.folder / RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")


def _swap(new: Path, target: Path, aside: Path) -> None:
    """Put `new` in the place of `target`. Where the system can, no moment is without either."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        target.rename(aside)
        new.rename(target)


def _exchange(new: Path, target: Path) -> bool:
    """Let two folders trade places in one step; only Linux can, and not on every file system."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(renameat2(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(target), RENAME_EXCHANGE) == 0)


def _age(folder: Path) -> tuple[datetime, datetime]:
    """How old the work in a folder is; without a timestamp, by its files."""
    try:
        text, _, zone = (folder / TIMESTAMP).read_text(encoding="utf-8").strip().rpartition(" ")
        if zone[:1] in "+-":
            stamp = datetime.strptime(f"{text} {zone}", "%Y-%m-%d %H:%M:%S.%f %z").astimezone(UTC)
        else:
            stamp = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (OSError, ValueError):
        files = [path.stat().st_mtime for path in folder.glob("*.ipynb")]
        stamp = datetime.fromtimestamp(max(files, default=0), UTC)
    try:
        return stamp, datetime.fromisoformat(_record(folder)["newest"])
    except (KeyError, TypeError, ValueError):
        return stamp, stamp


def _record(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def clash(version: Version, versions: Sequence[Version], submitted: Path) -> str:
    """Why this work may be another person's than that of the same id; "" if it is not."""
    namesakes = [other for other in versions if other.student.casefold() == version.student.casefold()]
    rivals = [
        other
        for other in namesakes
        if other.person != version.person or (other.lab == version.lab and _differ(other.number, version.number))
    ]
    found = sorted({f"'{other.source}'" for other in rivals})
    found += _strangers(version, submitted)
    if not found:
        return ""
    return (
        f"It may be another person's than {shown(', '.join(found))}: both would be '{version.student}', so it was not "
        "collected. If they are two people, rename the file or folder of one (unpack a class's zip for that); "
        "if it is one, spell all names alike, or move away what was collected before."
    )


def _strangers(version: Version, submitted: Path) -> Iterator[str]:
    """What stands in `submitted/` under the same id, but was collected from another name."""
    for folder in sorted(submitted.iterdir()):
        if folder.name.casefold() != version.student.casefold() or not folder.is_dir():
            continue
        if folder.name != version.student:
            yield f"'{folder}'"
        for lab in sorted(path for path in folder.iterdir() if path.is_dir()):
            record = _record(lab)
            other_number = lab.name == version.lab and _differ(record.get("number"), version.number)
            if record and (record.get("name") != version.name or other_number):
                yield f"'{lab}' (from '{record.get('name')}')"


def _differ(one: object, other: object) -> bool:
    return bool(one and other and one != other)
