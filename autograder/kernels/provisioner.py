"""Kernels for any Jupyter client that start as forks of a warm parent, several times faster.

With `JUPYTER_DEFAULT_PROVISIONER_NAME=warm-kernel` in the environment, or
`c.KernelProvisionerFactory.default_provisioner_name = "warm-kernel"`, an unchanged nbclient or
`nbgrader autograde` gets its Python kernels from here. The first kernel of a process starts the
parent, which takes seconds; the others are forks of it.

There is no wall here: a kernel may read and change whatever its user may, hidden tests and other
students' submissions included. It is as safe as stock nbgrader, that is: not. As there, what leaves
the kernel's process group by starting a session of its own outlives it.

A kernel of another language or environment, or one that needs what a fork cannot give, starts the
ordinary way; so does every kernel once the parent has failed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.localinterfaces import localhost
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from autograder.kernels.client import Fork, Parent

LAUNCHER = ["-m", "ipykernel_launcher"]
LONGEST_SOCKET_PATH = 107


class WarmKernelProvisioner(LocalProvisioner):
    """Forks the kernel from this process's warm parent where that gives the same kernel."""

    _fork: Fork | None = None
    _warned: ClassVar[bool] = False

    @property
    def has_process(self) -> bool:
        return self._fork is not None or super().has_process

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        try:
            if runs_here(self.kernel_spec.argv):
                self._use_private_folder(Parent.mine())
        except OSError as error:
            self._warn(error)
        return await super().pre_launch(**kwargs)

    def _use_private_folder(self, parent: Parent) -> None:
        """Give a manager that left it open a connection file and sockets there; tcp if the path is too long."""
        manager, path = self.parent, parent.new_path()
        if manager is None or manager.connection_file or manager.transport != "tcp" or manager.ip != localhost():
            return
        manager.connection_file = f"{path}.json"
        if len(os.fsencode(f"{path}-5")) <= LONGEST_SOCKET_PATH and not any(manager.ports):
            manager.transport, manager.ip, manager.cache_ports = "ipc", path, False

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self._fork = await self._forked(cmd, **kwargs)
        if self._fork is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self._fork.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    async def _forked(self, cmd: list[str], env: dict[str, str], cwd: Any = None, **more: Any) -> Fork | None:
        """The kernel as a fork; None if it must start the ordinary way."""
        if not runs_here(cmd) or not os.path.isdir(cwd or ".") or set(more) - {"kernel_id", "extra_arguments"}:
            return None
        try:
            parent = Parent.mine()
            if names := parent.differs(env):
                self.log.info("Starting a kernel the ordinary way, since these differ: %s", ", ".join(names))
                return None
            child_env = {**env, "JPY_PARENT_PID": str(os.getpid())}
            return await parent.fork(cmd, child_env, os.path.abspath(cwd or "."))
        except OSError as error:
            self._warn(error)
            return None

    def _warn(self, error: OSError) -> None:
        if not WarmKernelProvisioner._warned:
            WarmKernelProvisioner._warned = True
            self.log.warning("No warm kernels (%s): kernels start the ordinary, slower way.", error)

    async def poll(self) -> int | None:
        return self._fork.poll() if self._fork else await super().poll()

    async def wait(self) -> int | None:
        if not self._fork:
            return await super().wait()
        await self._fork.ended()
        status = self._fork.status
        self._let_go()
        return status

    async def send_signal(self, signum: int) -> None:
        if not self._fork:
            return await super().send_signal(signum)
        self._fork.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await super().kill(restart) if not self._fork else await self._end(signal.SIGKILL, 5)

    async def terminate(self, restart: bool = False) -> None:
        await super().terminate(restart) if not self._fork else await self._end(signal.SIGTERM, 1)

    async def _end(self, number: int, seconds: float) -> None:
        assert self._fork is not None
        self._fork.signal(number)
        await self._fork.ended(seconds)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Save the manager its polling: most kernels end at once."""
        if self._fork:
            await self._fork.ended(0.5)

    async def cleanup(self, restart: bool = False) -> None:
        if not restart:
            self._let_go()
        await super().cleanup(restart)

    def _let_go(self) -> None:
        if self._fork:
            self._fork.close()
        self._fork = None


def runs_here(argv: list[str]) -> bool:
    """Whether a kernel's command is ipykernel's in this Python's own environment, on a system that can fork it."""
    if not hasattr(os, "pidfd_open") or argv[1:3] != LAUNCHER:
        return False
    if argv[0] in {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}:
        return True
    mine, theirs = Path(sys.executable), Path(argv[0])
    return theirs.exists() and theirs.samefile(mine) and theirs.parent.resolve() == mine.parent.resolve()
