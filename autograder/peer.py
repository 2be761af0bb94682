"""Start a student's process. The wall replaces `start_subprocess` by one of the same form."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from autograder.course import ROOT_VARIABLE
from autograder.memory import Watch, bounded
from autograder.wire import Wire

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Peer:
    """A running student's process and the grader's end of its wire."""

    def __init__(self, process: subprocess.Popen[bytes], wire: Wire) -> None:
        self._process = process
        self.wire = wire

    def bounded(self, memory: int | None) -> AbstractContextManager[None]:
        """Let the process add at most `memory` bytes while the block runs."""
        return bounded(memory, self._process.pid)

    def watch(self) -> Watch:
        """Start to measure the process's memory."""
        return Watch(self._process.pid)

    def ending(self) -> str:
        """Say in words how a process ended that has hung up."""
        try:
            code = self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            return "hung up"
        return f"was killed by signal {-code}" if code < 0 else f"ended itself with exit status {code}"

    def end(self) -> None:
        """Kill the process and everything in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.wire.close()


Start = Callable[[Path, Path], Peer]


def start_subprocess(course_root: Path, folder: Path) -> Peer:
    """Start a student's process as a plain subprocess, without a wall.

    Parameters
    ----------
    course_root : Path
        The folder that holds `course/`, from which the process loads public contracts.
    folder : Path
        A folder of its own, where it works and writes.
    """
    ours, theirs = socket.socketpair()
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= {ROOT_VARIABLE: str(course_root), "HOME": str(folder), "NBGRADER_EXECUTION": "autograde"}
    environment["WINNING_TICKET_HOME"] = str(folder)
    # Grading runs side by side: a second thread on busy cores costs more than it brings.
    environment["OMP_NUM_THREADS"] = "1"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "autograder.worker", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    return Peer(process, Wire(ours))
