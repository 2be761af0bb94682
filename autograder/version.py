"""The version of a lab as grading sees it: a hash of everything that a verdict depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from autograder.course import Lab

_SHARED = ("common", "model")


def lab_version(lab: Lab) -> str:
    """SHA-256 over the lab's course, solutions and edition, the course's shared code and the engine."""
    course = lab.course.root / "course"
    places = [lab.folder, *(course / name for name in _SHARED), lab.course.solutions_folder / lab.name, lab.edition]
    digest = hashlib.sha256()
    for place in (*places, Path(__file__).parent):
        for path in _files(place):
            digest.update(f"{place.name}/{path.relative_to(place)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def submission_digest(notebook: bytes, files: dict[str, bytes]) -> str:
    """SHA-256 of a submission: its notebook and the files that are graded with it."""
    digest = hashlib.sha256(hashlib.sha256(notebook).digest())
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()
