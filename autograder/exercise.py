"""The vocabulary in which contracts (``course/``) and answers (``solutions/``) are written.

A contract may define ``observe(answer, case)``, which turns what the student wrote into plain values.
The judge compares forms (types, keys, shapes) before values, so an ``observe`` that has to stop early
returns the same form with zeros in it: then the reason is reported and not the form.

A contract may define ``holds(case, observed) -> dict[str, bool]`` where there is no unique answer.
A named mistake is then recognised by the set of properties that it breaks, so word its sentence to
fit every answer that breaks this set.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Tolerance:
    """How far a floating-point value may lie from the expected one.

    A value passes when ``abs(got - expected) <= atol + rtol * abs(expected)``.
    Integers, booleans, strings and fractions are always compared exactly.
    """

    rtol: float
    atol: float


@dataclass(frozen=True)
class Case:
    """One call of a student's answer.

    Parameters
    ----------
    group : str
        What this case probes, in words a student may read ("alpha differs from rank").
        The groups of an exercise share its points equally.
    inputs : dict
        Argument names and plain values: numbers, strings, fractions, tensors, and lists,
        tuples and dicts of them.
    """

    group: str
    inputs: dict[str, Any] = field(default_factory=dict)


def case(group: str, **inputs: Any) -> Case:
    """Write a case as a call: ``case("non-square", W=W, A=A, B=B, alpha=16.0)``."""
    return Case(group, inputs)


class WrongSignature(TypeError):
    """The answer does not take the arguments that its contract names."""


def observe_call(answer: Callable[..., Any], case: Case) -> Any:
    """Observe a plain function: what it returns for the case's inputs."""
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return answer(**case.inputs)
    try:
        signature.bind(**case.inputs)
    except TypeError:
        wanted = ", ".join(case.inputs)
        raise WrongSignature(f"it must take the arguments ({wanted}), but it takes {signature}") from None
    return answer(**case.inputs)


def wrong(answer: F) -> F:
    """Mark a named wrong answer; its docstring is the sentence that the student reads."""
    answer.role = "wrong"  # type: ignore[attr-defined]
    return answer


def right(answer: F) -> F:
    """Mark a right answer that is written differently from the reference."""
    answer.role = "right"  # type: ignore[attr-defined]
    return answer


def second_source(name: str) -> Callable[[F], F]:
    """Mark an implementation by someone else (peft, scipy, autograd) that must agree."""

    def mark(answer: F) -> F:
        answer.role = "source"  # type: ignore[attr-defined]
        answer.source_name = name  # type: ignore[attr-defined]
        return answer

    return mark
