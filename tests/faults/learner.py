"""Kill a learner's `start`, `start --update`, `check` and `submit` at random moments: no work, no record is lost."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder import home, work
from autograder.bridge.classroom import Classroom
from autograder.compose import build
from autograder.course import ROOT_VARIABLE, Lab
from autograder.record import HOME_VARIABLE, Record
from tests.toy import RIGHT, add_toy_lab

MINE = f"{RIGHT}  # mine"


@dataclass
class Losses:
    """How many of which commands were killed, and what was lost."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Desk:
    """A learner's folders, and the class's exchange."""

    def __init__(self, folder: Path, lab: Lab) -> None:
        self.folder, self.lab = folder, lab
        folder.mkdir()
        self.work = folder / "work"
        self.notebook = self.work / "toy" / "toy.ipynb"
        self.teacher = Classroom(lab.course, folder / "class", folder / "exchange")
        self.student = Classroom(lab.course, folder / "class", folder / "exchange", "ann", self.work)

    def start(self) -> None:
        work.start(self.lab, self.work)

    def update(self) -> None:
        work.update(self.lab, self.work)

    def submit(self) -> None:
        self.student.submit("toy")

    def check(self) -> None:
        home.check("toy.scale", lambda x, k: k * x)

    def answer(self, text: str) -> None:
        notebook = nbformat.read(self.notebook, as_version=4)
        cell = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("solution"))
        cell.source = text
        nbformat.write(notebook, self.notebook)

    def collected(self) -> bytes:
        """What the instructor gets of this learner."""
        self.teacher.collect("toy")
        path = self.teacher.folder / "submitted" / "ann" / "toy" / "toy.ipynb"
        return path.read_bytes() if path.is_file() else b""


def losses(folder: Path, kills: int, seed: int) -> Losses:
    """Kill each of the four `kills` times. This process's environment then names the course in `folder`."""
    lab = add_toy_lab(folder / "course")
    build(lab, folder / "course" / "build")
    found, rng = Losses(), random.Random(seed)
    os.environ |= {ROOT_VARIABLE: str(lab.course.root), HOME_VARIABLE: str(folder / "record")}
    tries = {"start": _start, "update": _update, "submit": _submit, "check": _check}
    for name, attempt in tries.items():
        # Two that nobody kills tell how long it takes.
        whole = min(attempt(Desk(folder / f"{name}-whole{number}", lab), 0.0)[0] for number in range(2))
        for number in range(kills):
            seconds = rng.uniform(0, whole)
            faults = attempt(Desk(folder / f"{name}{number}", lab), seconds)[1]
            found.kills[name] += 1
            found.faults += [f"{name}, killed after {seconds:.4f} s: {fault}" for fault in faults]
    return found


def _killed(act: Callable[[], None], seconds: float) -> float:
    """Act in a fork, which is killed after so many seconds (0: never); returns how long it took."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if seconds:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise RuntimeError(f"What should have been killed ended with {status}.")
    return time.monotonic() - started


def _start(desk: Desk, seconds: float) -> tuple[float, list[str]]:
    taken = _killed(desk.start, seconds)
    if not desk.notebook.exists():
        desk.start()
    faults = _wholeness(desk, {path.name: path.read_bytes() for path in desk.lab.edition.iterdir()})
    desk.answer(MINE)
    desk.update()
    return taken, faults + _is_mine(desk)


def _wholeness(desk: Desk, edition: dict[str, bytes]) -> list[str]:
    there = {name: (desk.work / "toy" / name).read_bytes() for name in edition if (desk.work / "toy" / name).exists()}
    return [f"{name} is not the edition's" for name in edition if there.get(name) != edition[name]]


def _is_mine(desk: Desk, tidy: bool = True) -> list[str]:
    """What is wrong with the learner's notebook, and with a folder that should be tidy by now."""
    sources = [cell.source for cell in nbformat.read(desk.notebook, as_version=4).cells]
    left = desk.work.rglob(".*.draft") if tidy else ()
    return [*([] if MINE in sources else ["answer lost"]), *(f"left behind: {path}" for path in left)]


def _update(desk: Desk, seconds: float) -> tuple[float, list[str]]:
    desk.start()
    desk.answer(MINE)
    _age(desk)
    before = desk.notebook.read_bytes()
    taken = _killed(desk.update, seconds)
    mine = [desk.notebook, *desk.work.rglob("backups/*.ipynb")]
    faults = [] if before in [path.read_bytes() for path in mine] else ["the old notebook is nowhere"]
    faults += _is_mine(desk, tidy=False)
    desk.update()
    faults += [] if "Old text." not in desk.notebook.read_text() else ["the update was not made up for"]
    return taken, faults + _is_mine(desk)


def _age(desk: Desk) -> None:
    """As if the notebook had been begun from an older release, with another text."""
    for path in (desk.notebook, desk.work / "toy" / ".release" / "toy.ipynb"):
        path.write_text(path.read_text().replace("Multiply a vector by a number", "Old text. Multiply"))


def _submit(desk: Desk, seconds: float) -> tuple[float, list[str]]:
    desk.teacher.release("toy")
    desk.student.fetch("toy")
    desk.answer("first = 1")
    desk.submit()
    first = desk.notebook.read_bytes()
    time.sleep(1.1 - time.time() % 1)  # submissions within a second cannot be told apart by their time
    desk.answer(MINE)
    mine = desk.notebook.read_bytes()
    taken = _killed(desk.submit, seconds)
    faults = [] if desk.notebook.read_bytes() == mine else ["the work was changed"]
    faults += [] if desk.collected() in (first, mine) else ["something else than the work was collected"]
    time.sleep(1.1 - time.time() % 1)
    desk.submit()
    faults += [] if desk.collected() == mine else ["what was handed in again is not collected"]
    return taken, faults


def _check(desk: Desk, seconds: float) -> tuple[float, list[str]]:
    before = _attempts()
    taken = _killed(desk.check, seconds)
    between = _attempts()
    faults = [] if between in (before, before + 1) else [f"{before} attempts became {between}"]
    _killed(desk.check, 0.0)
    return taken, faults + ([] if _attempts() == between + 1 else ["a check after it was not recorded"])


def _attempts() -> int:
    standing = Record().summary().get("toy.scale")
    return standing.attempts if standing else 0
