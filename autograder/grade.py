"""Grade one submission: drive the student's process, gather outcomes, and judge them here."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.call import Outcome
from autograder.course import Exercise, Lab
from autograder.expect import hidden_expectations
from autograder.judge import Expectation, Finding, Report, report
from autograder.limits import Limits
from autograder.pack import PackedExercise, pack_path, read_pack
from autograder.peer import Start
from autograder.run import Run, Step


@dataclass(frozen=True)
class Verdict:
    """The judgement of one exercise of a submission."""

    exercise: Exercise
    examples: Report
    hidden: Report
    packed: PackedExercise

    @property
    def groups(self) -> dict[str, bool]:
        """Whether each group of hidden cases passed; they share the points equally."""
        passed: dict[str, bool] = {}
        for expectation, finding in zip(self.hidden.expectations, self.hidden.findings, strict=True):
            passed[expectation.case.group] = passed.get(expectation.case.group, True) and finding is None
        return passed

    @property
    def points(self) -> float:
        groups = self.groups
        return self.exercise.contract.points * sum(groups.values()) / len(groups)

    @property
    def mistake(self) -> str:
        return self.hidden.mistake or self.examples.mistake

    @property
    def reason(self) -> str:
        """Why points were lost, in a sentence that shows no hidden input."""
        if self.hidden.passed:
            return ""
        if self.mistake:
            return self.packed.sentences[self.mistake]
        return _without_inputs(self.hidden.first_failure()[1])


_OURS = {"lost", "todo", "memory", "property"}  # kinds of findings whose sentences are the grader's own
# Whatever a student's process says of a hidden case may hold the case: texts, names of types and keys, shapes, places.
_OF_HIDDEN = {
    "value": "Some values differ from the expected ones.",
    "missing": "Where a value was expected there was None.",
    "type": "A type differs from the expected one.",
    "shape": "A shape differs from the expected one.",
    "dtype": "A dtype differs from the expected one.",
    "length": "A length differs from the expected one.",
    "keys": "The entries of a dict differ from the expected ones.",
    "edited": "An input was changed in place. Work on a copy: the caller still needs it.",
    "device": "The result is not on the device of the inputs.",
    "nan": "There is a nan. Look for 0/0, a log of 0 or an overflow on the way.",
    "unjudgeable": "The result could not be compared with the expected one.",
}


def _without_inputs(finding: Finding) -> str:
    """What may be said of a hidden case that failed: nothing that the student's process worded."""
    if finding.kind == "error":
        known = isinstance(getattr(builtins, finding.error, None), type)
        return f"It raised {finding.error if known else 'an exception'} in a hidden case."
    return finding.sentence if finding.kind in _OURS else _OF_HIDDEN[finding.kind]


@dataclass
class Graded:
    """All verdicts of a submission, what its cells printed, and seconds by exercise (its cells under "")."""

    verdicts: dict[str, Verdict]
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether a cell or a case did."""
        findings = [finding for v in self.verdicts.values() for finding in (*v.examples.findings, *v.hidden.findings)]
        kinds = {finding.kind for finding in findings if finding}
        errors = [o["evalue"] for cell in self.outputs.values() for o in cell if o["output_type"] == "error"]
        return "memory" in kinds or any("out of memory" in text for text in errors)


class Grader:
    """Grades submissions of one lab (or of some of its exercises) under one secret seed."""

    def __init__(
        self,
        lab: Lab,
        secret: str,
        limits: Limits | None = None,
        exercises: Sequence[Exercise] | None = None,
    ) -> None:
        self.lab = lab
        self.exercises = list(lab.exercises if exercises is None else exercises)
        self._secret = secret
        self._limits = limits or Limits.of(lab)
        self._packed = {e.id: read_pack(pack_path(lab.edition, lab.name), e) for e in self.exercises}

    def prepare(self) -> None:
        """Compute what the references and wrong answers make of the hidden cases, once for all submissions."""
        for exercise in self.exercises:
            self._hidden(exercise)

    def grade(self, steps: Sequence[Step], files: dict[str, bytes] | None, start: Start) -> Graded:
        """Run a submission's steps in processes that `start` makes, and judge every exercise of the lab."""
        run = Run(self.lab, start, self._limits, steps, files or {})
        # What is said of examples is said in full: no answer may have seen a hidden input before.
        examples, hidden = run.outcomes(
            {e.id: [expectation.case for expectation in self._packed[e.id].examples] for e in self.exercises},
            {e.id: [expectation.case for expectation in self._hidden(e)] for e in self.exercises},
        )
        verdicts = {e.id: self._verdict(e, examples[e.id], hidden[e.id]) for e in self.exercises}
        return Graded(verdicts, run.outputs, run.notes, run.seconds)

    def grade_nothing(self, reason: str) -> Graded:
        """Give every exercise zero for one reason: there is nothing that could be run."""
        lost = Outcome(lost=reason)
        return Graded(
            {
                e.id: self._verdict(e, [lost] * len(self._packed[e.id].examples), [lost] * len(self._hidden(e)))
                for e in self.exercises
            }
        )

    def _hidden(self, exercise: Exercise) -> Sequence[Expectation]:
        return hidden_expectations(exercise, self._secret)

    def _verdict(self, exercise: Exercise, examples: list[Outcome], hidden: list[Outcome]) -> Verdict:
        packed = self._packed[exercise.id]
        return Verdict(
            exercise,
            report(exercise.rules(with_facts=False), packed.examples, examples),
            report(exercise.rules(with_facts=True), self._hidden(exercise), hidden),
            packed,
        )
