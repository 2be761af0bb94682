"""A class that is graded while machines fail, and what an undisturbed grading makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook

from autograder.bridge.classroom import COURSE_ID
from autograder.compose import build
from autograder.course import ROOT_VARIABLE
from tests.marks import hashes, notes_of, recorded
from tests.processes import Process, all_processes, descendants, soon
from tests.test_bookkeeping import HALF, WRONG, hand_in
from tests.toy import RIGHT, add_toy_lab

SECRET = "6" * 64
DAEMON = "import subprocess, time\nsubprocess.Popen(['sleep', '98766'])\ntime.sleep(0.2)\n"
LOUD = f"{RIGHT}\nprint('x' * 10**6)"
ANSWERS = (RIGHT, HALF, WRONG, f"{DAEMON}{RIGHT}", f"{DAEMON}{HALF}", "raise ValueError", LOUD)
CHILDREN_END = 60.0  # seconds: a parent that is still importing notices when it is done


@dataclass(frozen=True)
class Outcome:
    """What a student got: the gradebook's score, and what the graded notebook says."""

    score: float
    verdicts: dict[str, Any]
    notes: tuple[str, ...]


@dataclass
class Ending:
    """How a command ended."""

    status: int
    said: str

    @property
    def faults(self) -> list[str]:
        return [f"a traceback: {self.said[-1500:]}"] if "Traceback" in self.said else []


@dataclass
class Class:
    """One class folder, with a home and a folder for temporary files of its own."""

    folder: Path
    course: Path
    members: set[tuple[int, str]] = field(default_factory=set)
    _commands: int = 0

    def __post_init__(self) -> None:
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def place(self) -> Path:
        return self.folder / "class"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the command on this class."""
        self._commands += 1
        line = [sys.executable, "-m", "autograder", *arguments, "--class-folder", str(self.place)]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                line, env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def environment(self) -> dict[str, str]:
        folders = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        return {**os.environ, **folders, ROOT_VARIABLE: str(self.course), "COLUMNS": "300"}

    @property
    def _log(self) -> Path:
        return self.folder / f"log-{self._commands}"

    def ended(self, process: subprocess.Popen[bytes], timeout: float = 600) -> Ending:
        status = process.wait(timeout)
        return Ending(status, self._log.read_text(errors="replace"))

    def run(self, *arguments: str) -> Ending:
        return self.ended(self.start(*arguments))

    def look(self, process: subprocess.Popen[bytes]) -> list[Process]:
        """The command's living processes, which are remembered."""
        found = [p for p in descendants(process.pid, all_processes()) if p.state != "Z"]
        self.members |= {p.identity for p in found}
        return found

    def outcomes(self) -> dict[str, Outcome | None]:
        """What every student has got so far."""
        students = sorted(path.name for path in (self.place / "submitted").iterdir())
        with Gradebook(f"sqlite:///{self.place / 'gradebook.db'}", COURSE_ID) as gradebook:
            return {student: self._outcome(gradebook, student) for student in students}

    def _outcome(self, gradebook: Gradebook, student: str) -> Outcome | None:
        score = recorded(gradebook, student)
        try:
            graded: Any = nbformat.read(self.place / "autograded" / student / "toy" / "toy.ipynb", as_version=4)
        except OSError:
            return None
        if score is None:
            return None
        return Outcome(score, dict(graded.metadata.winning_ticket.verdicts), tuple(notes_of(graded)))

    def hashes(self) -> dict[Path, str]:
        """Of all that was handed in, by its place in the class, and of the course."""
        found = hashes(self.place / "submitted", self.course)
        return {path.relative_to(self.folder) if self.folder in path.parents else path: h for path, h in found.items()}

    def leftovers(self) -> list[str]:
        """Processes, files, mounts and sockets that should be gone."""
        found = []
        if not soon(lambda: not self._alive(), CHILDREN_END):
            found += [f"process {p.pid} ({p.state}, child of {p.parent}): {p.line}" for p in self._alive()]
        found += [f"process {p.pid}: {p.line}" for p in all_processes() if p.line.startswith("sleep 98766")]
        found += [f"temporary file {path}" for path in (self.folder / "tmp").iterdir()]
        hidden = [path for path in self.place.rglob(".*") if path.name not in (".verdict", ".grading", ".lock")]
        found += [f"draft {path}" for path in [*hidden, *(self.place / ".grading").glob("[!.]*")]]
        for table in ("mounts", "net/unix"):
            lines = Path("/proc/self", table).read_text().splitlines()
            found += [f"{table}: {line}" for line in lines if str(self.folder) in line]
        return found

    def _alive(self) -> list[Process]:
        # What nobody waits for is a zombie of process 1, whose business that is.
        return [p for p in all_processes() if p.identity in self.members and not (p.state == "Z" and p.parent == 1)]


class Ground:
    """A course and a class of `size` submissions; `expected` is what an undisturbed grading makes of them."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self._made = folder, 0
        self.lab = add_toy_lab(folder / "course")
        build(self.lab, folder / "course" / "build")
        pristine = folder / "pristine"
        (pristine / "secrets").mkdir(parents=True)
        (pristine / "secrets" / "toy").write_text(SECRET)
        for number in range(size):
            answer = f"{ANSWERS[number % len(ANSWERS)]}\n# {number}"
            hand_in(pristine, self.lab, f"student{number:03}", answer, None)
        self.undisturbed = self.fresh()
        self.submitted = self.undisturbed.hashes()
        started = time.monotonic()
        ending = self.undisturbed.run("grade", "toy", "--workers", "2")
        self.seconds = time.monotonic() - started
        if ending.status or ending.faults:
            raise RuntimeError(f"The undisturbed grading ended with {ending.status}: {ending.said}")
        self.expected = self.undisturbed.outcomes()
        if None in self.expected.values():
            raise RuntimeError(f"The undisturbed grading left out some: {ending.said}")

    def fresh(self) -> Class:
        """A class that nobody has graded."""
        self._made += 1
        made = Class(self.folder / f"class-{self._made}", self.folder / "course")
        shutil.copytree(self.folder / "pristine", made.place)
        return made

    def differences(self, found: Class) -> list[str]:
        """What is wrong with a class that has been graded to its end."""
        outcomes = found.outcomes()
        faults = [
            f"{student} got {outcomes[student]}, undisturbed {expected}"
            for student, expected in self.expected.items()
            if outcomes[student] != expected
        ]
        changed = sorted(set(found.hashes().items()) ^ set(self.submitted.items()))
        faults += [f"changed: {name}" for name, _ in changed]
        return faults + found.leftovers()
