"""What runs add up to: medians, start-up apart from steady state, ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.bench.runs import WORKERS, Run

SMALL, LARGE = 8, 32
MIB = 2**20

Figures = dict[str, Any]


def median_seconds(runs: Sequence[Run], system: str, students: int) -> float | None:
    """The median whole run of one size, or None if that size was not run."""
    seconds = [run.seconds for run in runs if (run.system, run.students) == (system, students)]
    return statistics.median(seconds) if seconds else None


def steady(runs: Sequence[Run], system: str) -> tuple[float | None, float | None]:
    """Seconds per submission and of start-up, from the runs of SMALL and LARGE classes."""
    small, large = median_seconds(runs, system, SMALL), median_seconds(runs, system, LARGE)
    if small is None or large is None:
        return None, None
    each = (large - small) / (LARGE - SMALL)
    return each, small - SMALL * each


def summary(runs: Sequence[Run], watched: Sequence[Run], cells: float) -> Figures:
    """All figures of a comparison; None where a size was not run.

    `runs` were timed, `watched` were watched for memory; `cells` is the submissions' own work in
    CPU-seconds.
    """
    stock, startup_stock = steady(runs, "stock")
    ours, startup = steady(runs, "ours")
    return {
        **{f"ratio_{size}": _ratio(runs, size) for size in (SMALL, LARGE)},
        "ratio_steady": stock / ours if stock and ours else None,
        "startup_s": startup,
        "startup_stock_s": startup_stock,
        "seconds_stock": stock,
        "seconds_ours": ours,
        "cells_s": cells,
        "own_cost_s": None if ours is None else WORKERS * ours - cells,
        "memory_stock_mib": peak(watched, "stock"),
        "memory_ours_mib": peak(watched, "ours"),
        "memory_kind": " and ".join(sorted({kind for run in watched for kind in run.kinds})),
        "runs": [record(run) for run in runs],
    }


def record(run: Run) -> Figures:
    return {"system": run.system, "students": run.students, "seconds": round(run.seconds, 3)}


def peak(runs: Sequence[Run], system: str) -> float | None:
    """The peak memory of all runs of a system, in MiB."""
    found = [run.memory / MIB for run in runs if run.system == system]
    return max(found) if found else None


def _ratio(runs: Sequence[Run], students: int) -> float | None:
    stock, ours = median_seconds(runs, "stock", students), median_seconds(runs, "ours", students)
    return stock / ours if stock and ours else None


def growth(runs: Sequence[Run]) -> Figures:
    """How the time of one system grows with the class.

    `flatness` is the cost of one more submission between the two largest classes over that between
    the two smallest: 1 where a submission costs the same however many there are.
    """
    ordered = sorted(runs, key=lambda run: run.students)
    more = [(b.seconds - a.seconds) / (b.students - a.students) for a, b in pairwise(ordered)]
    sizes = [
        {**record(run), "per_second": run.students / run.seconds, "memory_mib": run.memory / MIB} for run in ordered
    ]
    return {
        "sizes": sizes,
        "seconds_ours": more[-1] if more else None,
        "flatness": more[-1] / more[0] if len(more) > 1 and more[0] > 0 else None,
        "memory_kind": " and ".join(sorted({kind for run in runs for kind in run.kinds})),
    }
