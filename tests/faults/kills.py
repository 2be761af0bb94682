"""Kill what takes part in a grading at random moments; what is run again must end as if nothing had happened."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from tests.cluster import Cluster
from tests.faults.ground import Class, Ground
from tests.processes import Process, all_processes, descendants

PARENT = " -m autograder.parent"
LOCAL = ("command", "worker", "parent", "wall")
CLUSTER = ("command", "dask worker", "dask parent")
GIVEN_UP = ("Grading processes were killed 3 times", "killed from outside")  # what may be said instead of going on


@dataclass
class Storm:
    """A series of kills: of how many of whom, over how many classes, and what went wrong."""

    ground: Ground
    wanted: int
    rng: random.Random
    cluster: Cluster | None = None
    kills: Counter[str] = field(default_factory=Counter)
    classes: int = 0
    faults: list[str] = field(default_factory=list)

    def grade_class(self) -> None:
        """Grade a new class to its end, killing on the way."""
        graded = self.ground.fresh()
        options = ["--dask", self.cluster.address] if self.cluster else ["--workers", "2"]
        while True:
            process = graded.start("grade", "toy", *options)
            killed = self._shoot(graded, process)
            ending = graded.ended(process)
            self.faults += ending.faults
            if not ending.status:
                break
            if not killed and not any(said in ending.said for said in GIVEN_UP):
                self.faults.append(f"the command ended with {ending.status}: {ending.said[-1500:]}")
                return
        self.classes += 1
        self.faults += self.ground.differences(graded)

    def _shoot(self, graded: Class, process: subprocess.Popen[bytes]) -> bool:
        """Kill at random moments until the command has ended; returns whether it was the command that was killed."""
        moment, victim = self._next(self.ground.seconds)
        while process.poll() is None:
            members = graded.look(process)
            due = time.monotonic() >= moment and self.kills.total() < self.wanted
            pid = self._pid(victim, members, process) if due else 0
            if not pid:
                time.sleep(0.05)
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills[victim] += 1
            if victim == "command":
                return True
            if victim == "dask worker" and self.cluster:
                worker = next(worker for worker in self.cluster.workers if worker.pid == pid)
                worker.wait()
                self.cluster.replace(worker)
            moment, victim = self._next(self.ground.seconds / 3)
        return False

    def _next(self, within: float) -> tuple[float, str]:
        """A moment in the next `within` seconds, and whom to kill then, or as soon as there is one."""
        return time.monotonic() + self.rng.uniform(0, within), self.rng.choice(CLUSTER if self.cluster else LOCAL)

    def _pid(self, victim: str, members: list[Process], process: subprocess.Popen[bytes]) -> int:
        """The victim's process; 0 if there is none at the moment."""
        if victim == "command":
            return process.pid
        if victim == "dask worker" and self.cluster:
            return self.rng.choice(self.cluster.workers).pid
        if victim == "dask parent" and self.cluster:
            members = [p for worker in self.cluster.workers for p in descendants(worker.pid, all_processes())]
        wall = [p for p in members if "bwrap" in p.line.partition(" ")[0]]
        found = {
            "worker": [p for p in members if p.parent == process.pid and "autograder grade" in p.line],
            "wall": wall,
        }.get(victim, [p for p in members if PARENT in p.line and p not in wall])
        return min(found, key=lambda p: int(p.started)).pid if found else 0


def storm(ground: Ground, kills: int, seed: int, dask: bool = False) -> Storm:
    """Grade class after class until `kills` processes have been killed; each class is graded to its end."""
    with _cluster(ground) if dask else nullcontext() as cluster:
        found = Storm(ground, kills, random.Random(seed), cluster)
        while found.kills.total() < kills:
            found.grade_class()
    return found


@contextmanager
def _cluster(ground: Ground) -> Iterator[Cluster]:
    folder = ground.folder / "cluster"
    folder.mkdir()
    cluster = Cluster(folder, ground.lab.course.root)
    try:
        yield cluster
    finally:
        cluster.close()
