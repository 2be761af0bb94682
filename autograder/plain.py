"""Plain values: the only things that cross between a student's process and the judge.

A plain value is None, a bool, int, float, str, Fraction, torch.Tensor (dense, real), or a list,
tuple or dict of plain values. Anything else becomes `Opaque`, which carries a type's name only.
Bytes hold JSON for the structure and safetensors for the tensors; nothing is ever unpickled.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch

MAX_DEPTH = 24
MAX_INTEGER_BITS = 4096
_TAG = "$"


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that is not plain; `kind` says what it was."""

    kind: str


class PlainError(ValueError):
    """Bytes that do not hold a plain value."""


def plain(value: Any, depth: int = 0) -> Any:
    """Copy `value` into plain values, with new tensors that share no memory with it."""
    if depth > MAX_DEPTH:
        return Opaque("a value nested too deeply")
    if value is None or isinstance(value, (bool, str)):
        return value if type(value) in (bool, str, type(None)) else Opaque(_kind(value))
    if isinstance(value, torch.Tensor):
        return _plain_tensor(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if int(value).bit_length() <= MAX_INTEGER_BITS else Opaque("a huge int")
    if isinstance(value, (float, np.floating)):
        return float(value)
    if type(value) is Fraction:
        return value
    if isinstance(value, (list, tuple)):
        items = [plain(item, depth + 1) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {plain(k, depth + 1): plain(v, depth + 1) for k, v in value.items()}
    return Opaque(_kind(value))


def _plain_tensor(value: torch.Tensor) -> torch.Tensor | Opaque:
    if value.layout != torch.strided or value.is_complex() or value.is_quantized or value.is_meta:
        return Opaque("a sparse, complex, quantised or meta tensor")
    dense = value.detach().to("cpu", copy=True)
    return torch.Tensor.contiguous(dense.as_subclass(torch.Tensor))


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def tensors_in(value: Any) -> list[torch.Tensor]:
    """List every tensor inside `value`, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def dumps(value: Any) -> bytes:
    """Serialise a plain value: 8 bytes of JSON length, the JSON, then safetensors."""
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {}
    structure = json.dumps(_pack(value, tensors), separators=(",", ":"), sort_keys=True).encode()
    return struct.pack("<Q", len(structure)) + structure + (save(tensors) if tensors else b"")


def loads(data: bytes) -> Any:
    """Read what `dumps` wrote.

    Raises
    ------
    PlainError
        If the bytes are truncated, malformed, or name a tensor that is not there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > len(data) - 8:
            raise PlainError("malformed message: it was cut off")
        structure = json.loads(data[8 : 8 + length])
        body = bytes(data[8 + length :])
        return _unpack(structure, load(body) if body else {})
    except PlainError:
        raise
    except (struct.error, SafetensorError, RecursionError, UnicodeDecodeError) as error:
        raise PlainError(f"malformed message: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        raise PlainError(f"malformed message: {error!r}") from None


def _pack(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.clone(memory_format=torch.contiguous_format)
        return {_TAG: "tensor", "v": name}
    if isinstance(value, Fraction):
        return {_TAG: "fraction", "v": [value.numerator, value.denominator]}
    if isinstance(value, Opaque):
        return {_TAG: "opaque", "v": value.kind}
    if isinstance(value, tuple):
        return {_TAG: "tuple", "v": [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if isinstance(value, dict):
        return {_TAG: "dict", "v": [[_pack(k, tensors), _pack(v, tensors)] for k, v in value.items()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{_kind(value)} is not a plain value; pass it through plain() first")


def _unpack(node: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(node, list):
        return [_unpack(item, tensors) for item in node]
    if not isinstance(node, dict):
        return node
    tag, inner = node[_TAG], node["v"]
    if tag == "tensor":
        return tensors[inner]
    if tag == "fraction":
        return Fraction(int(inner[0]), int(inner[1]))
    if tag == "opaque":
        return Opaque(str(inner)[:200])
    if tag == "tuple":
        return tuple(_unpack(item, tensors) for item in inner)
    if tag == "dict":
        return {_unpack(k, tensors): _unpack(v, tensors) for k, v in inner}
    raise PlainError(f"unknown tag {tag!r}")
