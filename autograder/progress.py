"""Where the learner stands with a lab, from their own record."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.course import Lab
from autograder.record import Record, Standing


@dataclass(frozen=True)
class Row:
    exercise_id: str
    state: str
    attempts: int
    hints: int
    last_mistake: str
    solved: bool


def lab_rows(lab: Lab) -> list[Row]:
    """One row for each exercise of a lab, in the lab's order."""
    standings = Record().summary()
    rows = []
    for exercise in lab.exercises:
        standing = standings.get(exercise.id)
        if standing is None:
            rows.append(Row(exercise.id, "not started", 0, 0, "", False))
            continue
        mistake = "" if standing.passed else standing.last_mistake
        rows.append(Row(exercise.id, _state(standing), standing.attempts, standing.hints, mistake, standing.passed))
    return rows


def _state(standing: Standing) -> str:
    if standing.passed:
        return "solved after the solution was shown" if standing.revealed else "solved"
    return "solution shown" if standing.revealed else "tried" if standing.attempts else "hint read"
