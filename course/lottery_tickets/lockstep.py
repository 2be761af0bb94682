"""Several searches in lock-step: whenever all of them want a network trained, one stack trains all networks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from course.lottery_tickets.networks import Parameters


def in_step(search: Callable[[int, Callable], list], train: Callable[[list], list], count: int) -> list[list]:
    """Run several searches at once; whenever all of them ask for a training, train their networks as one stack.

    Parameters
    ----------
    search : callable
        search(i, ask) is the i-th search; it calls ask(theta, masks) to have a network trained.
    train : callable
        Takes a list of `count` pairs (theta, masks), returns a list of as many trained dicts.
    count : int

    Returns
    -------
    list
        What the searches return.
    """
    asked, answers = [None] * count, [None] * count

    def train_all() -> None:
        answers[:] = train(list(asked))

    meeting = threading.Barrier(count, train_all, timeout=300)

    def run(i: int) -> list:
        def ask(theta: Parameters, masks: Parameters) -> Parameters:
            asked[i] = (theta, masks)
            meeting.wait()
            return answers[i]

        try:
            return search(i, ask)
        except BaseException:
            meeting.abort()
            raise

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(run, i) for i in range(count)]
        errors = [error for future in futures if (error := future.exception())]
    # A search that fails breaks the meeting of the others: its own error comes first.
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [future.result() for future in futures]
