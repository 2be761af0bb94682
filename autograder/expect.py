"""Compute what the reference and the named wrong answers make of cases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from autograder.course import Exercise
from autograder.errors import UserError
from autograder.exercise import Case
from autograder.judge import Expectation


def expectations(exercise: Exercise, cases: Iterable[Case]) -> list[Expectation]:
    """Run the reference and every named wrong answer once on each case.

    Raises
    ------
    UserError
        If the reference itself raises or changes its inputs: the exercise is broken.
    """
    answer = exercise.answer
    found = []
    for case in cases:
        right = exercise.call(answer.reference, case)
        if right.error or right.edited:
            what = f"raises {right.error}: {right.message}" if right.error else f"edits {right.edited} in place"
            raise UserError(f"The reference of {exercise.id} {what} (case '{case.group}').")
        mistakes = {name: exercise.call(wrong, case) for name, wrong in answer.marked("wrong").items()}
        found.append(Expectation(case, right.value, mistakes))
    return found


def exercise_seed(secret: str, exercise_id: str) -> int:
    """Derive an exercise's seed from an assignment's secret."""
    return int.from_bytes(hashlib.sha256(f"{secret}:{exercise_id}".encode()).digest()[:7], "big")


@lru_cache(maxsize=256)
def hidden_expectations(exercise: Exercise, secret: str) -> tuple[Expectation, ...]:
    """The hidden cases of an exercise under a secret seed, computed once for a whole batch."""
    cases = exercise.answer.cases(exercise_seed(secret, exercise.id))
    return tuple(expectations(exercise, cases))
