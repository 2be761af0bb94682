"""Does a bound on memory admit what it should and stop what it should, from inside and from outside?"""

from __future__ import annotations

import sys

import pytest
import torch

from autograder.compose import build
from autograder.course import Course
from autograder.grade import Grader
from autograder.memory import OUT_OF_MEMORY, bounded, is_out_of_memory
from autograder.run import Step
from tests.toy import CONTRACT, RIGHT, add_toy_lab
from tests.walls import STARTS

MIB = 2**20
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded on Linux only")


@linux
def test_the_bound_admits_less_and_stops_more_and_is_lifted_after():
    with bounded(300 * MIB):
        torch.zeros(100 * MIB, dtype=torch.uint8)
        with pytest.raises(RuntimeError) as error:
            torch.zeros(400 * MIB, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
    torch.zeros(400 * MIB, dtype=torch.uint8)


@pytest.fixture(scope="module")
def bounded_lab(tmp_path_factory):
    """The toy lab, with 200 MiB for each call."""
    lab = add_toy_lab(tmp_path_factory.mktemp("bounded"))
    path = lab.exercise("scale").contract_path
    path.write_text(CONTRACT.replace("POINTS = 4", f"POINTS = 4\nMEMORY = {200 * MIB}"))
    lab = Course.at(lab.course.root).lab("toy")
    build(lab, lab.course.root / "build")
    return lab


GREEDY = "import torch\ndef scale(x, k):\n    torch.ones(300 * 2**20, dtype=torch.uint8)\n    return k * x"
LIFTS = GREEDY.replace(
    "def scale(x, k):",
    "from resource import RLIMIT_AS, getrlimit, setrlimit\ndef scale(x, k):\n"
    "    setrlimit(RLIMIT_AS, (getrlimit(RLIMIT_AS)[1],) * 2)",
)


@linux
def test_at_home_a_greedy_answer_is_told_so(bounded_lab):
    exercise = bounded_lab.exercise("scale")

    def greedy(x, k):
        torch.ones(300 * MIB, dtype=torch.uint8)
        return k * x

    outcome = exercise.call(greedy, exercise.contract.examples[0])
    assert outcome.error == OUT_OF_MEMORY
    assert exercise.call(lambda x, k: k * x, exercise.contract.examples[0]).error == ""


@linux
@STARTS
@pytest.mark.parametrize("source", [GREEDY, LIFTS], ids=["greedy", "lifts its own limit"])
def test_in_grading_the_bound_comes_from_outside(bounded_lab, source, start):
    exercise = bounded_lab.exercise("scale")
    steps = [Step("a", source=source), Step("check", exercise=exercise)]
    graded = Grader(bounded_lab, "secret").grade(steps, None, start)
    verdict = graded.verdicts["toy.scale"]
    assert verdict.points == 0
    assert "memory" in verdict.reason


@linux
@STARTS
def test_in_grading_a_modest_answer_passes_under_the_bound(bounded_lab, start):
    exercise = bounded_lab.exercise("scale")
    steps = [Step("a", source=RIGHT), Step("check", exercise=exercise)]
    graded = Grader(bounded_lab, "secret").grade(steps, None, start)
    assert graded.verdicts["toy.scale"].points == 4
