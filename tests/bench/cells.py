"""The submissions' own work: `python -m tests.bench.cells COURSE_ROOT SUBMITTED` prints it as JSON.

A process that has imported everything forks once per submission. The fork runs the code cells by
plain exec and calls the graded functions on as many cases as grading does: nothing is isolated,
captured, compared or written. What that costs in CPU-seconds is what no grader can save.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course import Course, Exercise, Lab
from autograder.exercise import Case

Cases = dict[str, list[Case]]


def main() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    lab = Course.at(Path(sys.argv[1])).labs[0]
    cases = {e.id: [*e.contract.examples, *e.answer.cases(0)] for e in lab.exercises}
    paths = sorted(Path(sys.argv[2]).glob(f"*/{lab.name}/{lab.name}.ipynb"))
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    _import(_forked(lambda: _modules_of(lab, notebooks[0], cases)))
    spent = [_forked(lambda nb=nb: _cost(lab, nb, cases)) for nb in notebooks]
    cells, calls = (statistics.median(column) for column in zip(*spent, strict=True))
    total = statistics.median(map(sum, spent))
    print(json.dumps({"cells_s": cells, "calls_s": calls, "total_s": total, "submissions": len(spent)}))


def _cost(lab: Lab, notebook: NotebookNode, cases: Cases) -> tuple[float, float]:
    """Run one submission; returns the CPU-seconds of its cells and of the calls of its functions."""
    _draw_as_a_notebook_does()
    started = time.process_time()
    bound = _run_cells(notebook)
    between = time.process_time()
    for exercise in lab.exercises:
        for case in cases[exercise.id]:
            _observe(exercise, bound[exercise.id], case)
    return between - started, time.process_time() - between


def _run_cells(notebook: NotebookNode) -> dict[str, Callable[..., Any]]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    bound = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.metadata.get("nbgrader", {}).get("grade"):
            bound[cell.metadata.exercise] = namespace[cell.metadata.exercise.partition(".")[2]]
        else:
            exec(compile(cell.source, cell.id, "exec"), namespace)
    return bound


def _observe(exercise: Exercise, answer: Callable[..., Any], case: Case) -> None:
    with contextlib.suppress(Exception):
        exercise.contract.observe(answer, case)


def _draw_as_a_notebook_does() -> None:
    """Make `plt.show` draw: a figure's PNG is the cell's own work wherever the cell runs."""
    import matplotlib.pyplot as plt

    def show(*_: Any, **__: Any) -> None:
        for number in plt.get_fignums():
            plt.figure(number).savefig(io.BytesIO(), format="png", bbox_inches="tight")
        plt.close("all")

    plt.show = show


def _modules_of(lab: Lab, notebook: NotebookNode, cases: Cases) -> list[str]:
    """What a submission imports, the modules that libraries import only when they are used too."""
    _cost(lab, notebook, cases)
    return list(sys.modules)


def _import(names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _forked(job: Callable[[], Any]) -> Any:
    """What `job` returns (as JSON) in a fork of this process, whose output is thrown away."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        with os.fdopen(write, "w") as pipe:
            json.dump(job(), pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(text)


if __name__ == "__main__":
    main()
