"""Which processor to use, what it is called, and what a piece of work costs on it."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

try:
    import psutil  # comes with ipykernel
except ImportError:
    psutil = None


def best() -> torch.device:
    """A CUDA device if there is one, else the CPU; Apple's GPU lacks operations that the labs use (svd)."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def present() -> list[torch.device]:
    """The CPU and, where there is one, the CUDA device."""
    return [torch.device("cpu")] + ([best()] if torch.cuda.is_available() else [])


def machine(device: torch.device) -> str:
    """Name the processor, the torch version and, for a CPU, the number of threads in use."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    return f"{_cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _cpu_name() -> str:
    """The processor's name as its system spells it."""
    if sys.platform == "darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or platform.machine()
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use this many threads, and afterwards as many as before: one for small matrices, all for large.

    On busy cores the threads of a small product mostly wait for each other and cost several times its time.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def medians_ms(works: Sequence[Callable[[], object]], device: torch.device, budget: float = 2.0) -> list[float]:
    """Median time of each piece of work in milliseconds; the caller has warmed them up.

    They take turns, so that whatever else the machine does slows all of them alike: at least 3 rounds, more within
    `budget` seconds, at most 30.
    """
    rounds: list[list[float]] = []
    while len(rounds) < 3 or (len(rounds) < 30 and sum(map(sum, rounds)) < budget):
        rounds.append([_turn(work, device) for work in works])
    return [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]


def _turn(work: Callable[[], object], device: torch.device) -> float:
    """Time of a run; a short one is repeated, because the first still pays for what its neighbour left behind."""
    seconds = _seconds(work, device)
    return seconds if seconds > 0.1 else _seconds(work, device)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    _finish(device)
    start = time.perf_counter()
    work()
    _finish(device)
    return time.perf_counter() - start


def _finish(device: torch.device) -> None:
    """Wait until a GPU has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_memory(device: torch.device) -> int | None:
    """Bytes that are still free; None where nobody can tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available if psutil else None


def memory_in_use(device: torch.device) -> int | None:
    """Bytes that torch holds on a GPU, or that this process holds on a CPU; None where nobody can tell."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    return psutil.Process().memory_info().rss if psutil else None


def peak_memory(work: Callable[[], object], device: torch.device) -> int | None:
    """Most bytes in use while a piece of work runs: exact on a GPU, looked at every millisecond on a CPU."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        work()
        _finish(device)
        return torch.cuda.max_memory_allocated(device)
    done, seen = threading.Event(), [memory_in_use(device)]

    def watch() -> None:
        while seen[0] is not None and not done.wait(0.001):
            seen.append(memory_in_use(device))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
        seen.append(memory_in_use(device))
    finally:
        done.set()
        watcher.join()
    return None if seen[0] is None else max(seen)
