"""Judge what an answer did with a case. The same rules serve at home and in grading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.call import Outcome
from autograder.compare import Difference, difference, form_difference
from autograder.exercise import Case, Tolerance
from autograder.memory import OUT_OF_MEMORY

Properties = Callable[[Case, Any], dict[str, bool]]


@dataclass(frozen=True)
class Rules:
    """How outcomes of one exercise are judged.

    With `holds` (no unique answer) the expected value gives only the form: types, shapes and
    dtypes; the named properties decide. `facts` are further properties, known to graders only.
    """

    tolerance: Tolerance
    holds: Properties | None = None
    facts: Properties | None = None


@dataclass(frozen=True)
class Expectation:
    """A case, what the reference made of it, and what each named wrong answer made of it."""

    case: Case
    value: Any
    mistakes: dict[str, Outcome] = field(default_factory=dict)
    _properties: dict[tuple[str, bool], Finding | None] = field(default_factory=dict, repr=False, compare=False)

    def finding(self, rules: Rules, mistake: str) -> Finding | None:
        """How a named wrong answer is judged here; worked out once, for properties may take a model to tell."""
        key = mistake, rules.facts is not None
        if key not in self._properties:
            self._properties[key] = examine(rules, self, self.mistakes[mistake])
        return self._properties[key]


@dataclass(frozen=True)
class Finding:
    """Why one case failed.

    `properties` names the broken ones where there is no unique answer, `error` the exception's type.
    """

    kind: str
    sentence: str
    difference: Difference | None = None
    properties: tuple[str, ...] = ()
    error: str = ""


def examine(rules: Rules, expectation: Expectation, outcome: Outcome) -> Finding | None:
    """Judge one outcome; None means that it passes."""
    if outcome.lost:
        return Finding("lost", outcome.lost)
    if outcome.error == "NotImplementedError":
        return Finding("todo", "Not started: the function still raises NotImplementedError.")
    if outcome.error == OUT_OF_MEMORY and outcome.message:
        return Finding("memory", "The GPU's memory ran out. Which tensors need not be there at the same time?")
    if outcome.error == OUT_OF_MEMORY:
        return Finding("memory", "It ran out of the memory that this exercise allows. Which array need not be formed?")
    if outcome.error:
        raised = "It does not fit" if outcome.error == "WrongSignature" else f"It raised {outcome.error}"
        why = f"{raised}: {outcome.message}".removesuffix(": ")
        return Finding("error", f"{why} ({outcome.place})" if outcome.place else why, error=outcome.error)
    if outcome.edited:
        names = ", ".join(outcome.edited)
        return Finding("edited", f"Changed in place: {names}. Work on a copy, for the caller still needs its inputs.")
    if outcome.device:
        return Finding("device", f"The result is on {outcome.device}; it must stay on the device of the inputs.")
    if rules.holds is None:
        found = difference(expectation.value, outcome.value, rules.tolerance)
    else:
        found = form_difference(expectation.value, outcome.value)
    if found:
        return Finding(found.kind, found.sentence, found)
    broken = _broken(rules, expectation.case, outcome.value)
    if broken:
        return Finding("property", "This should hold, but does not: " + "; ".join(broken) + ".", properties=broken)
    return None


def _broken(rules: Rules, case: Case, value: Any) -> tuple[str, ...]:
    checks: dict[str, bool] = {}
    for properties in (rules.holds, rules.facts):
        if properties is not None:
            checks |= properties(case, value)
    return tuple(name for name, true in checks.items() if not bool(true))


@dataclass(frozen=True)
class Report:
    """All findings of one exercise, in the order of its cases (None: passed)."""

    expectations: Sequence[Expectation]
    findings: tuple[Finding | None, ...]
    mistake: str = ""
    telling: int | None = None  # the first failed case on which the answer did what the named mistake does

    @property
    def passed(self) -> bool:
        return not any(self.findings)

    def first_failure(self) -> tuple[Expectation, Finding]:
        """The first failed case, of those that the named mistake explains where there is one."""
        failed = zip(self.expectations[self.telling :], self.findings[self.telling :], strict=True)
        return next((expectation, finding) for expectation, finding in failed if finding)


def report(rules: Rules, expectations: Sequence[Expectation], outcomes: Sequence[Outcome]) -> Report:
    """Judge all outcomes and recognise the named mistake that explains most of the failures."""
    findings = tuple(_examine_untrusted(rules, e, o) for e, o in zip(expectations, outcomes, strict=True))
    mistake = recognise(rules, expectations, outcomes, findings)
    judged = enumerate(zip(expectations, outcomes, findings, strict=True)) if mistake else ()
    telling = (i for i, (e, o, f) in judged if f and same_outcome(rules, e, o, f, mistake))
    return Report(expectations, findings, mistake, next(telling, None))


def _examine_untrusted(rules: Rules, expectation: Expectation, outcome: Outcome) -> Finding | None:
    """Judge a value that may have been made to break its judge: what cannot be judged fails."""
    try:
        return examine(rules, expectation, outcome)
    except Exception as error:
        return Finding(
            "unjudgeable", f"The result could not be compared with the expected one ({type(error).__name__})."
        )


def recognise(
    rules: Rules, expectations: Sequence[Expectation], outcomes: Sequence[Outcome], findings: Sequence[Finding | None]
) -> str:
    """Name the wrong answer that did the same on most failed cases and differs on fewest others.

    It is none that would have failed where this answer passed.
    """
    if not any(findings):
        return ""
    scores: dict[str, tuple[int, int]] = {}
    refuted: set[str] = set()
    for expectation, outcome, finding in zip(expectations, outcomes, findings, strict=True):
        for name in expectation.mistakes:
            same = same_outcome(rules, expectation, outcome, finding, name)
            hits, misses = scores.get(name, (0, 0))
            scores[name] = (hits + (same and finding is not None), misses + (not same))
            if finding is None and not same and expectation.finding(rules, name):
                refuted.add(name)
    likely = {name: (-misses, hits) for name, (hits, misses) in scores.items() if hits and name not in refuted}
    return max(likely, key=lambda name: likely[name]) if likely else ""


def same_outcome(
    rules: Rules, expectation: Expectation, outcome: Outcome, finding: Finding | None, mistake: str
) -> bool:
    """Whether an outcome, judged as `finding`, is what a named wrong answer did, as far as the exercise can tell."""
    other = expectation.mistakes[mistake]
    if outcome.lost or other.lost or (finding and finding.kind == "unjudgeable"):
        return False
    if outcome.error or other.error:
        return (outcome.error, outcome.message) == (other.error, other.message)
    if outcome.edited != other.edited or outcome.device != other.device:
        return False
    if rules.holds is None:
        return difference(other.value, outcome.value, rules.tolerance) is None
    theirs = expectation.finding(rules, mistake)
    return (finding and (finding.kind, finding.properties)) == (theirs and (theirs.kind, theirs.properties))
