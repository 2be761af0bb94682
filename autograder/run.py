"""Run a submission in its process, started again after every death, and gather what it answers."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.call import Outcome
from autograder.course import Exercise, Lab
from autograder.errors import UserError
from autograder.exercise import Case
from autograder.limits import MIB, Limits
from autograder.memory import OUT_OF_MEMORY
from autograder.peer import Peer, Start
from autograder.wire import MAX_FRAME, Gone, Silent, TooLarge, WireError

START_SECONDS = 120.0


@dataclass(frozen=True)
class Step:
    """One thing the student's process is told: run a cell's source, or bind an exercise's name."""

    cell_id: str
    source: str = ""
    exercise: Exercise | None = None


class Run:
    """One submission's way through its process.

    After `outcomes`: `outputs` of the cells by id, `notes` on what went wrong outside the student's
    own code, `seconds` that each exercise's cases took, and under "" those of the cells.
    """

    def __init__(self, lab: Lab, start: Start, limits: Limits, steps: Sequence[Step], files: dict[str, bytes]) -> None:
        self._lab, self._start, self._limits = lab, start, limits
        self._steps = list(steps)
        self._files = {name: base64.b64encode(content).decode() for name, content in files.items()}
        self.outputs: dict[str, list[dict[str, Any]]] = {}
        self.notes: list[str] = []
        self.seconds: dict[str, float] = {}
        self._unbound: dict[str, str] = {}

    def outcomes(self, *rounds: dict[str, list[Case]]) -> list[dict[str, list[Outcome]]]:
        """Run the cells, then call every exercise on its cases of the first round, then of the second, and so on."""
        done: list[dict[str, list[Outcome]]] = [{} for _ in rounds]
        left = [(number, exercise) for number, cases in enumerate(rounds) for exercise in cases]
        while left:
            with self._process() as peer:
                alive = self._play(peer)
                while alive and left:
                    number, exercise = left.pop(0)
                    started = time.monotonic()
                    done[number][exercise], alive = self._call_all(peer, exercise, rounds[number][exercise])
                    self.seconds[exercise] = self.seconds.get(exercise, 0.0) + time.monotonic() - started
        return done

    @contextmanager
    def _process(self) -> Iterator[Peer]:
        peer = self._start(self._lab, self._limits)
        try:
            yield peer
        finally:
            peer.end()

    def _play(self, peer: Peer) -> bool:
        """Run the cells; a cell that kills or hangs the process is cut off, with all that follow."""
        try:
            _ask(peer, START_SECONDS, "files", files=self._files)
        except WireError as error:
            raise UserError(
                f"The grader could not start a process for student code: {error.reason}. Run `autograder doctor`."
            ) from None
        started = time.monotonic()
        self._room = int(self._limits.output_mib * MIB)
        for index, step in enumerate(self._steps):
            left = self._limits.notebook_seconds - (time.monotonic() - started)
            try:
                self._take(peer, step, min(self._limits.cell_seconds, left))
            except WireError as error:
                self._cut(index, self._why(peer, error, _place(step)))
                return False
        self.seconds[""] = time.monotonic() - started
        return True

    def _take(self, peer: Peer, step: Step, seconds: float) -> None:
        if step.exercise is None:
            try:
                answer = _ask(peer, seconds, "cell", limit=self._room + MIB, source=step.source)
            except TooLarge:
                raise WireError(self._too_much_output) from None
            self._show(step, answer)
            return
        what = _ask(peer, seconds, "bind", exercise=step.exercise.id, name=step.exercise.name)
        if not isinstance(what, str):
            raise WireError("it sent an answer of the wrong form")
        if what:
            state = "not defined" if what == "missing" else f"of type {what[:60]}, which cannot be called"
            self._unbound[step.exercise.id] = f"When its check cell ran, {step.exercise.name} was {state}."

    def _show(self, step: Step, answer: Any) -> None:
        self.outputs[step.cell_id] = outputs = _checked_outputs(answer)
        self._room -= len(str(outputs))
        if self._room < 0:
            raise WireError(self._too_much_output)
        errors = [f"{output['ename']}: {output['evalue']}" for output in outputs if output["output_type"] == "error"]
        for sentence in filter(None, map(self._limits.met_by, errors)):
            self._note(f"{sentence} This was in {_place(step)}.")

    @property
    def _too_much_output(self) -> str:
        return f"its cells printed and drew more than the limit of {self._limits.output_mib:g} MiB"

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:  # cells run again after a death
            self.notes.append(sentence)

    def _cut(self, index: int, why: str) -> None:
        self._note(why)
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
                self._note(why)
                self._unbound[exercise] = why
                return found + [Outcome(lost=why)] * (len(cases) - len(found)), False
        return found, True

    def _call(self, peer: Peer, exercise: Exercise, case: Case) -> Outcome:
        memory, seconds = exercise.contract.memory, self._limits.case_seconds
        watch = peer.watch()
        with peer.bounded(memory):
            answer = _ask(peer, seconds, "call", exercise=exercise.id, group=case.group, inputs=case.inputs)
        if memory is not None and watch.growth() > memory:
            return Outcome(error=OUT_OF_MEMORY)
        outcome = Outcome.from_plain(answer)
        text = f"{outcome.error}: {outcome.message}" if outcome.error else ""
        if outcome.error == OUT_OF_MEMORY and memory is None and not outcome.message:
            text = MemoryError.__name__  # no limit of the exercise's own, so the submission's
        met = self._limits.met_by(text)
        return Outcome(lost=f"{met} This was in a case of {exercise.id}.") if met else outcome

    def _is_bound(self, exercise: str) -> bool:
        return any(step.exercise is not None and step.exercise.id == exercise for step in self._steps)

    def _why(self, peer: Peer, error: Exception, place: str) -> str:
        if isinstance(error, Silent):
            return f"Time ran out in {place} ({self._limits.time_sentence})."
        if isinstance(error, Gone):
            return f"The notebook's process {peer.ending()} in {place}."
        reason = error.reason if isinstance(error, WireError) else "it sent an answer of the wrong form"
        return f"The notebook's process broke off in {place}: {reason}."


def _place(step: Step) -> str:
    if step.exercise is not None:
        return f"the check cell of {step.exercise.id}"
    first = next((line.strip() for line in step.source.splitlines() if line.strip()), "")
    return f"the cell that begins '{first[:60]}'"


def _ask(peer: Peer, seconds: float, do: str, limit: int = MAX_FRAME, **arguments: Any) -> Any:
    number = secrets.randbits(62)
    deadline = time.monotonic() + max(seconds, 0.0)
    peer.wire.send({"number": number, "do": do, "with": arguments}, deadline)
    reply = peer.wire.receive(deadline, limit)
    given = reply.get("number") if isinstance(reply, dict) else None
    if type(given) is not int or given != number or "answer" not in reply:
        raise WireError("it answered a question that was not asked")
    return reply["answer"]


def _checked_outputs(value: Any) -> list[dict[str, Any]]:
    import nbformat

    if not isinstance(value, list) or len(value) > 1000:
        raise WireError("it sent outputs of the wrong form")
    try:
        outputs: list[dict[str, Any]] = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        # A single output can only be validated by jsonschema, ten times as slowly as a whole notebook.
        cell: Any = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": outputs, "source": ""}
        nbformat.validate({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    except Exception:
        raise WireError("it sent outputs of the wrong form") from None
    return outputs
