"""What a notebook imports: `check`, `hint`, `solution`. Needs no wall, no Linux and no network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course import Exercise
    from autograder.judge import Report
    from autograder.pack import PackedExercise
    from autograder.panel import Panel
    from autograder.record import Record


class CheckFailed(AssertionError):
    """The answer is not right yet. Its text is the reason; no traceback is shown."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(exercise_id: str, answer: Callable[..., Any]) -> None:
    """Check an answer on the public examples, show a panel, and record the attempt.

    Parameters
    ----------
    exercise_id : str
        `LAB.EXERCISE`, as the notebook writes it.
    answer : callable
        The function (or class) that the exercise asks for.

    Raises
    ------
    CheckFailed
        If the answer is not right yet; the text says what is wrong.
    UserError
        If there is no such exercise, `answer` is not callable, or the pack is missing or damaged.
    """
    from autograder.panel import show

    started = time.perf_counter()
    exercise = _find(exercise_id)
    if not callable(answer):
        raise UserError(
            f"check needs the function itself: write check({exercise_id!r}, {exercise.name}), without calling it. "
            f"It was given a value of type {type(answer).__name__}."
        )
    packed = _packed(exercise)
    result = check_examples(exercise, packed, answer)
    warning = _record_attempt(exercise, result, time.perf_counter() - started)
    panel = home_panel(exercise, packed, result, warning)
    show(panel)
    if not result.passed:
        reason = packed.sentences.get(result.mistake) or result.first_failure()[1].sentence
        raise CheckFailed(f"{exercise_id}: {reason}")


def check_examples(exercise: Exercise, packed: PackedExercise, answer: Callable[..., Any]) -> Report:
    """Run an answer on a pack's public examples and judge it."""
    from autograder.call import call
    from autograder.judge import report

    observe = exercise.contract.observe
    outcomes = [call(observe, answer, expectation.case) for expectation in packed.examples]
    return report(exercise.rules(with_facts=False), packed.examples, outcomes)


def home_panel(exercise: Exercise, packed: PackedExercise, result: Report, warning: str = "") -> Panel:
    """Say in a panel what the public examples showed."""
    from autograder.panel import Panel

    total = len(packed.examples)
    right = sum(finding is None for finding in result.findings)
    title = f"{exercise.id} · {exercise.contract.title}"
    notes = (warning,) if warning else ()
    if result.passed:
        return Panel(title, "passed", f"all {total} examples", notes)
    expectation, finding = result.first_failure()
    sentences, rows = [], [("example", expectation.case.group)]
    if result.mistake:
        sentences.append(packed.sentences[result.mistake])
    sentences.append(finding.sentence)
    if finding.difference and finding.kind == "value":
        rows += [("where", finding.difference.where or "the result")]
        rows += [("expected", finding.difference.expected), ("got", finding.difference.got)]
        tolerance = exercise.contract.tolerance
        if finding.difference.inexact:
            rows += [("tolerance", f"{tolerance.atol:g} + {tolerance.rtol:g} × |expected|")]
    help_line = f'Stuck? hint("{exercise.id}")'
    return Panel(title, "failed", f"{right} of {total} examples pass", (*sentences, *notes, help_line), tuple(rows))


def hint(exercise_id: str, level: int | None = None) -> None:
    """Show a hint: the next one not yet seen, or the one of `level` 1 to 3."""
    exercise = _find(exercise_id)
    hints = _packed(exercise).hints
    record = _record()
    if level is None:
        seen = record.summary().get(exercise_id) if record else None
        level = min((seen.hints if seen else 0) + 1, len(hints))
    if level not in range(1, len(hints) + 1):
        raise UserError(f"{exercise_id} has hints 1 to {len(hints)}; there is no hint {level}.")
    if record:
        record.hint(exercise_id, level)
    more = (
        f'\nStill stuck? hint("{exercise_id}", {level + 1})'
        if level < len(hints)
        else f'\nThe solution: solution("{exercise_id}")'
    )
    print(f"Hint {level} of {len(hints)}: {hints[level - 1]}{more}")


def solution(exercise_id: str) -> None:
    """Show the reference solution, where there is one, and record that it was revealed."""
    exercise = _find(exercise_id)
    if not exercise.has_answer:
        raise UserError(
            f"The solution of {exercise_id} is not on this machine: your instructor keeps solutions/. "
            f"Try hint({exercise_id!r})."
        )
    record = _record()
    if record:
        record.reveal(exercise_id)
    print(exercise.answer.source_of(exercise.name))


def _find(exercise_id: str) -> Exercise:
    from autograder.course import Course

    return Course.find().exercise(exercise_id)


def _packed(exercise: Exercise) -> PackedExercise:
    from autograder.pack import find_pack, read_pack

    return read_pack(find_pack(exercise), exercise)


def _record() -> Record | None:
    if os.environ.get("NBGRADER_EXECUTION"):
        return None
    from autograder.record import Record

    try:
        return Record()
    except UserError as error:
        print(f"(Not recorded: {error})")
        return None


def _record_attempt(exercise: Exercise, result: Report, seconds: float) -> str:
    """Record an attempt of the learner's own; returns a warning when that was not possible."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return ""
    from autograder.record import record_safely

    kind = "" if result.passed else result.first_failure()[1].kind
    return record_safely(lambda record: record.attempt(exercise.id, result.passed, result.mistake, kind, seconds))
