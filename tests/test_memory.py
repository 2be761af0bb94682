"""Does a bound on memory admit what it should and stop what it should, from inside and from outside?"""

from __future__ import annotations

import sys

import pytest
import torch

from autograder.course import Course
from autograder.grade import Grader, Step
from autograder.memory import OUT_OF_MEMORY, bounded, is_out_of_memory
from tests.toy import CONTRACT, RIGHT

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


@pytest.fixture
def bounded_lab(own_toy_lab):
    """The toy lab, with 200 MiB for each call."""
    path = own_toy_lab.exercise("scale").contract_path
    path.write_text(CONTRACT.replace("POINTS = 4", f"POINTS = 4\nMEMORY = {200 * MIB}"))
    return Course.at(own_toy_lab.course.root).lab("toy")


GREEDY = "import torch\ndef scale(x, k):\n    torch.ones(300 * 2**20, dtype=torch.uint8)\n    return k * x"
LIFTS = GREEDY.replace(
    "def scale(x, k):",
    "import resource\ndef scale(x, k):\n    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)",
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
@pytest.mark.parametrize("source", [GREEDY, LIFTS], ids=["greedy", "lifts its own limit"])
def test_in_grading_the_bound_comes_from_outside(bounded_lab, source):
    exercise = bounded_lab.exercise("scale")
    graded = Grader(bounded_lab, "secret").grade([Step("a", source=source), Step("check", exercise=exercise)])
    verdict = graded.verdicts["toy.scale"]
    assert verdict.points == 0
    assert "memory" in verdict.reason


@linux
def test_in_grading_a_modest_answer_passes_under_the_bound(bounded_lab):
    exercise = bounded_lab.exercise("scale")
    graded = Grader(bounded_lab, "secret").grade([Step("a", source=RIGHT), Step("check", exercise=exercise)])
    assert graded.verdicts["toy.scale"].points == 4
