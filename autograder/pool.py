"""Run jobs over an executor: local processes or a Dask cluster. A worker that dies costs no job."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from autograder.errors import UserError

Job = TypeVar("Job")
Result = TypeVar("Result")
MAX_BREAKS = 3
WINDOW = 256  # jobs handed out at a time, so that memory does not grow with the class
_PR_SET_PDEATHSIG = 1


def run_all(
    executor: Callable[[], Executor], work: Callable[[Job], Result], jobs: Sequence[Job]
) -> Iterator[tuple[Job, Result | Exception]]:
    """Do `work` on every job; yields each with its result or its exception, as they come.

    `executor` makes a new executor; it is called again after one broke because a worker was killed.

    Raises
    ------
    UserError
        If workers are killed again and again.
    """
    waiting = list(jobs)
    for _ in range(MAX_BREAKS):
        again: list[Job] = []
        for job, result in _once(executor(), work, waiting):
            if isinstance(result, BrokenProcessPool):
                again.append(job)
            else:
                yield job, result
        if not again:
            return
        waiting = again
    raise UserError(
        f"Grading processes were killed {MAX_BREAKS} times, most likely because memory ran out. What was graded is "
        "kept: run the command again, with fewer --workers."
    )


def _once(
    pool: Executor, work: Callable[[Job], Result], jobs: Sequence[Job]
) -> Iterator[tuple[Job, Result | Exception]]:
    waiting = iter(jobs)
    futures: dict[Future[Result], Job] = {}
    try:
        while True:
            for job in islice(waiting, WINDOW - len(futures)):
                try:
                    futures[pool.submit(_attempt, work, job)] = job
                except BrokenProcessPool as error:
                    yield job, error
            if not futures:
                return
            for future in wait(futures, return_when=FIRST_COMPLETED).done:
                job, raised = futures.pop(future), future.exception()
                yield job, raised if isinstance(raised, Exception) else future.result()
    finally:
        for future in futures:
            future.cancel()
        pool.shutdown(wait=False)


class JobFailed(Exception):
    """What a job raised, in words: not every exception can be sent from one process to another."""


def _attempt(work: Callable[[Job], Result], job: Job) -> Result:
    try:
        return work(job)
    except UserError:
        raise
    except Exception as error:
        raise JobFailed(f"{type(error).__name__}: {error}") from error


def local(workers: int) -> Callable[[], Executor]:
    """Processes of this machine, which end with this one however it ends."""
    # Forks share what is imported and computed already.
    context = multiprocessing.get_context("fork" if sys.platform.startswith("linux") else "spawn")

    def pool() -> Executor:
        # A garbage collection writes to every object it looks at, which would end the sharing.
        gc.collect()
        gc.freeze()
        return ProcessPoolExecutor(workers, context, _be_worker, (os.getpid(),))

    return pool


def _be_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    if "torch" in sys.modules:  # OpenMP's threads did not come along with a fork
        sys.modules["torch"].set_num_threads(1)


def dask(address: str) -> Callable[[], Executor]:
    """The workers of a running Dask cluster.

    Raises
    ------
    UserError
        If dask.distributed is not installed or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--dask needs the package distributed: pip install 'winning-ticket[cluster]'.") from None
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"No Dask scheduler answers at {address} ({error}). Start one, or check the address.") from None
    return lambda: client.get_executor(retries=2)
