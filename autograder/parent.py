"""The warm parent behind the wall: it imports once, and every submission is a fork of it.

It takes requests on a socket of packets: a JSON object and two file descriptors, one end of the
submission's wire and one of its control socket. A request makes two processes in namespaces of
their own: a keeper (process 1 there), which reports on the control socket how the student's
process ended and with whose end everything ends, and the student's process.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
from typing import Any, NoReturn

from autograder import spaces
from autograder.course import Course
from autograder.limits import GIB, Limits
from autograder.preload import assert_single_threaded, preload, rebind_loggers, start_afresh
from autograder.shell import Shell
from autograder.wire import Wire
from autograder.worker import Worker

MAX_REQUEST = 65536
_PARENT_ONLY = ("PYTHONMALLOC", "GLIBC_TUNABLES", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "TORCHINDUCTOR_CACHE_DIR")


class Parent:
    def __init__(self, requests: socket.socket, lab: str) -> None:
        self._requests = requests
        self._lab = lab
        self._streams = (sys.stdout, sys.stderr)

    def prepare(self) -> None:
        preload()
        self._course = Course.find()
        for exercise in self._course.lab(self._lab).exercises:
            _ = exercise.contract.examples
        self._shell = Shell()
        assert_single_threaded()

    def serve(self) -> None:
        """Fork on request until the grader hangs up."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are reaped by the system
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader decides what an interrupt means
        self._requests.send(b"{}")
        while True:
            packet, files, _, _ = socket.recv_fds(self._requests, MAX_REQUEST, 2)
            if not packet:
                return
            self._fork(json.loads(packet), *files)

    def _fork(self, request: dict[str, Any], wire: int, control: int) -> None:
        assert_single_threaded()
        ours, theirs = socket.socketpair()
        pid = spaces.clone_with_new_processes_and_mounts()
        if pid == 0:
            ours.close()
            self._requests.close()
            self._keep(request, socket.socket(fileno=wire), socket.socket(fileno=control), theirs)
        theirs.close()
        try:
            if ours.recv(1):
                spaces.give_identity(pid)
                ours.send(b".")
        except OSError:
            os.kill(pid, signal.SIGKILL)
        ours.close()
        os.close(wire)
        os.close(control)

    def _keep(
        self, request: dict[str, Any], wire: socket.socket, control: socket.socket, parent: socket.socket
    ) -> NoReturn:
        """Be process 1 of the submission: prepare its world, start the student's process, see it end."""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            limits = Limits(**request["limits"])
            most_memory = None if request["gpu"] else spaces.mapped_bytes() + int(limits.memory_gib * GIB)
            spaces.private_files(limits)
            spaces.unshare_users()
            parent.send(b".")
            if not parent.recv(1):
                os._exit(1)
            parent.close()
            spaces.become_student()
            spaces.unshare_the_rest()
            spaces.raise_loopback()
            spaces.forbid_user_namespaces()
            spaces.limit_resources(limits, most_memory)
            spaces.give_up_privileges()
            spaces.set_traceable(False)
            pid = os.fork()
            if pid == 0:
                self._be_student(request, wire, control)
            wire.close()
            control.send(json.dumps({"status": _status_of(pid, control)}).encode())
        except BaseException as error:
            control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        finally:
            os._exit(0)

    def _be_student(self, request: dict[str, Any], wire: socket.socket, control: socket.socket) -> NoReturn:
        status = 1
        try:
            os.setsid()
            spaces.set_traceable(True)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            control.send(b"{}")  # by which the grader learns this process's number on its side
            control.close()
            spaces.folders_of_its_own()
            _set_environment(request["gpu"])
            start_afresh()
            self._shell.open()
            rebind_loggers(dict(zip(self._streams, (sys.stdout, sys.stderr), strict=True)))
            status = Worker(Wire(wire), self._shell, self._course).serve()
        finally:
            os._exit(status)


def _status_of(pid: int, control: socket.socket) -> int:
    """Wait for the student's process; its exit status, or minus the signal that ended it."""
    ended = os.pidfd_open(pid)
    while True:
        ready, _, _ = select.select([ended, control.fileno()], [], [], 1.0)
        if control.fileno() in ready:
            os._exit(0)  # the grader is gone, and with this process all others go
        if ended in ready:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _reap_orphans(pid)


def _reap_orphans(student: int) -> None:
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == student:
            return
        os.waitpid(found.si_pid, 0)


def _set_environment(gpu: str) -> None:
    for name in _PARENT_ONLY:
        os.environ.pop(name, None)
    os.environ |= {"USER": "student", "HOME": spaces.HOME, "TMPDIR": "/tmp", "NBGRADER_EXECUTION": "autograde"}
    os.environ |= {"WINNING_TICKET_HOME": f"{spaces.HOME}/.winning-ticket", "CUDA_VISIBLE_DEVICES": gpu}
    os.environ |= {"MPLCONFIGDIR": f"{spaces.HOME}/.matplotlib"}
    tempfile.tempdir = None  # the parent's choice, which is remembered


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    parent = Parent(requests, sys.argv[2])
    try:
        parent.prepare()
    except BaseException as error:
        requests.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()[:MAX_REQUEST])
        raise
    with contextlib.suppress(ConnectionError):
        parent.serve()


if __name__ == "__main__":
    main()
