"""Find the first place where a value differs from the expected one, and say it in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch

from autograder.exercise import Tolerance
from autograder.plain import Opaque

MISSING_RETURN = "Nothing came back: the result is None. Does every path end in a return statement?"


@dataclass(frozen=True)
class Difference:
    """Where and how a value differs.

    `kind` is one of "missing", "type", "length", "keys", "shape", "dtype", "nan", "value"; `inexact`
    says that the tolerance applied.
    """

    kind: str
    sentence: str
    where: str = ""
    expected: str = ""
    got: str = ""
    inexact: bool = False


def difference(expected: Any, got: Any, tolerance: Tolerance, where: str = "") -> Difference | None:
    """Compare two plain values; None means that they agree."""
    form = form_difference(expected, got, where)
    return form or _value_difference(expected, got, tolerance, where)


def form_difference(expected: Any, got: Any, where: str = "") -> Difference | None:
    """Compare types, lengths, keys, shapes and dtypes, but no values."""
    place = f" at {where}" if where else ""
    if got is None and expected is not None:
        return Difference(
            "missing",
            f"There is nothing{place}, only None." if where else MISSING_RETURN,
            where,
            describe(expected),
            "None",
        )
    if not _same_type(expected, got):
        return Difference(
            "type",
            f"The result{place} should be {describe(expected)}, but it is {describe(got)}."
            + _type_advice(expected, got),
            where,
            describe(expected),
            describe(got),
        )
    if isinstance(expected, torch.Tensor):
        return _tensor_form(expected, got, where, place)
    if isinstance(expected, dict):
        if set(expected) != set(got):
            return _keys(expected, got, where, place)
        pairs = [(f"{where}[{key!r}]", expected[key], got[key]) for key in expected]
    elif isinstance(expected, (list, tuple)):
        if len(expected) != len(got):
            sentence = f"The result{place} should hold {len(expected)} items, but it holds {len(got)}."
            return Difference("length", sentence, where, str(len(expected)), str(len(got)))
        pairs = [(f"{where}[{i}]", e, g) for i, (e, g) in enumerate(zip(expected, got, strict=True))]
    else:
        return None
    return next((d for path, e, g in pairs if (d := form_difference(e, g, path))), None)


def _keys(expected: dict[Any, Any], got: dict[Any, Any], where: str, place: str) -> Difference:
    missing = [str(key) for key in expected if key not in got]
    extra = [str(key) for key in got if key not in expected]
    parts = [f"{', '.join(missing)} is missing"] if missing else []
    parts += [f"{', '.join(extra)} should not be there"] if extra else []
    return Difference(
        "keys", f"The entries{place} differ: {'; '.join(parts)}.", where, ", ".join(missing), ", ".join(extra)
    )


def _same_type(expected: Any, got: Any) -> bool:
    if isinstance(expected, (list, tuple)):
        return isinstance(got, (list, tuple))
    if type(expected) is float:
        return type(got) in (float, int, Fraction)
    if type(expected) is Fraction:
        return type(got) in (Fraction, int)
    return type(expected) is type(got)


def _type_advice(expected: Any, got: Any) -> str:
    if isinstance(got, torch.Tensor) and isinstance(expected, (int, float)):
        return " Turn a one-element tensor into a Python number with .item()."
    if isinstance(expected, torch.Tensor) and isinstance(got, Opaque) and "numpy" in got.kind:
        return " Return a torch tensor: torch.from_numpy converts an array."
    if isinstance(expected, Fraction) and isinstance(got, float):
        return " A float is rounded: build the exact ratio with Fraction(numerator, denominator)."
    if type(expected) is int and type(got) is float:
        return " Use integer arithmetic, so that large counts stay exact."
    return ""


def _tensor_form(expected: torch.Tensor, got: torch.Tensor, where: str, place: str) -> Difference | None:
    want, have = tuple(expected.shape), tuple(got.shape)
    if want != have:
        hint = (
            " The last two dimensions are swapped: transpose."
            if want[-2:] == have[-2:][::-1] and len(want) == len(have) > 1
            else ""
        )
        return Difference(
            "shape", f"The shape{place} should be {want}, but it is {have}.{hint}", where, str(want), str(have)
        )
    if expected.dtype != got.dtype:
        sentence = f"The dtype{place} should be {expected.dtype}, but it is {got.dtype}. "
        sentence += "Compute in what you like; convert the result with .to()."
        return Difference("dtype", sentence, where, str(expected.dtype), str(got.dtype))
    return None


def _value_difference(expected: Any, got: Any, tolerance: Tolerance, where: str) -> Difference | None:
    if isinstance(expected, torch.Tensor):
        return _tensor_values(expected, got, tolerance, where)
    if isinstance(expected, dict):
        pairs = [(f"{where}[{key!r}]", expected[key], got[key]) for key in expected]
    elif isinstance(expected, (list, tuple)):
        pairs = [(f"{where}[{i}]", e, g) for i, (e, g) in enumerate(zip(expected, got, strict=True))]
    elif type(expected) is float:
        return _float_value(expected, float(got), tolerance, where)
    else:
        return None if expected == got else _value(where, repr(expected), repr(got))
    return next((d for path, e, g in pairs if (d := _value_difference(e, g, tolerance, path))), None)


def _float_value(expected: float, got: float, tolerance: Tolerance, where: str) -> Difference | None:
    if math.isnan(got) and not math.isnan(expected):
        return _nan(where, f"{expected:.6g}")
    same = expected == got or (math.isnan(expected) and math.isnan(got))
    finite = math.isfinite(got) and math.isfinite(expected)  # an infinite one would make the tolerance infinite
    close = finite and abs(got - expected) <= tolerance.atol + tolerance.rtol * abs(expected)
    return None if same or close else _value(where, *_digits(expected, got), inexact=True)


def _tensor_values(expected: torch.Tensor, got: torch.Tensor, tolerance: Tolerance, where: str) -> Difference | None:
    if expected.is_floating_point():
        want, have = expected.double(), got.double()
        new_nan = have.isnan() & ~want.isnan()
        if new_nan.any():
            index = _first(new_nan)
            return _nan(f"{where}{index or ''}", f"{want[tuple(index)].item():.6g}")
        close = (have - want).abs() <= tolerance.atol + tolerance.rtol * want.abs()
        bad = ~((close & want.isfinite()) | (want == have) | (want.isnan() & have.isnan()))
    else:
        bad = expected != got
    if not bad.any():
        return None
    index = _first(bad)
    want_item, got_item = expected[tuple(index)].item(), got[tuple(index)].item()
    shares = f" ({int(bad.sum())} of {bad.numel()} values differ)"
    inexact = expected.is_floating_point()
    want_text, got_text = _digits(want_item, got_item) if inexact else (str(want_item), str(got_item))
    return _value(f"{where}{index or ''}", want_text, got_text, shares, inexact)


def _digits(expected: float, got: float) -> tuple[str, str]:
    """Both numbers with as few digits as show that they differ, zero without a sign."""
    expected, got = expected + 0.0, got + 0.0
    for count in (6, 9, 12):
        texts = f"{expected:.{count}g}", f"{got:.{count}g}"
        if texts[0] != texts[1]:
            return texts
    return repr(expected), repr(got)


def _first(mask: torch.Tensor) -> list[int]:
    return [int(i) for i in mask.nonzero()[0]]


def _value(where: str, expected: str, got: str, more: str = "", inexact: bool = False) -> Difference:
    place = f"At {where}: e" if where else "E"
    return Difference("value", f"{place}xpected {expected}, got {got}{more}.", where, expected, got, inexact)


def _nan(where: str, expected: str) -> Difference:
    found = f"There is a nan at {where}" if where else "The result is nan"
    sentence = f"{found}. Look for 0/0, a log of 0 or an overflow on the way."
    return Difference("nan", sentence, where, expected, "nan")


def describe(value: Any) -> str:
    """Describe a plain value's form in words ("a float32 tensor of shape (3, 4)")."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"{'an' if dtype[0] in 'aeiou' else 'a'} {dtype} tensor of shape {tuple(value.shape)}"
    if isinstance(value, Opaque):
        return f"of type {value.kind}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    names = {
        type(None): "None",
        bool: "a bool",
        int: "an int",
        float: "a float",
        str: "a str",
        Fraction: "a Fraction",
        dict: "a dict",
    }
    return names.get(type(value), f"of type {type(value).__name__}")
