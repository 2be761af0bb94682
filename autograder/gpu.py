"""Share GPUs among submissions: at most so many at a time use each device of this machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.course import Lab

SLOTS = 4
_WAIT_SECONDS = 0.05
# Found now: a grading has a folder of its own for temporary files later, and locks must be the machine's.
_LOCKS = Path(tempfile.gettempdir())


def asked_for(lab: Lab) -> bool:
    """Whether a lab's front matter says `gpu: true`."""
    return bool(lab.front_matter.get("gpu"))


def devices() -> list[str]:
    """The indices of this machine's NVIDIA devices, found without touching CUDA."""
    found = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]
    return sorted(found, key=int)


@contextmanager
def slot(per_device: int, alone: bool = False) -> Iterator[str]:
    """Hold one of `per_device` slots of some device, or all of one, while the block runs; gives its index.

    Locks on files hold across all grading processes of this user, and a killed one loses its own.
    """
    folder = _LOCKS / f"winning-ticket-gpu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with _all_of_one(folder, per_device) if alone else _any_one(folder, per_device) as device:
        yield device


@contextmanager
def _any_one(folder: Path, per_device: int) -> Iterator[str]:
    names = [(device, f"{device}.{number}") for number in range(per_device) for device in devices()]
    while True:
        for device, name in names:
            with (folder / name).open("w") as file:
                if _locked(file):
                    yield device
                    return
        time.sleep(_WAIT_SECONDS)


@contextmanager
def _all_of_one(folder: Path, per_device: int) -> Iterator[str]:
    device = devices()[0]
    with ExitStack() as held:
        # Whoever wants all of it queues at the first file, so that no two hold a part each.
        for name in (f"{device}.alone", *(f"{device}.{number}" for number in range(per_device))):
            fcntl.flock(held.enter_context((folder / name).open("w")), fcntl.LOCK_EX)
        yield device


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
