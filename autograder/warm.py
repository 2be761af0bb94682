"""The grader's side of a warm parent: start it behind the wall, and have it fork student processes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from autograder import wall
from autograder.course import Lab
from autograder.errors import UserError
from autograder.limits import GIB, Limits
from autograder.memory import Watch, bounded, memory_of
from autograder.peer import Peer, ended
from autograder.wire import Wire, WireError

READY_SECONDS = 180.0
END_SECONDS = 20.0
WALLS_END_SECONDS = 0.5
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # the wall itself, and what runs behind it
_CREDENTIALS = 4 * 3
KILLED_OUTSIDE = "The grader's processes behind the wall were killed from outside."


class ParentFailed(UserError):
    """The warm parent did not start, or has ended."""


class WarmParent:
    """A process behind the wall that has imported what labs need; threads and forks may share it."""

    def __init__(self, lab: Lab, gpu: bool = False) -> None:
        wall.need()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, "-P", "-m", "autograder.parent", str(theirs.fileno()), lab.name]
        self._log = os.memfd_create("parent")
        self._process = subprocess.Popen(
            wall.command(lab.course.root, program, gpu),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._handle = os.pidfd_open(self.pid)
        theirs.close()
        self._ready = False
        self._lock = threading.Lock()

    def wait_until_ready(self) -> None:
        """Wait for the parent's imports.

        Raises
        ------
        ParentFailed
            If it cannot be started, with what it said.
        """
        with self._lock:
            if self._ready:
                return
            self._requests.settimeout(READY_SECONDS)
            answer = None
            with contextlib.suppress(OSError):
                answer = _json(self._requests.recv(65536))
            if answer != {}:
                raise ParentFailed(self._failure(answer))
            self._requests.settimeout(None)
            self._ready = True

    def start(self, limits: Limits, gpu: str = "") -> Peer:
        """Fork a student's process; `gpu` names the device that it may use."""
        self.wait_until_ready()
        (ours, theirs), (control, their_control) = socket.socketpair(), _control_pair()
        request = {"limits": dataclasses.asdict(limits), "gpu": gpu}
        with theirs, their_control:
            try:
                socket.send_fds(
                    self._requests, [json.dumps(request).encode()], [theirs.fileno(), their_control.fileno()]
                )
            except OSError:
                raise ParentFailed(self._failure(None)) from None
        return Walled(ours, control, limits, self._handle)

    def _failure(self, answer: Any) -> str:
        said = answer.get("failed", "") if isinstance(answer, dict) else ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not said and self._process.wait(WALLS_END_SECONDS) in KILLED:
                said = "it was killed from outside, perhaps because memory ran out"
        log = os.pread(self._log, 100_000, 0).decode("utf-8", "replace").strip().splitlines()
        return f"The grader's warm process behind the wall ended: {said or (log[-1] if log else 'it said nothing')}."

    def close(self) -> None:
        """End the parent and, with it, every process behind its wall."""
        self._requests.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._handle)
        os.close(self._log)


_early: dict[tuple[Lab, bool], WarmParent] = {}


@contextmanager
def started_early(lab: Lab, gpu: bool) -> Iterator[None]:
    """Start a lab's parent while this process still imports what it needs itself; `parent_of` finds it."""
    _early[lab, gpu] = WarmParent(lab, gpu)
    try:
        yield
    finally:
        if unused := _early.pop((lab, gpu), None):
            unused.close()


def parent_of(lab: Lab, gpu: bool) -> WarmParent:
    """The parent that was started early, or a new one."""
    return _early.pop((lab, gpu), None) or WarmParent(lab, gpu)


def _control_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def _json(packet: bytes) -> Any:
    try:
        return json.loads(packet)
    except ValueError:
        return None


class Walled:
    """A student's process behind the wall. The system itself tells its number on the control socket."""

    def __init__(self, ours: socket.socket, control: socket.socket, limits: Limits, parent: int) -> None:
        self._control = control
        self._parent = parent
        self._limits = limits
        control.settimeout(END_SECONDS)
        self.wire = Wire(ours, self._check_memory)
        try:
            self._meet()
        except ParentFailed:
            self.wire.close()
            control.close()
            raise

    def _meet(self) -> None:
        try:
            answer, self._pid = self._hear()
            if answer != {}:
                raise ParentFailed(f"No process for student code could be started behind the wall: {answer}.")
            self._keeper = _parent_of(self._pid)
            self._keeper_handle = os.pidfd_open(self._keeper)
        except OSError:  # no answer, or gone before it could be looked at
            raise ParentFailed(KILLED_OUTSIDE) from None

    def _hear(self) -> tuple[Any, int]:
        packet, ancillary, _, _ = self._control.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS))
        pid = int.from_bytes(ancillary[0][2][:4], sys.byteorder) if ancillary else 0
        return _json(packet), pid

    def bounded(self, memory: int | None) -> AbstractContextManager[None]:
        return bounded(memory, self._pid)

    def watch(self) -> Watch:
        return Watch(self._pid)

    def _check_memory(self) -> None:
        if memory_of(self._keeper) > self._limits.memory_gib * GIB:
            raise WireError(f"it used more than its limit of {self._limits.memory_gib:g} GiB of memory")

    def ending(self) -> str:
        with contextlib.suppress(OSError, TimeoutError):
            self._control.settimeout(2.0)
            answer, _ = self._hear()
            # Where the wall itself is killed, the student's process may be seen to end by the same signal.
            killed = (
                answer == {"status": -signal.SIGKILL} and select.select([self._parent], [], [], WALLS_END_SECONDS)[0]
            )
            if answer is None or killed:
                raise ParentFailed(KILLED_OUTSIDE)
            if isinstance(answer, dict) and isinstance(answer.get("status"), int):
                return ended(answer["status"])
        return "hung up"

    def end(self) -> None:
        """Kill process 1 of the namespace, and wait until the system has ended all the others."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._keeper_handle, signal.SIGKILL)
        os.close(self._keeper_handle)
        self.wire.close()
        deadline = time.monotonic() + END_SECONDS
        with contextlib.suppress(OSError):
            self._control.settimeout(END_SECONDS)
            while self._control.recv(4096) and time.monotonic() < deadline:
                pass
        self._control.close()


def _parent_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])
