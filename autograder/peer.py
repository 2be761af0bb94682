"""A student's process as the grader sees it, and the plain way to start one, without a wall."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from autograder.course import ROOT_VARIABLE, Lab
from autograder.limits import Limits
from autograder.memory import Watch, bounded
from autograder.preload import ONE_THREAD
from autograder.wire import Wire

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


class Peer(Protocol):
    """A running student's process and the grader's end of its wire."""

    wire: Wire

    def bounded(self, memory: int | None) -> AbstractContextManager[None]:
        """Let the process add at most `memory` bytes while the block runs."""

    def watch(self) -> Watch:
        """Start to measure the process's memory."""

    def ending(self) -> str:
        """Say in words how a process ended that has hung up."""

    def end(self) -> None:
        """Kill the process and all that it started, and remove what it wrote."""


Start = Callable[[Lab, Limits], Peer]


class Subprocess:
    """A student's process without a wall: everything this user may do, it may do."""

    def __init__(self, process: subprocess.Popen[bytes], wire: Wire, folder: tempfile.TemporaryDirectory[str]) -> None:
        self._process = process
        self._folder = folder
        self.wire = wire

    def bounded(self, memory: int | None) -> AbstractContextManager[None]:
        return bounded(memory, self._process.pid)

    def watch(self) -> Watch:
        return Watch(self._process.pid)

    def ending(self) -> str:
        try:
            return ended(self._process.wait(timeout=2.0))
        except subprocess.TimeoutExpired:
            return "hung up"

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.wire.close()
        self._folder.cleanup()


def ended(status: int) -> str:
    """An exit status, or minus a signal's number, in words."""
    return f"was killed by signal {-status}" if status < 0 else f"ended itself with exit status {status}"


def start_subprocess(lab: Lab, limits: Limits) -> Peer:
    """Start a student's process as a plain subprocess in an empty folder, without a wall.

    Of the limits only those on time and on a call's memory hold.
    """
    folder = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
    ours, theirs = socket.socketpair()
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= {ROOT_VARIABLE: str(lab.course.root), "HOME": folder.name, "NBGRADER_EXECUTION": "autograde"}
    environment |= {"WINNING_TICKET_HOME": folder.name, **ONE_THREAD}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "autograder.worker", str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        cwd=folder.name,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    return Subprocess(process, Wire(ours), folder)
