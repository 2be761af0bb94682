"""Grade one submission: drive the student's process, gather outcomes, and judge them here."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.call import Outcome
from autograder.course import Exercise, Lab
from autograder.errors import UserError
from autograder.exercise import Case
from autograder.expect import hidden_expectations
from autograder.judge import Expectation, Report, report
from autograder.memory import OUT_OF_MEMORY
from autograder.pack import PackedExercise, pack_path, read_pack
from autograder.peer import Peer, Start, start_subprocess
from autograder.wire import Gone, Silent, WireError

START_SECONDS = 120.0


@dataclass(frozen=True)
class Limits:
    """Seconds that a submission may take; a lab's front matter sets them."""

    notebook_seconds: float = 300.0
    cell_seconds: float = 60.0
    case_seconds: float = 20.0

    @classmethod
    def of(cls, lab: Lab) -> Limits:
        try:
            return cls(**{name: float(value) for name, value in lab.front_matter.get("limits", {}).items()})
        except (TypeError, ValueError, AttributeError):
            known = ", ".join(cls.__dataclass_fields__)
            raise UserError(f"The limits in {lab.master} must be numbers of seconds under the names {known}.") from None


@dataclass(frozen=True)
class Step:
    """One thing the student's process is told: run a cell's source, or bind an exercise's name."""

    cell_id: str
    source: str = ""
    exercise: Exercise | None = None


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
    """All verdicts of a submission, and what its cells printed."""

    verdicts: dict[str, Verdict]
    outputs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Grader:
    """Grades submissions of one lab (or of some of its exercises) under one secret seed."""

    def __init__(
        self,
        lab: Lab,
        secret: str,
        start: Start = start_subprocess,
        limits: Limits | None = None,
        exercises: Sequence[Exercise] | None = None,
    ) -> None:
        self.lab = lab
        self.exercises = list(lab.exercises if exercises is None else exercises)
        self._secret = secret
        self._start = start
        self._limits = limits or Limits.of(lab)
        self._packed = {e.id: read_pack(pack_path(lab.edition, lab.name), e) for e in self.exercises}

    def grade(self, steps: Sequence[Step], files: dict[str, bytes] | None = None) -> Graded:
        """Run a submission's steps and judge every exercise of the lab."""
        run = _Run(self.lab, self._start, self._limits, steps, files or {})
        wanted = {e.id: [*self._packed[e.id].examples, *self._hidden(e)] for e in self.exercises}
        outcomes = run.outcomes({key: [e.case for e in value] for key, value in wanted.items()})
        verdicts = {e.id: self._verdict(e, outcomes[e.id]) for e in self.exercises}
        return Graded(verdicts, run.outputs, run.notes)

    def grade_nothing(self, reason: str) -> Graded:
        """Give every exercise zero for one reason: there is nothing that could be run."""
        verdicts = {}
        for exercise in self.exercises:
            count = len(self._packed[exercise.id].examples) + len(self._hidden(exercise))
            verdicts[exercise.id] = self._verdict(exercise, [Outcome(lost=reason)] * count)
        return Graded(verdicts)

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


class _Run:
    """One submission's way through its process, started again after every death."""

    def __init__(self, lab: Lab, start: Start, limits: Limits, steps: Sequence[Step], files: dict[str, bytes]) -> None:
        self._lab, self._start, self._limits = lab, start, limits
        self._steps, self._files = list(steps), files
        self.outputs: dict[str, list[dict[str, Any]]] = {}
        self.notes: list[str] = []
        self._unbound: dict[str, str] = {}

    def outcomes(self, cases: dict[str, list[Case]]) -> dict[str, list[Outcome]]:
        done: dict[str, list[Outcome]] = {}
        while len(done) < len(cases):
            with self._process() as peer:
                if not self._play(peer):
                    continue
                for exercise in [key for key in cases if key not in done]:
                    done[exercise], alive = self._call_all(peer, exercise, cases[exercise])
                    if not alive:
                        break
        return done

    @contextmanager
    def _process(self) -> Iterator[Peer]:
        with tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True) as folder:
            for name, content in self._files.items():
                (Path(folder) / name).write_bytes(content)
            peer = self._start(self._lab.course.root, Path(folder))
            try:
                yield peer
            finally:
                peer.end()

    def _play(self, peer: Peer) -> bool:
        """Run the cells; a cell that kills or hangs the process is cut off, with all that follow."""
        try:
            _ask(peer, START_SECONDS, "cell", source="")
        except WireError as error:
            raise UserError(
                f"The grader could not start a process for student code: {error.reason}. Run `autograder doctor`."
            ) from None
        started = time.monotonic()
        for index, step in enumerate(self._steps):
            left = self._limits.notebook_seconds - (time.monotonic() - started)
            try:
                self._take(peer, step, min(self._limits.cell_seconds, left))
            except WireError as error:
                self._cut(index, self._why(peer, error, _place(step)))
                return False
        return True

    def _take(self, peer: Peer, step: Step, seconds: float) -> None:
        if step.exercise is None:
            self.outputs[step.cell_id] = _checked_outputs(_ask(peer, seconds, "cell", source=step.source))
            return
        what = _ask(peer, seconds, "bind", exercise=step.exercise.id, name=step.exercise.name)
        if not isinstance(what, str):
            raise WireError("it sent an answer of the wrong form")
        if what:
            state = "not defined" if what == "missing" else f"of type {what[:60]}, which cannot be called"
            self._unbound[step.exercise.id] = f"When its check cell ran, {step.exercise.name} was {state}."

    def _cut(self, index: int, why: str) -> None:
        self.notes.append(why)
        for step in self._steps[index:]:
            if step.exercise is not None:
                self._unbound[step.exercise.id] = f"{why} This check was not reached."
        self.outputs[self._steps[index].cell_id] = [{"output_type": "stream", "name": "stdout", "text": why + "\n"}]
        del self._steps[index:]

    def _call_all(self, peer: Peer, exercise: str, cases: list[Case]) -> tuple[list[Outcome], bool]:
        """Call one exercise on its cases; returns its outcomes and whether the process lives."""
        if exercise in self._unbound or not self._is_bound(exercise):
            lost = self._unbound.get(exercise, "Its check cell is not in the notebook.")
            return [Outcome(lost=lost)] * len(cases), True
        found: list[Outcome] = []
        for case in cases:
            try:
                found.append(self._call(peer, self._lab.course.exercise(exercise), case))
            except (WireError, ValueError, TypeError) as error:
                why = self._why(peer, error, f"a case of {exercise}")
                self.notes.append(why)
                return found + [Outcome(lost=why)] * (len(cases) - len(found)), False
        return found, True

    def _call(self, peer: Peer, exercise: Exercise, case: Case) -> Outcome:
        memory, seconds = exercise.contract.memory, self._limits.case_seconds
        watch = peer.watch()
        with peer.bounded(memory):
            answer = _ask(peer, seconds, "call", exercise=exercise.id, group=case.group, inputs=case.inputs)
        if memory is not None and watch.growth() > memory:
            return Outcome(error=OUT_OF_MEMORY)
        return Outcome.from_plain(answer)

    def _is_bound(self, exercise: str) -> bool:
        return any(step.exercise is not None and step.exercise.id == exercise for step in self._steps)

    def _why(self, peer: Peer, error: Exception, place: str) -> str:
        if isinstance(error, Silent):
            limits = self._limits
            seconds = f"{limits.cell_seconds:g} s a cell, {limits.case_seconds:g} s a case"
            return f"Time ran out in {place} (limits: {seconds}, {limits.notebook_seconds:g} s in all)."
        if isinstance(error, Gone):
            return f"The notebook's process {peer.ending()} in {place}."
        reason = error.reason if isinstance(error, WireError) else "it sent an answer of the wrong form"
        return f"The notebook's process broke off in {place}: {reason}."


def _place(step: Step) -> str:
    if step.exercise is not None:
        return f"the check cell of {step.exercise.id}"
    first = next((line.strip() for line in step.source.splitlines() if line.strip()), "")
    return f"the cell that begins '{first[:60]}'"


def _ask(peer: Peer, seconds: float, do: str, **arguments: Any) -> Any:
    number = secrets.randbits(62)
    deadline = time.monotonic() + max(seconds, 0.0)
    peer.wire.send({"number": number, "do": do, "with": arguments}, deadline)
    reply = peer.wire.receive(deadline)
    given = reply.get("number") if isinstance(reply, dict) else None
    if type(given) is not int or given != number or "answer" not in reply:
        raise WireError("it answered a question that was not asked")
    return reply["answer"]


def _checked_outputs(value: Any) -> list[dict[str, Any]]:
    import nbformat

    if not isinstance(value, list) or len(value) > 1000:
        raise WireError("it sent outputs of the wrong form")
    try:
        for output in value:
            nbformat.validate(nbformat.from_dict(output), ref="output", version=4)
    except Exception:
        raise WireError("it sent outputs of the wrong form") from None
    return value
