"""What a notebook imports: `check`, `hint`, `solution`. Needs no wall, no Linux and no network."""

from __future__ import annotations

import hashlib
import inspect
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course import Exercise
    from autograder.exercise import Tolerance
    from autograder.judge import Report
    from autograder.pack import PackedExercise
    from autograder.panel import Panel
    from autograder.record import Record


class CheckFailed(AssertionError):
    """The answer is not right yet. Its text is the reason; no traceback is shown."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(exercise_id: str, answer: Callable[..., Any] | None = None) -> None:
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
            f"It was given {'nothing' if answer is None else f'a value of type {type(answer).__name__}'}."
        )
    packed = _packed(exercise)
    result = check_examples(exercise, packed, answer)
    warning = _record_attempt(exercise, answer, result, time.perf_counter() - started)
    panel = home_panel(exercise, packed, result, warning)
    show(panel)
    if not result.passed:
        reason = packed.sentences.get(result.mistake) or result.first_failure()[1].sentence
        raise CheckFailed(f"{exercise_id}: {reason}")


def check_examples(exercise: Exercise, packed: PackedExercise, answer: Callable[..., Any]) -> Report:
    """Run an answer on a pack's public examples and judge it."""
    from autograder.judge import report

    outcomes = [exercise.call(answer, expectation.case) for expectation in packed.examples]
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
    if not (result.mistake and finding.kind in ("missing", "edited")):
        sentences.append(finding.sentence)
    if finding.difference and finding.kind == "value":
        rows += [("where", finding.difference.where or "the result")]
        rows += [("expected", finding.difference.expected), ("got", finding.difference.got)]
        tolerance = exercise.contract.tolerance
        if finding.difference.inexact:
            rows += [("tolerance", _in_words(tolerance))]
    help_line = f'Stuck? hint("{exercise.id}")'
    return Panel(title, "failed", f"{right} of {total} examples pass", (*sentences, *notes, help_line), tuple(rows))


def _in_words(tolerance: Tolerance) -> str:
    absolute = f"{tolerance.atol:g}" if tolerance.atol else ""
    relative = f"{tolerance.rtol:g} × |expected|" if tolerance.rtol else ""
    return " + ".join(filter(None, (absolute, relative))) or "none"


def hint(exercise_id: str, level: int | None = None) -> None:
    """Show a hint: the next one not yet seen, or the one of `level` 1 to 3."""
    text, level, count, warning = next_hint(exercise_id, level)
    print(f"Hint {level} of {count}: {text}" + (f"\n({warning})" if warning else ""))
    if level < count:
        print(f'Still stuck? hint("{exercise_id}", {level + 1})')
    elif _find(exercise_id).has_answer:
        print(f'The solution: solution("{exercise_id}")')


def next_hint(exercise_id: str, level: int | None) -> tuple[str, int, int, str]:
    """Look a hint up and record it: its text, its level, how many there are, and a warning or ''."""
    exercise = _find(exercise_id)
    hints = _packed(exercise).hints
    level = level or min(_hints_seen(exercise_id) + 1, len(hints))
    if level not in range(1, len(hints) + 1):
        raise UserError(f"{exercise_id} has hints 1 to {len(hints)}; there is no hint {level}.")
    warning = _recorded(lambda record: record.hint(exercise_id, level))
    return hints[level - 1], level, len(hints), warning


def solution(exercise_id: str) -> None:
    """Show the reference solution, where there is one, and record that it was revealed."""
    exercise = _find(exercise_id)
    if not exercise.has_answer:
        raise UserError(
            f"The solution of {exercise_id} is not on this machine: your instructor keeps solutions/. "
            f"Try hint({exercise_id!r})."
        )
    warning = _recorded(lambda record: record.reveal(exercise_id))
    print(exercise.answer.closure_of(exercise.name) + (f"\n({warning})" if warning else ""))


def _find(exercise_id: str) -> Exercise:
    from autograder.course import Course

    if not isinstance(exercise_id, str):
        raise UserError("Name the exercise first, in quotes, as the notebook's check cells do.")
    return Course.find().exercise(exercise_id)


def _packed(exercise: Exercise) -> PackedExercise:
    from autograder.pack import find_pack, read_pack

    return read_pack(find_pack(exercise), exercise)


def _recorded(write: Callable[[Record], object]) -> str:
    """Write into the learner's record, unless this is a grading; returns a warning when it failed."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return ""
    from autograder.record import record_safely

    return record_safely(write)


def _hints_seen(exercise_id: str) -> int:
    seen: list[int] = []

    def look(record: Record) -> None:
        standing = record.summary().get(exercise_id)
        seen.append(standing.hints if standing else 0)

    _recorded(look)
    return seen[0] if seen else 0


def _source_hash(answer: Callable[..., Any]) -> str:
    try:
        return hashlib.sha256(inspect.getsource(answer).encode()).hexdigest()[:16]
    except (OSError, TypeError):
        return ""


def _record_attempt(exercise: Exercise, answer: Callable[..., Any], result: Report, seconds: float) -> str:
    kind = "" if result.passed else result.first_failure()[1].kind
    return _recorded(
        lambda record: record.attempt(
            exercise.id, result.passed, result.mistake, kind, seconds, source_hash=_source_hash(answer)
        )
    )
