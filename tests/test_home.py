"""Is a learner told at once what is wrong and why?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import autograder
from autograder import check, hint, solution
from autograder.course import Lab
from autograder.errors import UserError
from autograder.home import CheckFailed, check_examples, home_panel
from autograder.pack import pack_path, read_pack
from autograder.record import Record


@pytest.fixture(autouse=True)
def beside_the_pack(toy_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNING_TICKET_ROOT", str(toy_lab.course.root))
    monkeypatch.chdir(toy_lab.edition)


def edits_then_returns(x, k):
    x.add_(1)
    return k * x


WRONG = {
    "its own sentence": (lambda x, k: x + k, "Multiply by k, do not add it."),
    "a missing return": (lambda x, k: None, "return statement"),
    "another shape": (lambda x, k: (k * x)[None], "shape should be (2,)"),
    "another dtype": (lambda x, k: (k * x).double(), "torch.float64"),
    "another type": (lambda x, k: (k * x).tolist(), "a list of 2"),
    "an array": (lambda x, k: (k * x).numpy(), "from_numpy"),
    "nan": (lambda x, k: k * x * float("nan"), "There is a nan"),
    "an edited input": (edits_then_returns, "Changed in place: x"),
    "an exception": (lambda x, k: x[7], "IndexError"),
    "a wrong signature": (lambda x: x, "must take the arguments (x, k)"),
    "not started": (lambda x, k: (_ for _ in ()).throw(NotImplementedError), "Not started"),
    "a wrong value": (lambda x, k: k * x + 1e-3, "At [0]: expected 3, got 3.001 (2 of 2 values differ)"),
    "an exit": (lambda x, k: exit(3), "SystemExit"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_kind_of_failure_is_said_in_its_own_sentence(name, capsys):
    answer, words = WRONG[name]
    with pytest.raises(CheckFailed) as failure:
        check("toy.scale", answer)
    shown = capsys.readouterr().out
    assert words in str(failure.value)
    assert words in shown
    assert "Not yet" in shown


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_result_on_another_device_has_its_sentence():
    with pytest.raises(CheckFailed, match="on cuda"):
        check("toy.scale", lambda x, k: (k * x).cuda())


def test_a_foreign_device_has_its_sentence(toy_lab):
    from autograder.call import Outcome
    from autograder.judge import examine

    exercise = toy_lab.exercise("scale")
    expectation = read_pack(pack_path(toy_lab.edition, "toy"), exercise).examples[0]
    finding = examine(exercise.rules(with_facts=False), expectation, Outcome(expectation.value, device="cuda"))
    assert finding is not None
    assert finding.kind == "device"
    assert "cuda" in finding.sentence


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, k: x * k,
        lambda x, k: torch.einsum("i,->i", x, torch.tensor(k)),
        lambda x, k: torch.tensor(np.float32(k) * x.numpy()),
        lambda k, x: x.clone().mul_(k),
        lambda *, x, k: torch.nn.Parameter(x * k),
    ],
)
def test_a_right_answer_written_differently_passes(answer, capsys):
    check("toy.scale", answer)
    assert "Passed" in capsys.readouterr().out


def test_an_exception_is_placed_at_the_line_of_the_students_code():
    def scale(x, k):
        return x * undefined_name  # noqa: F821

    with pytest.raises(CheckFailed, match=r"NameError.*\(line \d+: return x \* undefined_name"):
        check("toy.scale", scale)


def test_what_was_stored_in_a_lambda_does_not_reach_the_next_call():
    calls = []

    def keeps_and_edits_later(x, k):
        calls.append(x)
        return k * x

    check("toy.scale", keeps_and_edits_later)
    calls[0].zero_()
    check("toy.scale", keeps_and_edits_later)


def test_attempts_hints_and_the_revealed_solution_are_recorded(capsys):
    with pytest.raises(CheckFailed):
        check("toy.scale", lambda x, k: x / k)
    hint("toy.scale")
    hint("toy.scale")
    standing = Record().summary()["toy.scale"]
    assert (standing.attempts, standing.passed, standing.last_mistake, standing.hints) == (1, False, "Divides", 2)
    solution("toy.scale")
    check("toy.scale", lambda x, k: k * x)
    standing = Record().summary()["toy.scale"]
    assert (standing.attempts, standing.passed, standing.revealed) == (2, True, True)
    assert "return k * x" in capsys.readouterr().out


def test_a_damaged_record_never_makes_a_check_fail(own_home, capsys):
    record = own_home / "record"
    record.mkdir()
    (record / "attempts.db").write_text("no database")
    check("toy.scale", lambda x, k: k * x)
    assert "not recorded" in capsys.readouterr().out
    assert (record / "attempts.db").read_text() == "no database"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check("toy.scales", abs), "Did you mean 'scale'?"),
        (lambda: check("toi.scale", abs), "Did you mean 'toy'?"),
        (lambda: check("scale", abs), "LAB.EXERCISE"),
        (lambda: check("toy.scale", torch.ones(2)), "without calling it"),
        (lambda: hint("toy.scale", 9), "hints 1 to 3"),
        (lambda: check("toy.scale"), "It was given nothing"),
        (lambda: check(abs), "in quotes"),
        (lambda: hint(abs), "in quotes"),
    ],
)
def test_a_mistyped_call_is_answered_by_a_sentence(call, words):
    with pytest.raises(UserError) as error:
        call()
    assert words in str(error.value)
    assert error.value._render_traceback_() == [str(error.value)]


def test_a_missing_or_damaged_pack_says_how_to_get_it_back(tmp_path, toy_lab):
    exercise = toy_lab.exercise("scale")
    with pytest.raises(UserError, match="start toy --update"):
        read_pack(tmp_path / "toy.pack", exercise)
    (tmp_path / "toy.pack").write_bytes(pack_path(toy_lab.edition, "toy").read_bytes()[:-20])
    with pytest.raises(UserError, match="damaged"):
        read_pack(tmp_path / "toy.pack", exercise)


def test_a_solution_that_is_not_here_is_not_shown(tmp_path, toy_lab, monkeypatch):
    import shutil

    shutil.copytree(toy_lab.course.root / "course", tmp_path / "course")
    shutil.copytree(toy_lab.course.root / "labs", tmp_path / "labs")
    monkeypatch.setenv("WINNING_TICKET_ROOT", str(tmp_path))
    check("toy.scale", lambda x, k: k * x)
    with pytest.raises(UserError, match="instructor"):
        solution("toy.scale")


def test_the_panel_is_readable_without_colour_and_escapes_what_the_student_wrote(toy_lab):
    exercise = toy_lab.exercise("scale")
    packed = read_pack(pack_path(toy_lab.edition, "toy"), exercise)

    def raises(x, k):
        raise ValueError("<script>alert(1)</script>")

    panel = home_panel(exercise, packed, check_examples(exercise, packed, raises))
    html = panel._repr_html_()
    assert "Not yet" in html
    assert "<script>" not in html
    assert "<script>" in str(panel)


def test_everything_exported_is_there_and_documented():
    for name in autograder.__all__:
        assert getattr(autograder, name).__doc__


def test_the_example_shown_is_one_that_the_named_mistake_explains(toy_lab):
    """With two mistakes in one answer the sentence and the values must not speak of different ones."""
    exercise = toy_lab.exercise("scale")
    packed = read_pack(pack_path(toy_lab.edition, "toy"), exercise)

    def adds_for_negative_factors(x, k):
        return x + k if k < 0 else 2 * k * x

    result = check_examples(exercise, packed, adds_for_negative_factors)
    text = str(home_panel(exercise, packed, result))
    assert result.mistake == "Adds"
    assert result.findings[0]
    assert "example    negative" in text
    assert "got        -1.5" in text
