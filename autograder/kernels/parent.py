"""The fork server: imports what notebooks import, once, and forks itself for each kernel.

`python -m autograder.kernels.parent FD DIRECTORY`; the process that uses the kernels starts it.

FD is an inherited SOCK_SEQPACKET socket. A message on it asks for a kernel and carries four file
descriptors: the kernel's channel, a file with the request in JSON (argv, env, cwd), stdout, stderr.
On a channel, also SOCK_SEQPACKET and JSON, go `{"pid": n}` and at last `{"exit": status}` to the
client and `{"signal": n}` to the kernel's process group. A channel that the client closes ends its
kernel. When FD is closed, also by a SIGKILL of its owner, everything ends and DIRECTORY is removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from dataclasses import dataclass

from autograder.kernels.child import INLINE, become_kernel
from autograder.preload import MODELS, SHELL, assert_single_threaded, preload

KERNEL = ("ipykernel.ipkernel", "ipykernel.kernelapp", "matplotlib.backends.backend_agg")
MESSAGE = 4096


@dataclass
class Kernel:
    """A fork that was not reaped yet."""

    pid: int
    pidfd: int
    channel: socket.socket

    def signal(self, number: int) -> None:
        """Signal its process group, or itself while it has none of its own."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def reap(self) -> int:
        """Kill what is left of its group, then let its pid go; the exit status as subprocess has it."""
        self.signal(signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.pidfd)
        return status


class Server:
    """Forks kernels, passes signals on and reports exits."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._kernels: dict[int, Kernel] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(requests, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until the owner is gone."""
        try:
            while self._step():
                pass
        finally:
            for kernel in self._kernels.values():
                kernel.signal(signal.SIGKILL)
            for kernel in self._kernels.values():
                kernel.reap()

    def _step(self) -> bool:
        for key, _ in self._selector.select():
            if key.fileobj is self._requests:
                if not self._answer():
                    return False
            elif key.data in self._kernels:
                kernel = self._kernels[key.data]
                self._exited(kernel) if key.fileobj == kernel.pidfd else self._told(kernel)
        return True

    def _answer(self) -> bool:
        """Fork for a request; False when there will be no more."""
        with contextlib.suppress(ConnectionError):
            message, fds, _, _ = socket.recv_fds(self._requests, MESSAGE, 4, socket.MSG_CMSG_CLOEXEC)
            if message:
                try:
                    self._fork(fds)
                except Exception:  # The client sees its channel closed and starts the kernel another way.
                    traceback.print_exc(file=sys.__stderr__)
                finally:
                    for fd in fds:
                        os.close(fd)
                return True
        return False

    def _fork(self, fds: list[int]) -> None:
        assert_single_threaded()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            become_kernel(parent, fds, self._forget)
        channel = socket.socket(fileno=os.dup(fds[0]))
        channel.setblocking(False)
        kernel = self._kernels[pid] = Kernel(pid, os.pidfd_open(pid), channel)
        self._selector.register(kernel.pidfd, selectors.EVENT_READ, pid)
        self._selector.register(channel, selectors.EVENT_READ, pid)

    def _forget(self) -> None:
        """In a fork: close what belongs to the parent."""
        self._selector.close()
        self._requests.close()
        for kernel in self._kernels.values():
            kernel.channel.close()
            os.close(kernel.pidfd)

    def _told(self, kernel: Kernel) -> None:
        """Pass a signal on; the client's end of the channel being closed means SIGKILL."""
        try:
            message = kernel.channel.recv(MESSAGE)
        except BlockingIOError:
            return
        except ConnectionError:
            message = b""
        if message:
            kernel.signal(json.loads(message)["signal"])
        else:
            self._selector.unregister(kernel.channel)
            kernel.signal(signal.SIGKILL)

    def _exited(self, kernel: Kernel) -> None:
        self._selector.unregister(kernel.pidfd)
        with contextlib.suppress(KeyError):
            self._selector.unregister(kernel.channel)
        status = kernel.reap()
        del self._kernels[kernel.pid]
        with contextlib.suppress(OSError):
            kernel.channel.send(json.dumps({"exit": status}).encode())
        kernel.channel.close()


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    sys.path.pop(0)
    # Handlers that are made meanwhile are silent here, and a fork can tell them from its own.
    sys.stdout, sys.stderr = open(os.devnull, "w"), open(os.devnull, "w")  # noqa: SIM115
    try:
        preload((*KERNEL, *(name for name in SHELL if name != INLINE), *MODELS))
    except BaseException:
        sys.stderr = sys.__stderr__
        raise
    Server(requests).serve()
    # Only now: an owner whose parent has failed goes on using it.
    shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
