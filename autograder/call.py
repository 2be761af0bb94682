"""Call an answer on one case and describe what happened, without judging it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from autograder.exercise import Case
from autograder.memory import OUT_OF_MEMORY, bounded, is_out_of_memory
from autograder.plain import Opaque, plain, tensors_in

Observe = Callable[[Callable[..., Any], Case], Any]

MAX_MESSAGE = 500


@dataclass(frozen=True)
class Outcome:
    """What an answer did with one case; holds plain values only.

    `error` is an exception's type name and `message` its text; `edited` names the arguments whose
    values were changed in place; `device` names the device of a result that is not where its
    inputs were; `place` is the line of the answer's own code that raised. `lost`
    says why there is no result at all (the process died, time ran out): only
    the grader sets it, never the student's process.
    """

    value: Any = None
    error: str = ""
    message: str = ""
    edited: tuple[str, ...] = ()
    device: str = ""
    place: str = ""
    lost: str = ""

    def to_plain(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "error": self.error,
            "message": self.message,
            "edited": list(self.edited),
            "device": self.device,
            "place": self.place,
        }

    @classmethod
    def from_plain(cls, data: Any) -> Outcome:
        """Read an outcome from an untrusted peer; raises ValueError when its form is wrong."""
        if not isinstance(data, dict) or set(data) != {"value", "error", "message", "edited", "device", "place"}:
            raise ValueError("an outcome has the keys value, error, message, edited, device and place")
        texts = [data["error"], data["message"], data["device"], data["place"], *data["edited"]]
        if not all(isinstance(text, str) and len(text) <= 4 * MAX_MESSAGE for text in texts):
            raise ValueError("an outcome's texts are short strings")
        return cls(data["value"], data["error"], data["message"], tuple(data["edited"]), data["device"], data["place"])


def call(observe: Observe, answer: Callable[..., Any], case: Case, memory: int | None = None) -> Outcome:
    """Run `observe(answer, case)` on a copy of the inputs, adding at most `memory` bytes."""
    inputs = plain(case.inputs)
    given = Case(case.group, inputs)
    try:
        with bounded(memory):
            seen = observe(answer, given)
        value, device = plain(seen), _foreign_device(seen, inputs)
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            return Outcome(error=OUT_OF_MEMORY, message="GPU" if "CUDA out of memory" in _text(error) else "")
        return Outcome(error=type(error).__name__, message=_text(error), place=_place(error, answer))
    edited = tuple(name for name in case.inputs if not _unchanged(case.inputs[name], inputs.get(name)))
    return Outcome(value, edited=edited, device=device)


def _foreign_device(seen: Any, inputs: dict[str, Any]) -> str:
    wanted = {tensor.device.type for tensor in tensors_in(inputs)} or {"cpu"}
    foreign = [tensor.device.type for tensor in tensors_in(seen) if tensor.device.type not in wanted]
    return foreign[0] if foreign else ""


def _place(error: BaseException, answer: Callable[..., Any]) -> str:
    """The last line of the answer's own file or cell that the error passed through."""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own]
    return f"line {lines[-1].lineno}: {lines[-1].line}"[:MAX_MESSAGE] if lines else ""


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = "(its message could not be shown)"
    return text[:MAX_MESSAGE]


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, torch.Tensor):
        return (
            isinstance(after, torch.Tensor)
            and before.shape == after.shape
            and before.dtype == after.dtype
            and torch.equal(
                before.nan_to_num() if before.is_floating_point() else before,
                after.nan_to_num() if after.is_floating_point() else after,
            )
        )
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and list(before) == list(after)
            and all(_unchanged(before[k], after[k]) for k in before)
        )
    if isinstance(before, (list, tuple)):
        return type(after) is type(before) and len(before) == len(after) and all(map(_unchanged, before, after))
    return isinstance(before, Opaque) or before is after or bool(before == after)
