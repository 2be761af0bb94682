"""Does the grader give what was earned, whatever the student's process does?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from autograder import compare, judge
from autograder.call import Outcome
from autograder.course import Lab
from autograder.exercise import Tolerance, case
from autograder.grade import Grader, _without_inputs
from autograder.judge import Expectation, Finding, Rules, report
from autograder.limits import Limits
from autograder.run import Run, Step
from tests.toy import RIGHT
from tests.walls import STARTS, start_behind_wall

LIMITS = Limits(notebook_seconds=20, cell_seconds=3, case_seconds=2)


def grade(lab: Lab, *sources: str, after: tuple[str, ...] = (), limits: Limits = LIMITS, start=start_behind_wall):
    exercise = lab.exercise("scale")
    steps = [Step(f"cell-{i}", source=source) for i, source in enumerate(sources)]
    steps += [Step("check", exercise=exercise)]
    steps += [Step(f"after-{i}", source=source) for i, source in enumerate(after)]
    return Grader(lab, "secret", limits=limits).grade(steps, None, start)


def test_a_right_answer_gets_all_points_and_outputs_are_kept(toy_lab):
    graded = grade(toy_lab, "print('hello')\n1 + 1", RIGHT)
    verdict = graded.verdicts["toy.scale"]
    assert (verdict.points, verdict.reason, graded.notes) == (4.0, "", [])
    kinds = [output["output_type"] for output in graded.outputs["cell-0"]]
    assert kinds == ["stream", "execute_result"]
    assert graded.outputs["cell-0"][0]["text"] == "hello\n"


def test_a_named_mistake_loses_its_points_and_is_named(toy_lab):
    verdict = grade(toy_lab, "def scale(x, k): return x + k").verdicts["toy.scale"]
    assert (verdict.points, verdict.mistake) == (0.0, "Adds")
    assert verdict.reason == "Multiply by k, do not add it."


def test_groups_share_the_points_equally(toy_lab):
    verdict = grade(toy_lab, "def scale(x, k): return abs(k) * x").verdicts["toy.scale"]
    assert verdict.groups == {"positive": True, "negative": False}
    assert verdict.points == 2.0


def test_graded_is_what_is_bound_when_the_check_cell_runs(toy_lab):
    verdict = grade(toy_lab, RIGHT, after=("def scale(x, k): return x",)).verdicts["toy.scale"]
    assert verdict.points == 4.0


def test_a_hidden_value_is_in_no_reason(toy_lab):
    verdict = grade(toy_lab, "def scale(x, k): return k * x + 0.123").verdicts["toy.scale"]
    assert verdict.points == 0.0
    assert not any(character.isdigit() for character in verdict.reason)


DEATHS = {
    "exit in a cell": ("import os; os._exit(3)", "exit status 3"),
    "kill in a cell": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
    "endless cell": ("while True: pass", "Time ran out"),
    "closed wire": ("import os\nfor fd in range(3, 60):\n    try: os.close(fd)\n    except OSError: pass", "process"),
}


@STARTS
@pytest.mark.parametrize("name", DEATHS)
def test_a_death_in_a_later_cell_keeps_earlier_verdicts(toy_lab, name, start):
    source, words = DEATHS[name]
    graded = grade(toy_lab, RIGHT, after=(source, "print('never')"), start=start)
    assert graded.verdicts["toy.scale"].points == 4.0
    assert words in graded.notes[0]


@STARTS
@pytest.mark.parametrize("name", DEATHS)
def test_a_death_before_the_check_loses_it_with_a_sentence(toy_lab, name, start):
    source, words = DEATHS[name]
    verdict = grade(toy_lab, source, RIGHT, start=start).verdicts["toy.scale"]
    assert verdict.points == 0.0
    assert words in verdict.reason
    assert "not reached" in verdict.reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os; os._exit(0)", "exit status 0"),
        ("while True: pass", "Time ran out in a case of toy.scale"),
        ("import sys; sys.exit('bye')", "It raised SystemExit in a hidden case."),
        ("raise KeyError('x')", "KeyError"),
    ],
)
def test_a_death_in_a_hidden_case_is_a_sentence(toy_lab, body, words):
    verdict = grade(toy_lab, f"def scale(x, k):\n    {body}").verdicts["toy.scale"]
    assert verdict.points == 0.0
    assert words in verdict.reason


def test_a_check_whose_name_is_missing_or_no_function_says_so(toy_lab):
    assert "not defined" in grade(toy_lab, "pass").verdicts["toy.scale"].reason
    assert "of type int" in grade(toy_lab, "scale = 3").verdicts["toy.scale"].reason


def test_a_notebook_without_the_check_cell_says_so(toy_lab):
    graded = Grader(toy_lab, "secret", limits=LIMITS).grade([Step("a", source=RIGHT)], None, start_behind_wall)
    assert "check cell is not in the notebook" in graded.verdicts["toy.scale"].reason


LIES = {
    "equal to everything": (
        "class E:\n    def __call__(s, *a, **k): return s\n    def __eq__(s, o): return True\nscale = E()"
    ),
    "patched allclose": "import torch\ntorch.allclose = torch.equal = lambda *a, **k: True\ndef scale(x, k): return x",
    "patched comparison": (
        "import autograder.compare as c\nc.difference = lambda *a, **k: None\ndef scale(x, k): return x"
    ),
    "patched judge": "import autograder.judge as j\nj.examine = lambda *a, **k: None\ndef scale(x, k): return x",
    "forged reply": (
        "import gc, autograder.wire as w\n"
        "wire = next(o for o in gc.get_objects() if type(o) is w.Wire)\n"
        "def scale(x, k):\n"
        "    wire.send({'number': 1, 'answer': {'value': x, 'error': '', 'message': '', 'edited': [], 'device': ''}})\n"
        "    return x"
    ),
    "printed score": "print('4.0')\n4.0\ndef scale(x, k): return x",
    "a verdict as value": "def scale(x, k): return {'points': 4.0, 'passed': True}",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_earns_nothing(toy_lab, name):
    assert grade(toy_lab, LIES[name]).verdicts["toy.scale"].points == 0.0


def test_hidden_cases_depend_on_the_secret(toy_lab):
    from autograder.expect import hidden_expectations

    exercise = toy_lab.exercise("scale")
    one, other = hidden_expectations(exercise, "a"), hidden_expectations(exercise, "b")
    assert one[0].case.inputs["x"].tolist() != other[0].case.inputs["x"].tolist()
    assert hidden_expectations(exercise, "a") is one


def test_a_flood_of_output_is_cut(toy_lab):
    from autograder.shell import MAX_TEXT

    graded = grade(toy_lab, "for _ in range(300): print('x' * 10_000)", RIGHT)
    text = "".join(output["text"] for output in graded.outputs["cell-0"])
    assert len(text) < MAX_TEXT + 100
    assert "[output cut here]" in text
    assert graded.verdicts["toy.scale"].points == 4.0


def test_low_level_output_and_errors_are_kept_as_a_kernel_keeps_them(toy_lab):
    graded = grade(toy_lab, "import os; os.system('echo low'); print('high')", "1 / 0", RIGHT)
    assert "low" in str(graded.outputs["cell-0"])
    assert graded.outputs["cell-1"][0]["ename"] == "ZeroDivisionError"
    assert graded.verdicts["toy.scale"].points == 4.0


TALES = {
    "message": "raise ValueError(f'tale {x.tolist()}')",
    "type's name": "raise type(f'tale {x.tolist()}', (Exception,), {})()",
    "line": "exec(compile('raise ValueError', 'tale', 'exec'))",
    "text": "return f'tale {x.tolist()}'",
    "keys": "return {f'tale {x.tolist()}': x}",
    "shape": "return x[0].expand(7, 7, int(x[0].abs() * 1000) + 77)",
    "length": "return [x] * 77",
    "kind": "return type('tale', (), {})()",
    "place of a nan": "y = k * x; y[3] = float('nan'); return y",
}


@pytest.mark.parametrize("name", TALES)
def test_what_is_said_of_a_hidden_case_holds_nothing_that_the_student_worded(toy_lab, name):
    """The public examples, which have two numbers, are answered."""
    verdict = grade(toy_lab, f"def scale(x, k):\n    if len(x) == 2: return k * x\n    {TALES[name]}").verdicts[
        "toy.scale"
    ]
    assert verdict.points == 0.0
    assert verdict.reason
    assert not [word for word in ("tale", "77", "[") if word in verdict.reason]


def test_every_kind_of_finding_has_a_sentence_for_hidden_cases():
    sources = [Path(module.__file__).read_text(encoding="utf-8") for module in (judge, compare)]
    kinds = set(re.findall(r'(?:Finding|Difference)\(\s*"(\w+)"', "".join(sources)))
    assert {"value", "nan", "unjudgeable", "lost"} <= kinds
    assert all(_without_inputs(Finding(kind, "tale")) for kind in kinds)
    assert {kind for kind in kinds if "tale" in _without_inputs(Finding(kind, "tale"))} == {
        "lost", "todo", "memory", "property",
    }  # fmt: skip


def test_all_examples_are_answered_before_any_hidden_case_is_seen(toy_lab):
    """Else the text of an error on a later exercise's example, which is shown, could tell hidden inputs."""
    seen = "seen = []\ndef scale(x, k):\n    seen.append(len(x))\n    return list(seen)"
    exercise = toy_lab.exercise("scale")
    steps = [Step("cell", source=seen), Step("check", exercise=exercise)]
    run = Run(toy_lab, start_behind_wall, Limits(), steps, {})
    cases = [case("two", x=torch.ones(2), k=1.0)], [case("five", x=torch.ones(5), k=1.0)]
    first, second = run.outcomes(*({exercise.id: answered} for answered in cases))
    assert first[exercise.id][0].value == [2]
    assert second[exercise.id][0].value == [2, 5]


def test_a_mistake_that_fails_where_the_answer_passes_is_not_its_name():
    rules = Rules(Tolerance(0.0, 0.0))

    def known(right: int, mistaken: int) -> Expectation:
        return Expectation(case("a number"), right, {"Mistaken": Outcome(mistaken)})

    known_cases = [known(1, 5), known(2, 6)]
    assert report(rules, known_cases, [Outcome(5), Outcome(6)]).mistake == "Mistaken"
    assert report(rules, known_cases, [Outcome(5), Outcome(7)]).mistake == "Mistaken"
    assert report(rules, known_cases, [Outcome(5), Outcome(2)]).mistake == ""
    agreeing = [known(1, 5), known(2, 2)]
    assert report(rules, agreeing, [Outcome(5), Outcome(2)]).mistake == "Mistaken"
