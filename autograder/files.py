"""Write files so that whoever reads or kills at any moment finds something whole."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autograder.errors import UserError

DRAFT = ".draft"
LOCK = ".lock"
LOCK_SECONDS = 10.0  # in which the workers of a killed run end


def write_whole(path: Path, content: bytes, durable: bool = False) -> None:
    """Write a file so that a reader finds the old content or the new one, never a part; makes its folder.

    The file keeps its mode, and a link stays a link. With `durable` it outlasts a power cut before
    anything is written after it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    if durable:
        _settle(path.parent)


def remove_drafts(folder: Path) -> None:
    """Remove what killed writers left in a folder; nobody may be writing there."""
    for draft in folder.glob(f".*{DRAFT}"):
        draft.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def workshop(folder: Path) -> Iterator[None]:
    """Have a folder for drafts, and for this process's temporary files, to oneself.

    What a killed owner left there is removed first.

    Raises
    ------
    UserError
        If another process has it.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.1)
    except Timeout:
        raise UserError(
            f"Another grading is at work in {folder.parent}. Wait until it has ended, and run this again."
        ) from None
    before = tempfile.tempdir
    try:
        _clear(folder)
        temporary = folder / "tmp"
        temporary.mkdir()
        tempfile.tempdir = str(temporary)
        yield
    finally:
        tempfile.tempdir = before
        _clear(folder)
        lock.release()


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
