"""Time grading beside stock nbgrader: `python -m tests.bench.grading [--quick] [--scale] [--students N]`.

Prints a table and, as the last line, one JSON object. Both graders' points are checked against what
was earned after every run, so a figure is only printed of grading that was right.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.table import Table

from autograder.course import Lab
from tests.bench.figures import LARGE, MIB, SMALL, Figures, growth, median_seconds, summary
from tests.bench.runs import MUCH, BenchError, Run, own_work, run_ours, run_stock
from tests.bench.submissions import write_course

Plan = dict[str, dict[int, int]]

RUN: dict[str, Callable[..., Run]] = {"ours": run_ours, "stock": run_stock}
USUAL: Plan = {"ours": {SMALL: 3, LARGE: 3}, "stock": {SMALL: 2, LARGE: 1}}
QUICK: Plan = {"ours": {6: 1}, "stock": {2: 1}}
SCALE, SCALE_QUICK = (32, 128, 512), (2, 4, 6)


def compare(lab: Lab, plan: Plan) -> Figures:
    """Run both graders in turn, as often as the plan says, and print what they took."""
    cells = own_work(lab, max(plan["ours"]))
    _say(f"cells: {cells['total_s']:.3f} CPU-s a submission")
    # Watching memory closely costs time, so it is done in runs that are not timed.
    watched = [_told(run_ours(lab, size, MUCH), "watched") for size, times in plan["ours"].items() if times > 1]
    runs = []
    for turn in range(max(times for sizes in plan.values() for times in sizes.values())):
        for size, system in product(sorted({size for sizes in plan.values() for size in sizes}), RUN):
            if turn < plan[system].get(size, 0):
                runs.append(_told(RUN[system](lab, size)))
    figures = {**summary(runs, [*runs, *watched], cells["total_s"]), "checked": _checked([*runs, *watched])}
    _print_comparison(figures, runs, cells)
    return figures


def scale(lab: Lab, sizes: Sequence[int]) -> Figures:
    """Run ours alone on classes of several sizes, each once timed and once watched for memory."""
    timed = [_told(run_ours(lab, size)) for size in sizes]
    watched = [_told(run_ours(lab, size, MUCH), "watched") for size in sizes]
    runs = [replace(run, memory=closely.memory) for run, closely in zip(timed, watched, strict=True)]
    figures = {**growth(runs), "checked": _checked([*timed, *watched])}
    table = Table("students", "seconds", "submissions per second", f"peak MiB ({figures['memory_kind']})", box=None)
    for run in runs:
        table.add_row(
            str(run.students), f"{run.seconds:.1f}", f"{run.students / run.seconds:.2f}", f"{run.memory / MIB:.0f}"
        )
    Console().print(table)
    return figures


def _checked(runs: Sequence[Run]) -> dict[str, int]:
    """How many times a submission's points were compared with what it earned, by system."""
    return {system: sum(run.students for run in runs if run.system == system) for system in RUN}


def _told(run: Run, how: str = "timed") -> Run:
    _say(f"{run.system}, {run.students} students, {how}: {run.seconds:.1f} s, points as earned")
    return run


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_comparison(figures: Figures, runs: Sequence[Run], cells: dict[str, float]) -> None:
    table = Table("", "stock nbgrader", "ours", "stock / ours", box=None, pad_edge=False)
    for size in sorted({run.students for run in runs}):
        stock, ours = (median_seconds(runs, system, size) for system in ("stock", "ours"))
        _row(table, f"{size} submissions, whole run, s", stock, ours)
    _row(table, "one more submission, s", figures["seconds_stock"], figures["seconds_ours"])
    _row(table, "start-up, s", figures["startup_stock_s"], figures["startup_s"])
    _row(table, f"peak memory, MiB ({figures['memory_kind']})", figures["memory_stock_mib"], figures["memory_ours_mib"])
    Console().print(table)
    print(f"The submissions' own work: {cells['total_s']:.3f} CPU-s each (median), of it cells {cells['cells_s']:.3f}.")
    if figures["own_cost_s"] is not None:
        print(f"Beyond it ours costs {figures['own_cost_s']:.3f} CPU-s each on two cores.")


def _row(table: Table, name: str, stock: float | None, ours: float | None) -> None:
    ratio = stock / ours if stock and ours else None
    table.add_row(name, *("–" if value is None else f"{value:.4g}" for value in (stock, ours, ratio)))


def _plan(quick: bool, students: int | None) -> Plan:
    if students:
        return {system: {students: 1 if quick else times} for system, times in (("ours", 3), ("stock", 1))}
    return QUICK if quick else USUAL


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a handful of submissions, once")
    parser.add_argument("--scale", action="store_true", help="ours alone, on classes of 32, 128 and 512")
    parser.add_argument("--students", type=int, help="classes of this one size")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        # Where student code runs as another user, that user reads the course, as on a class's machine.
        Path(folder).chmod(0o755)
        try:
            lab = write_course(Path(folder) / "course")
            if given.scale:
                sizes = (given.students,) if given.students else SCALE_QUICK if given.quick else SCALE
                figures = scale(lab, sizes)
            else:
                figures = compare(lab, _plan(given.quick, given.students))
        except BenchError as error:
            sys.exit(str(error))
    machine = {"load_before": load, "load_after": os.getloadavg()[0], "cores": len(os.sched_getaffinity(0))}
    print(json.dumps(_rounded({**figures, **machine})))


if __name__ == "__main__":
    main()
