"""The processes of this machine, as the system tells of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Process:
    """What the system says of a process."""

    def __init__(self, folder: Path) -> None:
        self.pid = int(folder.name)
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        self.state, self.parent, self.session, self.started = fields[0], int(fields[1]), int(fields[3]), fields[19]
        self.line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")

    @property
    def identity(self) -> tuple[int, str]:
        """What no later process shares with it."""
        return self.pid, self.started


def all_processes() -> list[Process]:
    """Every process, zombies among them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append(Process(folder))
        except OSError:
            continue
    return found


def processes() -> list[Process]:
    return [process for process in all_processes() if process.state != "Z"]


def descendants(pid: int, every: Sequence[Process]) -> list[Process]:
    """A process and all that it and they started, as far as they still belong to it."""
    known = {pid}
    while more := {p.pid for p in every if p.parent in known} - known:
        known |= more
    return [p for p in every if p.pid in known]


def family(pid: int) -> set[tuple[int, str]]:
    """The identities of a process and its living descendants."""
    return {p.identity for p in descendants(pid, processes())}


def soon(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds
