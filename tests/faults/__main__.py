"""Let the machine fail while a class is graded: `python -m tests.faults [--quick] [PART ...]`. Exit 1 on a fault."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autograder.preload import one_thread

one_thread()

from tests.faults.batch import grade_malformed  # noqa: E402
from tests.faults.exhausted import can_mount, full_disks, learners_disks, locked_gradebooks  # noqa: E402
from tests.faults.ground import Ground  # noqa: E402
from tests.faults.kills import storm  # noqa: E402
from tests.faults.learner import losses  # noqa: E402

Part = Callable[[Path, bool], tuple[str, list[str]]]
SEED = 20261125
SUBMISSIONS = {False: 60, True: 12}  # a class's, by whether it is quick


def kills(folder: Path, quick: bool) -> tuple[str, list[str]]:
    found = storm(Ground(folder, SUBMISSIONS[quick]), 6 if quick else 75, SEED)
    return f"{found.kills.total()} kills ({_counted(found.kills)}) over {found.classes} gradings", found.faults


def cluster(folder: Path, quick: bool) -> tuple[str, list[str]]:
    found = storm(Ground(folder, SUBMISSIONS[quick]), 3 if quick else 25, SEED + 1, dask=True)
    return f"{found.kills.total()} kills ({_counted(found.kills)}) over {found.classes} gradings", found.faults


def malformed(folder: Path, quick: bool) -> tuple[str, list[str]]:
    found = grade_malformed(Ground(folder, 7), 50 if quick else 1000, SEED)
    scores = ", ".join(f"{count} got {score:g}" for score, count in sorted(found.scores.items()))
    return (
        f"{found.scores.total() + found.refused} malformed submissions: {scores}, {found.refused} refused",
        found.faults,
    )


def disks(folder: Path, quick: bool) -> tuple[str, list[str]]:
    if not can_mount():
        return "not tried: only root may mount a disk", []
    found = full_disks(Ground(folder, SUBMISSIONS[quick]), 2 if quick else 12)
    return f"{found.runs} disks that became full, {found.told} ended a grading", found.faults


def locks(folder: Path, quick: bool) -> tuple[str, list[str]]:
    found = locked_gradebooks(Ground(folder, SUBMISSIONS[quick]), 2 if quick else 6)
    return f"{found.runs} locked gradebooks, {found.told} ended a grading", found.faults


def learner(folder: Path, quick: bool) -> tuple[str, list[str]]:
    found = losses(folder, 5 if quick else 50, SEED)
    return f"{found.kills.total()} kills of a learner's commands ({_counted(found.kills)})", found.faults


def desks(folder: Path, quick: bool) -> tuple[str, list[str]]:
    if not can_mount():
        return "not tried: only root may mount a disk", []
    found = learners_disks(folder, 1 if quick else 10)
    return f"{found.runs} of a learner's commands on disks that became full, {found.told} failed", found.faults


PARTS: tuple[Part, ...] = (kills, cluster, malformed, disks, locks, learner, desks)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items()))


def main() -> None:
    names = [part.__name__ for part in PARTS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few of each")
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(names)} (default: all)")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    print(f"seed {SEED}, user {os.geteuid()}", flush=True)
    total, started = 0, time.monotonic()
    for part in PARTS:
        if given.parts and part.__name__ not in given.parts:
            continue
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as name:
            Path(name).chmod(0o755)
            begun = time.monotonic()
            said, faults = part(Path(name), given.quick)
        print(f"{part.__name__:10} {said}; {len(faults)} faults; {time.monotonic() - begun:.0f} s", flush=True)
        for fault in faults:
            print(f"  {fault}", flush=True)
        total += len(faults)
    print(f"{total} faults; {time.monotonic() - started:.0f} s")
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
