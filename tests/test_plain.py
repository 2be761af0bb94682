"""Do plain values survive the wire, and does everything else stay out?"""

from __future__ import annotations

import pickle
import struct
from fractions import Fraction

import numpy as np
import pytest
import torch

from autograder.plain import MAX_DEPTH, Opaque, PlainError, dumps, loads, plain

VALUES = [
    None,
    True,
    7,
    -(10**30),
    0.1,
    float("inf"),
    "ß\n",
    Fraction(1, 6144),
    [1, [2.5, "a"]],
    (1, (2,)),
    {"a": [1], "$": "tensor", 3: None},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_plain_value_comes_back_equal_and_of_the_same_type(value):
    back = loads(dumps(plain(value)))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
def test_a_tensor_comes_back_with_its_dtype_shape_and_values(dtype):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    back = loads(dumps(plain({"t": [tensor, tensor.T]})))["t"]
    assert back[0].dtype == dtype
    assert torch.equal(back[0], tensor)
    assert torch.equal(back[1], tensor.T)


def test_a_tensor_of_any_strides_can_be_sent():
    stretched, turned = torch.arange(3.0).expand(2, 3), torch.arange(6.0).view(2, 3).T
    for tensor in (stretched, turned):
        assert torch.equal(loads(dumps(tensor)), tensor)


def test_a_plain_copy_shares_no_memory_and_needs_no_gradient():
    parameter = torch.nn.Parameter(torch.ones(3))
    copy = plain(parameter)
    copy += 1
    assert parameter.tolist() == [1, 1, 1]
    assert not copy.requires_grad
    assert type(copy) is torch.Tensor


class Everything:
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize(
    "value", [object(), Everything(), np.zeros(2), {1, 2}, torch.ones(2, dtype=torch.complex64), print]
)
def test_what_is_not_plain_becomes_opaque(value):
    assert isinstance(plain(value), Opaque)


def test_a_subclass_of_str_is_opaque_since_it_may_equal_everything():
    class Sly(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            return True

    assert isinstance(plain(Sly("a")), Opaque)


def test_numpy_scalars_become_python_numbers():
    assert plain((np.float64(0.5), np.int32(3), np.bool_(True))) == (0.5, 3, True)


def test_deep_nesting_and_huge_integers_become_opaque():
    deep: list = []
    for _ in range(MAX_DEPTH + 5):
        deep = [deep]
    assert "nested too deeply" in repr(plain(deep))
    assert isinstance(plain(1 << 10_000), Opaque)


def framed(text: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        framed(b"{"),
        framed(b'{"$":"tensor","v":"t0"}'),
        framed(b'{"$":"code","v":"print()"}'),
        framed(b'{"$":"fraction","v":[1,0]}'),
        framed(b'{"v":1}'),
        framed(b"[" * 100_000),
        framed(b"1" * 5000),
        framed(b"1", b"garbage"),
        framed(b'{"$":"dict","v":[[[1],2]]}'),
        pickle.dumps([1, 2]),
        struct.pack("<Q", 2**63) + b"1",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_malformed_bytes_are_refused_with_one_error(data):
    with pytest.raises(PlainError):
        loads(data)


def test_cutting_a_message_anywhere_is_noticed():
    data = dumps(plain({"a": torch.ones(3), "b": [1, 2]}))
    for length in range(len(data)):
        with pytest.raises(PlainError):
            loads(data[:length])
