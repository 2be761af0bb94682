"""Full disks and locked gradebooks: a sentence, nothing lost, and later the grades of an undisturbed run.

What needs a disk of its own runs as `python -m tests.faults.exhausted PART ARGUMENT ...` in a mount namespace of its
own: see `_apart`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from autograder.bridge.classroom import Classroom
from autograder.compose import build
from autograder.course import ROOT_VARIABLE
from autograder.record import HOME_VARIABLE
from tests.faults.ground import Class, Ending, Ground
from tests.processes import soon
from tests.toy import add_toy_lab

NAMESPACE = ("unshare", "--mount")
ROOM = 1 << 30
TOLD_FULL = ("The disk is full",)
TOLD_FULL_LEARNER = ("The disk is full", "No space left on device", "disk is full", "Begin with")
TOLD_LOCKED = ("held by another program (database is locked)",)


@dataclass
class Trouble:
    """How often the machine failed, how often the command said so, and what went wrong."""

    runs: int = 0
    told: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, ending: Ending, words: Sequence[str]) -> None:
        """Count a run that the machine may have failed: it must then have said so."""
        self.runs += 1
        self.told += bool(ending.status)
        self.faults += ending.faults
        if ending.status and not any(word in ending.said for word in words):
            self.faults.append(f"it ended with {ending.status}, but did not say why: {ending.said[-1500:]}")


def can_mount() -> bool:
    """Whether this user may have a mount namespace with a disk of its own: root, where nothing forbids it.

    An ordinary user could be root in a user namespace only, where no wall can be built: it has no nobody.
    """
    trial = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(trial, capture_output=True).returncode == 0


def full_disks(ground: Ground, runs: int) -> Trouble:
    """Grade on disks that become full at different moments, then with room."""
    least, most = _blocks(ground.folder / "pristine"), _blocks(ground.undisturbed.place)
    found = Trouble()
    for number in range(runs):
        size = _between(least, most, number, runs)
        graded = ground.fresh()
        first, second = (Ending(**e) for e in _apart("grade", graded.folder, graded.course, size))
        found.add(first, TOLD_FULL)
        found.faults += second.faults if not second.status else [f"with room it ended with {second}"]
        found.faults += ground.differences(graded)
    return found


def _blocks(folder: Path) -> int:
    """Bytes that the files of a folder take on a disk of pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def _between(least: int, most: int, number: int, runs: int) -> int:
    """The `number`-th of so many sizes between two, both left out."""
    return least + (most - least) * (number + 1) // (runs + 1)


def _apart(part: str, *arguments: object) -> Any:
    """Do a part in a process whose mounts nobody else sees; gives its report."""
    line = [*NAMESPACE, sys.executable, "-m", "tests.faults.exhausted", part, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(f"The disk could not be made: {done.stdout + done.stderr}")
    return json.loads(done.stdout)


@contextmanager
def _small_disk(place: Path, size: int) -> Iterator[Callable[[], object]]:
    """A folder on a disk of `size` bytes; gives what makes room on it. What is on it in the end stays."""
    away = place.with_name("away")
    place.rename(away)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    shutil.copytree(away, place, dirs_exist_ok=True)
    yield partial(subprocess.run, ["mount", "-o", f"remount,size={ROOM}", place], check=True)
    shutil.rmtree(away)
    shutil.copytree(place, away)
    subprocess.run(["umount", "--lazy", place], check=True)
    place.rmdir()
    away.rename(place)


def _grade(folder: str, course: str, size: str) -> list[dict[str, Any]]:
    """Grade a class on a small disk, then with room."""
    graded = Class(Path(folder), Path(course))
    with _small_disk(graded.place, int(size)) as make_room:
        endings = [graded.run("grade", "toy", "--workers", "2")]
        make_room()
        endings.append(graded.run("grade", "toy", "--workers", "2"))
    return [vars(ending) for ending in endings]


def locked_gradebooks(ground: Ground, runs: int) -> Trouble:
    """Another program holds the gradebook from the start, or from some verdict on, until the command gives up."""
    found = Trouble()
    for number in range(runs):
        graded = ground.fresh()
        first = len(ground.expected) * number // runs
        found.add(_with_lock(graded, first), TOLD_LOCKED)
        ending = graded.run("grade", "toy", "--workers", "2")
        found.faults += ending.faults if not ending.status else [f"unlocked, it ended with {ending}"]
        found.faults += ground.differences(graded)
    return found


def _with_lock(graded: Class, verdicts: int) -> Ending:
    if not verdicts:
        with _locked(graded):
            return graded.run("grade", "toy", "--workers", "2")
    process = graded.start("grade", "toy", "--workers", "2")
    stored = graded.place / "verdicts" / "toy"
    soon(lambda: len(list(stored.glob("*.json"))) >= verdicts or process.poll() is not None, 120.0)
    with _locked(graded):
        return graded.ended(process)


def learners_disks(folder: Path, runs: int) -> Trouble:
    """Start, check and hand in on disks that are full at different moments, then with room."""
    found = Trouble()
    for number in range(runs):
        place = folder / f"learner{number}"
        lab = add_toy_lab(place / "course")
        build(lab, lab.course.root / "build")
        Classroom(lab.course, place / "class", place / "disk" / "exchange").release("toy")
        least = _blocks(place / "disk")
        most = least + 4 * _blocks(lab.edition) + 5 * 4096
        report = _apart("learn", place, lab.edition, _between(least, most, number, runs))
        for ending in report["full"]:
            found.add(Ending(**ending), TOLD_FULL_LEARNER)
        found.faults += report["faults"]
    return found


def _learn(place: str, edition: str, size: str) -> dict[str, list[Any]]:
    """A learner whose work, record and exchange lie on a small disk, which is given room in the end."""
    course, disk = Path(place, "course"), Path(place, "disk")
    released = Path(edition, "toy.ipynb").read_bytes()
    with _small_disk(disk, int(size)) as make_room:
        (disk / "work").mkdir()
        (course / "work").symlink_to(disk / "work")
        notebook = disk / "work" / "toy" / "toy.ipynb"
        full = _start_check_submit(course, disk)
        begun = notebook.is_file()
        make_room()
        again = _start_check_submit(course, disk)[begun:]
        faults = [f"with room: {e}" for e in again if e["status"] or "Traceback" in e["said"]]
        faults += [] if notebook.read_bytes() == released else ["the notebook is not the edition's"]
        handed_in = (disk / "exchange").glob("*/inbound/ann+toy+*/toy.ipynb")
        faults += [f"half a submission: {path}" for path in handed_in if path.read_bytes() != released]
    return {"full": full, "faults": faults}


def _start_check_submit(course: Path, disk: Path) -> list[dict[str, Any]]:
    environment = {**os.environ, ROOT_VARIABLE: str(course), HOME_VARIABLE: str(disk / "record"), "COLUMNS": "300"}
    check = "from autograder import check\ncheck('toy.scale', lambda x, k: k * x)"
    submit = ["-m", "autograder", "submit", "toy", "--student", "ann", "--exchange", str(disk / "exchange")]
    run = partial(subprocess.run, env=environment, capture_output=True, text=True)
    done = [run([sys.executable, *line]) for line in (["-m", "autograder", "start", "toy"], ["-c", check], submit)]
    return [{"status": one.returncode, "said": one.stdout + one.stderr} for one in done]


@contextmanager
def _locked(graded: Class) -> Iterator[None]:
    with closing(sqlite3.connect(graded.place / "gradebook.db", isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


if __name__ == "__main__":
    print(json.dumps({"grade": _grade, "learn": _learn}[sys.argv[1]](*sys.argv[2:])))
