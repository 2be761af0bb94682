"""Student processes for tests: forks of one warm parent a lab, behind the wall."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

import pytest

from autograder import wall
from autograder.course import Lab
from autograder.limits import Limits
from autograder.peer import Peer, start_subprocess
from autograder.warm import WarmParent


def need_wall() -> None:
    """Skip on a user's machine that has no bubblewrap; fail in CI."""
    if why := wall.missing():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def make_readable(folder: Path) -> None:
    """Let students' code, run as nobody, read a temporary folder of pytest's."""
    for place in (folder, folder.parent, folder.parent.parent):
        place.chmod(0o755)


MOST = 3
_parents: dict[Lab, WarmParent] = {}


def parent_of(lab: Lab) -> WarmParent:
    """A lab's parent, started the first time; those of other labs end when there are too many."""
    if lab not in _parents:
        while len(_parents) >= MOST:
            _parents.pop(next(iter(_parents))).close()
        _parents[lab] = WarmParent(lab)
    return _parents[lab]


@atexit.register
def _close() -> None:
    for parent in _parents.values():
        parent.close()


def start_behind_wall(lab: Lab, limits: Limits) -> Peer:
    need_wall()
    return parent_of(lab).start(limits)


STARTS = pytest.mark.parametrize(
    "start",
    [start_behind_wall, pytest.param(start_subprocess, marks=pytest.mark.slow)],
    ids=["behind the wall", "without one"],
)
