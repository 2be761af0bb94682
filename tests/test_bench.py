"""Does the benchmark measure grading that is right, on a lab that keeps the course's promises?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from autograder.course import Course, Exercise
from autograder.verify import verify
from tests.bench.figures import growth, summary
from tests.bench.runs import Run
from tests.bench.submissions import LAB, LAB_ROOT, UNTOUCHED, draw_class, stock_points
from tests.conftest import ROOT

BENCH = Course.at(LAB_ROOT).lab(LAB)
RATIOS = ("ratio_8", "ratio_32", "ratio_steady", "seconds_stock", "seconds_ours", "startup_s", "own_cost_s")


# peft asks transformers for a property whose name is going away.
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("exercise", BENCH.exercises, ids=lambda exercise: exercise.id)
def test_every_exercise_of_the_benchmark_is_proven(exercise: Exercise):
    assert verify(exercise).doubts == []


def test_a_class_is_half_right_and_the_rest_is_mistaken_or_untouched_in_one_to_three_exercises():
    drawn = draw_class(BENCH, 32)
    assert draw_class(BENCH, 8) == drawn[:8]
    lost = [sum(points == 0.0 for points in stock_points(BENCH, one).values()) for one in drawn]
    assert Counter(count > 0 for count in lost) == {False: 16, True: 16}
    assert set(lost) == {0, 1, 2, 3}
    named = Counter(answer for one in drawn for answer in one.answers.values())
    assert named[UNTOUCHED] > 0
    assert len({answer for answer in named if answer[:1].isupper()}) > 10


def test_startup_is_told_apart_from_what_one_more_submission_costs():
    def run(system: str, students: int, seconds: float) -> Run:
        return Run(system, students, seconds, 2**20, frozenset({"PSS"}))

    runs = [run("stock", n, 4 + 5 * n) for n in (8, 32)] + [run("ours", n, 3 + n / 4) for n in (8, 32)]
    found = summary(runs, runs, cells=0.2)
    wanted = (44 / 5, 164 / 11, 20.0, 5.0, 0.25, 3.0, 0.3)
    assert [found[key] for key in RATIOS] == pytest.approx(wanted)
    assert (found["startup_stock_s"], found["memory_ours_mib"]) == pytest.approx((4.0, 1.0))
    steady = growth([run("ours", n, 3 + n / 4) for n in (512, 32, 128)])
    assert (steady["flatness"], steady["seconds_ours"]) == pytest.approx((1.0, 0.25))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_quick_benchmark_grades_rightly_on_both_sides_and_every_figure_is_positive():
    command = [sys.executable, "-m", "tests.bench.grading", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["checked"] == {"stock": 2, "ours": 6}
    assert {(run["system"], run["students"]) for run in found["runs"]} == {("stock", 2), ("ours", 6)}
    assert all(run["seconds"] > 0 for run in found["runs"])
    assert all(found[key] is None for key in RATIOS)
    figures = {key: value for key, value in found.items() if isinstance(value, int | float)}
    assert {"cells_s", "memory_stock_mib", "memory_ours_mib", "cores"} <= set(figures)
    assert all(value > 0 for key, value in figures.items() if not key.startswith("load")), figures
