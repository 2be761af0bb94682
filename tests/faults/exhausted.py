"""Full disks and locked gradebooks: a sentence, nothing lost, and later the grades of an undisturbed run.

`python -m tests.faults.exhausted FOLDER COURSE BYTES` runs in a mount namespace of its own: see `full_disks`, and
without COURSE `learners_disks`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
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
        size = least + (most - least) * (number + 1) // (runs + 1)
        graded = ground.fresh()
        line = [
            *NAMESPACE,
            sys.executable,
            "-m",
            "tests.faults.exhausted",
            str(graded.folder),
            str(graded.course),
            str(size),
        ]
        done = subprocess.run(
            line, capture_output=True, text=True, env=graded.environment, cwd=Path(__file__).parents[2]
        )
        if done.returncode:
            raise RuntimeError(f"The disk could not be made: {done.stdout + done.stderr}")
        first, second = (Ending(**ending) for ending in json.loads(done.stdout))
        found.add(first, TOLD_FULL)
        found.faults += second.faults if not second.status else [f"with room it ended with {second}"]
        found.faults += ground.differences(graded)
    return found


def _blocks(folder: Path) -> int:
    """Bytes that the files of a folder take on a disk of pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def _on_a_small_disk(folder: Path, course: Path, size: int) -> list[Ending]:
    """Grade a class on a disk of `size` bytes, then with room; what is on it then takes the class's place."""
    graded = Class(folder, course)
    away = folder / "away"
    graded.place.rename(away)
    graded.place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", graded.place], check=True)
    shutil.copytree(away, graded.place, dirs_exist_ok=True)
    endings = [graded.run("grade", "toy", "--workers", "2")]
    subprocess.run(["mount", "-o", f"remount,size={ROOM}", graded.place], check=True)
    endings.append(graded.run("grade", "toy", "--workers", "2"))
    shutil.rmtree(away)
    shutil.copytree(graded.place, away)
    subprocess.run(["umount", "--lazy", graded.place], check=True)
    graded.place.rmdir()
    away.rename(graded.place)
    return endings


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
        size = least + (most - least) * (number + 1) // (runs + 1)
        line = [*NAMESPACE, sys.executable, "-m", "tests.faults.exhausted", str(place), "", str(size)]
        done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        if done.returncode:
            raise RuntimeError(f"The disk could not be made: {done.stdout + done.stderr}")
        report = json.loads(done.stdout)
        for ending in report["full"]:
            found.add(Ending(**ending), TOLD_FULL_LEARNER)
        found.faults += report["faults"]
    return found


def _learner_on_a_small_disk(place: Path, size: int) -> dict[str, list[Any]]:
    """A learner whose work, record and exchange lie on a disk of `size` bytes, which is given room in the end."""
    disk, away = place / "disk", place / "away"
    disk.rename(away)
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
    shutil.copytree(away, disk, dirs_exist_ok=True)
    course = place / "course"
    (disk / "work").mkdir()
    (course / "work").symlink_to(disk / "work")
    environment = {**os.environ, ROOT_VARIABLE: str(course), HOME_VARIABLE: str(disk / "record"), "COLUMNS": "300"}
    check = "from autograder import check\ncheck('toy.scale', lambda x, k: k * x)"
    submit = ["-m", "autograder", "submit", "toy", "--student", "ann", "--exchange", str(disk / "exchange")]
    lines = [["-m", "autograder", "start", "toy"], ["-c", check], submit]

    def all_of_them() -> list[dict[str, Any]]:
        begin = partial(subprocess.run, env=environment, capture_output=True, text=True)
        done = [begin([sys.executable, *line]) for line in lines]
        return [{"status": one.returncode, "said": one.stdout + one.stderr} for one in done]

    full = all_of_them()
    begun = (disk / "work" / "toy" / "toy.ipynb").is_file()
    subprocess.run(["mount", "-o", f"remount,size={ROOM}", disk], check=True)
    faults = [f"with room: {e}" for e in all_of_them()[begun:] if e["status"] or "Traceback" in e["said"]]
    released = (course / "build" / "labs" / "toy" / "toy.ipynb", course / "labs" / "toy" / "toy.ipynb")
    edition = next(path for path in released if path.is_file()).read_bytes()
    if (disk / "work" / "toy" / "toy.ipynb").read_bytes() != edition:
        faults.append("the notebook is not the edition's")
    whole = [path for path in (disk / "exchange").glob("*/inbound/ann+toy+*/toy.ipynb") if path.read_bytes() != edition]
    faults += [f"half a submission: {path}" for path in whole]
    subprocess.run(["umount", "--lazy", disk], check=True)
    return {"full": full, "faults": faults}


@contextmanager
def _locked(graded: Class) -> Iterator[None]:
    with closing(sqlite3.connect(graded.place / "gradebook.db", isolation_level=None, timeout=60)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


if __name__ == "__main__":
    _folder, _course, _size = sys.argv[1:]
    if not _course:
        print(json.dumps(_learner_on_a_small_disk(Path(_folder), int(_size))))
        sys.exit()
    print(json.dumps([vars(ending) for ending in _on_a_small_disk(Path(_folder), Path(_course), int(_size))]))
