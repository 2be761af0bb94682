"""The secret seed of an assignment: kept beside the gradebook, never in the repository."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def secret_of(folder: Path, lab: str) -> str:
    """Read a lab's secret seed, making one the first time."""
    path = folder / lab
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f".{lab}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def rotate(folder: Path, lab: str) -> None:
    """Forget a lab's secret seed; the next grading makes a new one."""
    (folder / lab).unlink(missing_ok=True)
