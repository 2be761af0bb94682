"""Student processes for tests: forks of one warm parent a lab, behind the wall."""

from __future__ import annotations

import os
from functools import lru_cache

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


@lru_cache(maxsize=4)
def parent_of(lab: Lab) -> WarmParent:
    return WarmParent(lab)


def start_behind_wall(lab: Lab, limits: Limits) -> Peer:
    need_wall()
    return parent_of(lab).start(limits)


STARTS = pytest.mark.parametrize(
    "start",
    [start_behind_wall, pytest.param(start_subprocess, marks=pytest.mark.slow)],
    ids=["behind the wall", "without one"],
)
