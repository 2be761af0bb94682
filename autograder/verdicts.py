"""Verdicts on disk, under the hash of what they depend on: what was graded once is not graded again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from autograder.files import remove_drafts, write_whole

MARKER = ".verdict"


def has_unmarked(folder: Path, lab: str) -> bool:
    """Whether some submission of a class folder has no marker of a finished grading."""
    submitted = {path.parent.name for path in (folder / "submitted").glob(f"*/{lab}")}
    return bool(submitted - {path.parent.parent.name for path in (folder / "autograded").glob(f"*/{lab}/{MARKER}")})


class Verdicts:
    """A folder of JSON files. Each appears whole or not at all, whenever the writer is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        remove_drafts(folder)

    def get(self, key: str) -> Any:
        """What was stored under `key`, or None."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
        return None

    def put(self, key: str, value: Any) -> None:
        write_whole(self._folder / f"{key}.json", json.dumps(value).encode())
