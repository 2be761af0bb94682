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
    """What a series of kills did: how many of whom, over how many classes, and what went wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    classes: int = 0
    faults: list[str] = field(default_factory=list)


def storm(ground: Ground, kills: int, seed: int, dask: bool = False) -> Storm:
    """Grade class after class until `kills` processes have been killed; each class is graded to its end."""
    found, rng = Storm(), random.Random(seed)
    with _cluster(ground) if dask else nullcontext() as cluster:
        while found.kills.total() < kills:
            _one_class(ground, found, kills, rng, cluster)
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


def _one_class(ground: Ground, found: Storm, kills: int, rng: random.Random, cluster: Cluster | None) -> None:
    graded = ground.fresh()
    options = ["--dask", cluster.address] if cluster else ["--workers", "2"]
    while True:
        process = graded.start("grade", "toy", *options)
        killed = _shoot(graded, process, found, kills, rng, cluster, ground.seconds)
        ending = graded.ended(process)
        found.faults += ending.faults
        if not ending.status:
            break
        if not killed and not any(said in ending.said for said in GIVEN_UP):
            found.faults.append(f"the command ended with {ending.status}: {ending.said[-1500:]}")
            return
    found.classes += 1
    found.faults += ground.differences(graded)


def _shoot(
    graded: Class, process: subprocess.Popen[bytes], found: Storm, kills: int, rng: random.Random,
    cluster: Cluster | None, seconds: float,
) -> bool:  # fmt: skip
    """Kill at random moments until the command has ended; returns whether it was the command that was killed."""
    victims = CLUSTER if cluster else LOCAL
    moment, victim = time.monotonic() + rng.uniform(0, seconds), rng.choice(victims)
    while process.poll() is None:
        members = graded.look(process)
        if time.monotonic() < moment or found.kills.total() >= kills:
            time.sleep(0.05)
            continue
        if not (pid := _pid(victim, members, process, cluster)):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            found.kills[victim] += 1
        if victim == "command":
            return True
        if victim == "dask worker" and cluster:
            worker = next(worker for worker in cluster.workers if worker.pid == pid)
            worker.wait()
            cluster.replace(worker)
        moment, victim = time.monotonic() + rng.uniform(0, seconds / 3), rng.choice(victims)
    return False


def _pid(victim: str, members: list[Process], process: subprocess.Popen[bytes], cluster: Cluster | None) -> int:
    """The victim's process; 0 if there is none at the moment."""
    if victim == "command":
        return process.pid
    if victim == "dask worker" and cluster:
        return cluster.workers[time.monotonic_ns() % 2].pid
    if victim == "dask parent" and cluster:
        members = [p for worker in cluster.workers for p in descendants(worker.pid, all_processes())]
    found = {
        "worker": [p for p in members if p.parent == process.pid and "autograder grade" in p.line],
        "wall": [p for p in members if "bwrap" in p.line.partition(" ")[0]],
    }.get(victim, [p for p in members if PARENT in p.line and "bwrap" not in p.line.partition(" ")[0]])
    return min(found, key=lambda p: int(p.started)).pid if found else 0
