"""Bound the memory that a call may add, where the system can (Linux); elsewhere nothing is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = "OutOfMemory"


def _resource() -> Any:
    try:
        import resource
    except ImportError:
        return None
    return resource if hasattr(resource, "prlimit") else None


@contextmanager
def bounded(extra: int | None, pid: int = 0) -> Iterator[None]:
    """Let a process (0: this one) map at most `extra` more bytes while the block runs.

    The bound is a soft one, which only polite code keeps: see `Watch` for what is measured besides.
    """
    resource = _resource()
    if extra is None or resource is None:
        yield
        return
    soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
    most = _mapped_bytes(pid) + extra
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (soft, hard))


class Watch:
    """Measures from outside by how much a process's resident memory grew at its peak."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # forgets the peak so far
        self._before = self._read("VmRSS")

    def growth(self) -> int:
        """Bytes at the peak beyond those at the start; 0 where the system does not tell."""
        return max(0, self._read("VmHWM") - self._before)

    def _read(self, field: str) -> int:
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return 0
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)


def memory_of(ancestor: int) -> int:
    """Bytes that all descendants of a process use, pages that several share divided among them."""
    return sum(_proportional_bytes(pid) for pid in descendants(ancestor))


def descendants(pid: int) -> Iterator[int]:
    """The numbers of all processes below a process."""
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def _proportional_bytes(pid: int) -> int:
    """A process that hides its shared pages is counted with all that it has resident."""
    for name, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
            return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), 0)
    return 0


def _mapped_bytes(pid: int) -> int:
    import mmap

    pages = Path(f"/proc/{pid or 'self'}/statm").read_text().split()[0]
    return int(pages) * mmap.PAGESIZE


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, in Python's or in torch's words."""
    if isinstance(error, MemoryError):
        return True
    words = ("can't allocate memory", "out of memory", "Cannot allocate memory")
    return isinstance(error, (RuntimeError, OSError)) and any(word in str(error) for word in words)
