"""A client's side of its warm parent: starting it, asking for forks, following them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from typing import ClassVar

from autograder.preload import ONE_THREAD

# A fork has its parent's values of what the interpreter and the preloaded modules read when they start.
READ_AT_START = (
    *("HF_", "HOME", "HUGGINGFACE_", "KMP_", "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "MPLCONFIGDIR", "NUMEXPR_"),
    *("OMP_", "OPENBLAS_", "PEFT_", "PYTHON", "PYTORCH_", "TORCH", "TRANSFORMERS_", "USE_", "XDG_"),
)
START_SECONDS = 120.0
MESSAGE = 4096


class Fork:
    """A kernel of the parent's, seen from its client."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        channel.setblocking(False)
        self.pid = 0
        self.status: int | None = None

    async def started(self) -> bool:
        async with asyncio.timeout(START_SECONDS):
            self._take(await asyncio.get_running_loop().sock_recv(self._channel, MESSAGE))
        return self.pid > 0

    def poll(self) -> int | None:
        """Its exit status, None while it lives."""
        with contextlib.suppress(BlockingIOError):
            while self.status is None:
                self._take(self._channel.recv(MESSAGE))
        return self.status

    async def ended(self, seconds: float | None = None) -> None:
        """Wait until it has ended, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.poll() is None:
                    self._take(await asyncio.get_running_loop().sock_recv(self._channel, MESSAGE))

    def signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._channel.send(json.dumps({"signal": int(number)}).encode())

    def close(self) -> None:
        """Let go of it; the parent kills it if it still lives."""
        self._channel.close()

    def _take(self, message: bytes) -> None:
        """Note what the parent says; if it says no more, it has died, and its kernels with it."""
        said = json.loads(message) if message else {"exit": -signal.SIGKILL}
        self.pid = said.get("pid", self.pid)
        if self.status is None:
            self.status = said.get("exit")


class Parent:
    """The process that this process's kernels are forks of, and the folder for their sockets."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _mine: ClassVar[Parent | None] = None

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="kernels-")
        self._env = dict(os.environ)
        self._numbers = itertools.count()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", **os.environ, **ONE_THREAD}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autograder.kernels.parent", str(theirs.fileno()), self.directory],
                cwd="/",
                # ipykernel then leaves watching for its client's end to the parent.
                env={**env, "JPY_PARENT_PID": "1"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    @classmethod
    def mine(cls) -> Parent:
        """This process's parent, started when first asked for."""
        with cls._lock:
            if cls._mine is None:
                cls._mine = cls()
            return cls._mine

    @classmethod
    def disown(cls) -> None:
        """In a fork of the client: the parent belongs to the client alone."""
        cls._lock = threading.Lock()
        if cls._mine is not None:
            atexit.unregister(cls._mine.close)
            cls._mine._requests.close()
            cls._mine._process.returncode = 0
            cls._mine = None

    def close(self) -> None:
        """End the parent and all its kernels."""
        self._requests.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def differs(self, env: dict[str, str]) -> list[str]:
        """Names of variables that would have had to be set when the parent started."""
        names = {name for name in {*env, *self._env} if name.startswith(READ_AT_START) and name != "PYTHONPATH"}
        return sorted(name for name in names - {"PYTHONEXECUTABLE"} if env.get(name) != self._env.get(name))

    def new_path(self) -> str:
        """A path in the private folder for a kernel's files."""
        return os.path.join(self.directory, str(next(self._numbers)))

    async def fork(self, argv: list[str], env: dict[str, str], cwd: str) -> Fork:
        """Ask for a kernel and wait until it has a process id."""
        channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kernel = Fork(channel)
        try:
            with theirs, tempfile.TemporaryFile() as file, open(os.devnull, "wb") as nowhere:
                file.write(json.dumps({"argv": argv, "env": env, "cwd": cwd}).encode())
                file.flush()
                streams = [number if _is_open(number) else nowhere.fileno() for number in (1, 2)]
                socket.send_fds(self._requests, [b"fork"], [theirs.fileno(), file.fileno(), *streams])
            if not await kernel.started():
                raise ConnectionError("the warm parent ended or could not fork")
        except BaseException:
            kernel.close()
            raise
        return kernel


os.register_at_fork(after_in_child=Parent.disown)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
