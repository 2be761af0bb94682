"""Grade one submission: drive the student's process, gather outcomes, and judge them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.call import Outcome
from autograder.course import Exercise, Lab
from autograder.exercise import Case
from autograder.expect import hidden_expectations
from autograder.judge import Expectation, Report, report
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
        finding = self.hidden.first_failure()[1]
        if finding.kind == "value":
            return "Some values differ from the expected ones."
        return finding.sentence


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
        outcomes = run.outcomes({e.id: self._cases(e) for e in self.exercises})
        verdicts = {e.id: self._verdict(e, outcomes[e.id]) for e in self.exercises}
        return Graded(verdicts, run.outputs, run.notes, run.seconds)

    def grade_nothing(self, reason: str) -> Graded:
        """Give every exercise zero for one reason: there is nothing that could be run."""
        lost = {e.id: [Outcome(lost=reason)] * len(self._cases(e)) for e in self.exercises}
        return Graded({e.id: self._verdict(e, lost[e.id]) for e in self.exercises})

    def _cases(self, exercise: Exercise) -> list[Case]:
        return [e.case for e in (*self._packed[exercise.id].examples, *self._hidden(exercise))]

    def _hidden(self, exercise: Exercise) -> Sequence[Expectation]:
        return hidden_expectations(exercise, self._secret)

    def _verdict(self, exercise: Exercise, outcomes: list[Outcome]) -> Verdict:
        packed, hidden = self._packed[exercise.id], self._hidden(exercise)
        count = len(packed.examples)
        return Verdict(
            exercise,
            report(exercise.rules(with_facts=False), packed.examples, outcomes[:count]),
            report(exercise.rules(with_facts=True), hidden, outcomes[count:]),
            packed,
        )
