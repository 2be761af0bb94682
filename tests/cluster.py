"""A Dask cluster of real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.processes import family, processes, soon


class Cluster:
    """A scheduler and two workers of one thread each, as a user would start them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.root, self._folder = root, folder
        self._environment = {**os.environ, "WINNING_TICKET_ROOT": str(root)}
        # Free ports are chosen by the programs themselves.
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._said("scheduler", r"Scheduler at: *(tcp://[0-9.:]+)")
        self.workers = [self._worker(name) for name in ("ann", "bob")]
        for name in ("ann", "bob"):
            self._said(name, r"Registered to: *(tcp)")

    def replace(self, worker: subprocess.Popen[bytes]) -> None:
        """Start a worker in the place of one that has ended."""
        number = self.workers.index(worker)
        self.workers[number] = self._worker(("ann", "bob")[number])
        self._said(("ann", "bob")[number], r"Registered to: *(tcp)")

    def _worker(self, name: str) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--memory-limit", "0"]
        return self._start(name, *options, "--name", name, program=["worker", self.address])

    def _start(self, name: str, *options: str, program: list[str] | None = None) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *(program or [name]), *options],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def _said(self, name: str, words: str) -> str:
        assert soon(lambda: re.search(words, self.log(name)) is not None, 90.0), self.log(name)
        return re.findall(words, self.log(name))[0]

    def close(self) -> None:
        """End all as a user would, and make sure of it."""
        started = [*self.workers, self.scheduler]
        members = set().union(*(family(process.pid) for process in started if process.poll() is None))
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert soon(lambda: not members & {p.identity for p in processes()}, 20.0)
