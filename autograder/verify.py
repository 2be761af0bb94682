"""Prove exercises: what is right passes, what is wrong fails and is recognised by name."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course import Course, Exercise
from autograder.errors import UserError
from autograder.exercise import Case
from autograder.expect import expectations
from autograder.judge import Expectation, Report, report, same_outcome

SEEDS = (11, 12, 13)
MINIMUM_WRONG = 3
MINIMUM_RIGHT = 2


class EqualsEverything:
    """A cheat: an answer that returns itself and equals whatever it is compared with."""

    def __call__(self, *args: Any, **kwargs: Any) -> EqualsEverything:
        return self

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> EqualsEverything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


@dataclass
class Proof:
    """The doubts that were found in one exercise (none: it is proven) and what was counted."""

    exercise_id: str
    doubts: list[str] = field(default_factory=list)
    cases: int = 0
    right: int = 0
    sources: int = 0
    wrong: int = 0
    seconds: float = 0.0


def verify(exercise: Exercise) -> Proof:
    """Prove one exercise on its public examples and on hidden cases of several seeds."""
    proof = Proof(exercise.id)
    started = time.perf_counter()
    try:
        answer = exercise.answer
        proof.right, proof.sources = len(answer.marked("right")), len(answer.marked("source"))
        proof.wrong = len(answer.marked("wrong"))
        proof.doubts += _declarations(exercise)
        batches = [("examples", exercise.contract.examples)]
        batches += [(f"hidden cases of seed {seed}", answer.cases(seed)) for seed in SEEDS]
        proof.cases = len(batches[0][1]) + len(batches[1][1])
        for name, cases in batches:
            proof.doubts += [f"{name}: {doubt}" for doubt in _doubts(exercise, cases, name == "examples")]
        proof.doubts += _seed_is_used(batches[1][1], batches[2][1])
    except UserError as error:
        proof.doubts.append(str(error))
    proof.seconds = time.perf_counter() - started
    return proof


def verify_by_id(root: Path, exercise_id: str) -> Proof:
    """Prove one exercise of the course at `root`; for worker processes, on one thread each."""
    import torch

    torch.set_num_threads(1)
    return verify(Course.at(root).exercise(exercise_id))


def _declarations(exercise: Exercise) -> Iterator[str]:
    contract, answer = exercise.contract, exercise.answer
    wanted, given = inspect.signature(contract.stub), inspect.signature(answer.reference)
    if list(wanted.parameters) != list(given.parameters):
        yield f"the answer takes {list(given.parameters)}, the contract {list(wanted.parameters)}"
    if not contract.stub.__doc__:
        yield "the contract has no docstring"
    if len(answer.marked("wrong")) < MINIMUM_WRONG:
        yield f"there are fewer than {MINIMUM_WRONG} wrong answers"
    if len(answer.marked("right")) < MINIMUM_RIGHT:
        yield f"there are fewer than {MINIMUM_RIGHT} right variants"
    if len(answer.hints) != 3:
        yield "there must be three hints"
    yield from (f"{name} has no sentence" for name in answer.marked("wrong") if not answer.sentence(name))
    if contract.points <= 0 or contract.minutes <= 0 or contract.level not in (1, 2, 3):
        yield "POINTS and MINUTES must be positive and LEVEL 1, 2 or 3"


def _doubts(exercise: Exercise, cases: Sequence[Case], public: bool) -> Iterator[str]:
    known = expectations(exercise, cases)
    answer, contract = exercise.answer, exercise.contract
    rules = exercise.rules(with_facts=not public)

    def judged(candidate: Callable[..., Any]) -> Report:
        return report(rules, known, [exercise.call(candidate, case) for case in cases])

    right = {exercise.name: answer.reference, **answer.marked("right"), **answer.marked("source")}
    for name, candidate in right.items():
        result = judged(candidate)
        if not result.passed:
            expectation, finding = result.first_failure()
            yield f"the right answer {name} fails on '{expectation.case.group}': {finding.sentence}"
    cheats: dict[str, Callable[..., Any]] = {
        "the stub": contract.stub,
        "an object equal to everything": EqualsEverything(),
    }
    for name, candidate in cheats.items():
        if any(finding is None for finding in judged(candidate).findings):
            yield f"{name} passes a case"
    caught: set[int] = set()
    for name in answer.marked("wrong"):
        result = report(rules, known, [expectation.mistakes[name] for expectation in known])
        caught |= {i for i, finding in enumerate(result.findings) if finding}
        if result.passed:
            yield f"the wrong answer {name} passes"
        elif result.mistake != name:
            yield f"the wrong answer {name} is recognised as '{result.mistake or 'nothing'}'"
    yield from (f"no wrong answer fails on case {i} '{cases[i].group}'" for i in range(len(cases)) if i not in caught)
    yield from _twins(exercise, known, public)


def _twins(exercise: Exercise, known: Sequence[Expectation], public: bool) -> Iterator[str]:
    rules = exercise.rules(with_facts=not public)
    names = list(exercise.answer.marked("wrong"))
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if all(same_outcome(rules, e, e.mistakes[one], e.finding(rules, one), other) for e in known):
                yield f"the wrong answers {one} and {other} are the same on all cases"


def _seed_is_used(one: Sequence[Case], other: Sequence[Case]) -> Iterator[str]:
    from autograder.plain import dumps, plain

    def content(cases: Sequence[Case]) -> bytes:
        return dumps(plain([case.inputs for case in cases]))

    if content(one) == content(other):
        yield "the hidden cases do not depend on the seed: a student who saw them once could hard-code them"
