"""What did the class misunderstand? Counts over one lab's graded submissions, in no student's name."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autograder.course import Exercise, Lab
from autograder.errors import UserError

RIGHT, PARTIAL, WRONG, NOT_STARTED, UNGRADED = "right", "partial", "wrong", "not_started", "ungraded"
JUDGED = (RIGHT, PARTIAL, WRONG, NOT_STARTED)
UNTOUCHED_BEGINNING = "Not started"
UNGRADED_ENDINGS = ("Nothing could be graded; hand in the file again.", "This check was not reached.")
RAISED = "It raised "
LONGEST_SENTENCE = 240
BINS = 10


class Submission(Protocol):
    """What the report reads of a graded submission; `verdicts` is as `bridge.verdicts.summary` writes it."""

    @property
    def score(self) -> float: ...

    @property
    def max_score(self) -> float: ...

    @property
    def verdicts(self) -> Mapping[str, Mapping[str, Any]]: ...


@dataclass(frozen=True)
class Reason:
    """Why points were lost; `mistake` is "" where it has no name, `share` is in per cent of the judged."""

    exercise: str
    mistake: str
    students: int
    share: float
    sentence: str


@dataclass(frozen=True)
class ExerciseReport:
    """How a class did on one exercise.

    Parameters
    ----------
    id, title : str
    points : float
        What the contract gives for it.
    counts : dict of str to int
        Students by state: the four of JUDGED, and UNGRADED for those of whom nothing could be judged.
    mean_points : float or None
        Over the students who were judged; None if there is none.
    reasons : tuple of Reason
        The most frequent first, named or not.
    """

    id: str
    title: str
    points: float
    counts: dict[str, int]
    mean_points: float | None
    reasons: tuple[Reason, ...]

    @property
    def judged(self) -> int:
        return sum(self.counts[state] for state in JUDGED)

    @property
    def mistakes(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.mistake]

    @property
    def unnamed(self) -> list[Reason]:
        return [reason for reason in self.reasons if not reason.mistake]

    @property
    def foremost(self) -> Reason | None:
        """The most frequent named mistake, or else the most frequent reason."""
        return next(iter(self.mistakes + self.unnamed), None)

    def share(self, state: str) -> float:
        """Students in a state, in per cent of those who were judged."""
        return 100 * self.counts[state] / self.judged if self.judged else 0.0


class ClassReport:
    """What a class's graded submissions of one lab say together.

    Parameters
    ----------
    lab : Lab
    graded : sequence of Submission
        One for each student.

    Attributes
    ----------
    students : int
    exercises : list of ExerciseReport
        In the lab's order.
    scores : list of float
        In per cent of the maximum, ascending, of the students with at least one judged exercise.

    Raises
    ------
    UserError
        If there is no submission.
    """

    def __init__(self, lab: Lab, graded: Sequence[Submission]) -> None:
        if not graded:
            raise UserError(f"No submission of {lab.name} has been graded. Run `autograder grade {lab.name}` first.")
        self.lab = lab
        self.students = len(graded)
        self.exercises = [_exercise_report(e, [s.verdicts.get(e.id) for s in graded]) for e in lab.exercises]
        ids = [exercise.id for exercise in self.exercises]
        judged = [s for s in graded if s.max_score and any(_state(s.verdicts.get(id)) != UNGRADED for id in ids)]
        self.scores = sorted(round(100 * s.score / s.max_score, 6) for s in judged)

    @property
    def ungraded(self) -> int:
        """Students of whose notebook nothing could be graded."""
        return self.students - len(self.scores)

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """The lower quartile, the median and the upper quartile of the scores, if there are scores."""
        if len(self.scores) < 2:
            return (self.scores[0],) * 3 if self.scores else None
        lower, median, upper = statistics.quantiles(self.scores, n=4, method="inclusive")
        return lower, median, upper

    @property
    def histogram(self) -> list[int]:
        """Students by score in BINS equal steps; a full score falls into the last."""
        counts = Counter(min(max(int(score * BINS // 100), 0), BINS - 1) for score in self.scores)
        return [counts[step] for step in range(BINS)]

    def go_over_again(self, most: int = 5) -> list[ExerciseReport]:
        """The hardest exercises, lowest share right first; none that all have right or nobody tried."""
        tried = [e for e in self.exercises if e.counts[PARTIAL] + e.counts[WRONG]]
        return sorted(tried, key=lambda e: (e.share(RIGHT), e.counts[NOT_STARTED] / e.judged))[:most]


def _exercise_report(exercise: Exercise, verdicts: Sequence[Mapping[str, Any] | None]) -> ExerciseReport:
    states = [_state(verdict) for verdict in verdicts]
    counts = Counter(states)
    pairs = [(state, v) for state, v in zip(states, verdicts, strict=True) if v is not None and state != UNGRADED]
    points = [float(verdict["points"]) for _, verdict in pairs]
    return ExerciseReport(
        exercise.id,
        exercise.contract.title,
        exercise.contract.points,
        {state: counts[state] for state in (*JUDGED, UNGRADED)},
        statistics.fmean(points) if points else None,
        _reasons(exercise.id, [v for state, v in pairs if state in (PARTIAL, WRONG)], len(pairs)),
    )


def _state(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None or verdict["reason"].endswith(UNGRADED_ENDINGS):
        return UNGRADED
    if verdict["points"] >= verdict["max_points"]:
        return RIGHT
    if verdict["points"] > 0:
        return PARTIAL
    return NOT_STARTED if verdict["reason"].startswith(UNTOUCHED_BEGINNING) else WRONG


def _reasons(exercise: str, lost: Sequence[Mapping[str, Any]], judged: int) -> tuple[Reason, ...]:
    told: dict[str, Counter[str]] = {}
    for verdict in lost:
        if verdict["mistake"]:
            told.setdefault(verdict["mistake"], Counter())[_plain(verdict["reason"])] += 1
    found = [(name, told[name].total(), told[name].most_common(1)[0][0]) for name in told]
    unnamed = _unnamed([verdict["reason"] for verdict in lost if not verdict["mistake"]])
    found += [("", students, sentence) for sentence, students in unnamed.items()]
    found.sort(key=lambda item: (-item[1], not item[0], item[0], item[2]))
    return tuple(Reason(exercise, name, count, 100 * count / judged, text) for name, count, text in found)


def _unnamed(reasons: Sequence[str]) -> Counter[str]:
    """Count reasons; a message that only one student's code raised is theirs and stays out."""
    told = [re.sub(r" \(line \d+: .*\)$", "", _plain(reason)) for reason in reasons]
    alike = Counter(told)
    kept = [t if alike[t] > 1 or not t.startswith(RAISED) else t.partition(":")[0] for t in told]
    return Counter(t if len(t) <= LONGEST_SENTENCE else f"{t[:LONGEST_SENTENCE].rstrip()} …" for t in kept)


def _plain(text: str) -> str:
    """One line of printable text: a student's message may hold control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
