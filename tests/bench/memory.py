"""How much memory a process and all that it started hold, sampled from /proc while it runs."""

from __future__ import annotations

import threading
import time
from pathlib import Path

SHORTEST = 0.1
PAGE = 4096


class TreeMemory:
    """Samples the proportional set size (PSS) of a process tree until it is stopped.

    A page that several processes share counts once. Where PSS cannot be read, RSS is taken, which
    counts shared pages several times; `kinds` says what was taken. Sampling takes at most `share`
    of one core, so a small share sees fewer moments.
    """

    def __init__(self, pid: int, share: float) -> None:
        self.peak = 0
        self.kinds: set[str] = set()
        self._members = {pid}
        self._share = share
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = SHORTEST
        while not self._over.wait(pause):
            started = time.thread_time()
            self._members = _tree(self._members)
            self.peak = max(self.peak, sum(map(self._memory, self._members)))
            pause = max(SHORTEST, (time.thread_time() - started) / self._share)

    def _memory(self, pid: int) -> int:
        folder = Path("/proc", str(pid))
        try:
            text = (folder / "smaps_rollup").read_text()
            kind, size = "PSS", next(int(line.split()[1]) * 1024 for line in text.splitlines() if line[:4] == "Pss:")
        except (OSError, StopIteration):
            try:
                kind, size = "RSS", int((folder / "statm").read_text().split()[1]) * PAGE
            except OSError:
                return 0
        self.kinds |= {kind} if size else set()
        return size


def _tree(members: set[int]) -> set[int]:
    """The members that still live and all their descendants; an orphan that was seen stays one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = members & set(parents)
    pending = list(found)
    while pending:
        parent = pending.pop()
        new = {pid for pid, its in parents.items() if its == parent} - found
        found |= new
        pending += new
    return found
