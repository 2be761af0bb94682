"""Is the first difference found, and does each kind have a sentence of its own?"""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from autograder.compare import difference
from autograder.exercise import Tolerance
from autograder.plain import Opaque

T = Tolerance(rtol=1e-4, atol=1e-5)
X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (X, X + 1e-6),
        (1.0, 1),
        (1.0, 1.00005),
        ([1, 2.0], (1, 2.0)),
        (math.nan, math.nan),
        (torch.tensor([math.inf, math.nan]), torch.tensor([math.inf, math.nan])),
        (Fraction(3), 3),
        ({"a": 1, "b": X}, {"b": X, "a": 1}),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
    ],
)
def test_equal_values_pass(expected, got):
    assert difference(expected, got, T) is None


@pytest.mark.parametrize(
    ("expected", "got", "kind", "words"),
    [
        (X, None, "missing", "return statement"),
        (X, 1.0, "type", "a float32 tensor of shape (2, 2)"),
        (X, Opaque("numpy.ndarray"), "type", "from_numpy"),
        (1.5, torch.tensor(1.5), "type", ".item()"),
        (Fraction(1, 3), 1 / 3, "type", "exact ratio"),
        (3, 3.0, "type", "integer arithmetic"),
        (1, True, "type", "a bool"),
        (X, X[0], "shape", "(2, 2)"),
        (torch.ones(2, 3), torch.ones(3, 2), "shape", "swapped"),
        (X, X.double(), "dtype", "torch.float64"),
        (X, X / 0 * 0, "nan", "nan at [0, 0]"),
        (1.0, math.nan, "nan", "nan"),
        (1.0, math.inf, "value", "Expected 1, got inf"),
        (-math.inf, 3.0, "value", "Expected -inf, got 3"),
        (torch.tensor([-math.inf]), torch.tensor([0.0]), "value", "At [0]: expected -inf, got 0"),
        ((1, 2), (1, 2, 3), "length", "2 items"),
        ({"a": 1}, {"b": 1}, "keys", "a is missing; b should not be there"),
        (X, X + torch.tensor([[0, 0], [0, 1.0]]), "value", "At [1, 1]: expected 4, got 5 (1 of 4"),
        (torch.tensor([True, False]), torch.tensor([True, True]), "value", "At [1]"),
        ([1.0, {"k": X}], [1.0, {"k": X + 1}], "value", "At [1]['k'][0, 0]"),
        ("abc", "abd", "value", "'abd'"),
    ],
)
def test_each_difference_is_named(expected, got, kind, words):
    found = difference(expected, got, T)
    assert found is not None
    assert found.kind == kind
    assert words in found.sentence


def test_numbers_are_shown_with_digits_enough_to_differ():
    found = difference(4.126953125, 4.12695, Tolerance(rtol=1e-9, atol=0))
    assert found is not None
    assert found.expected != found.got


def test_the_tolerance_is_the_exercises_own():
    assert difference(100.0, 100.005, Tolerance(rtol=1e-4, atol=0)) is None
    assert difference(100.0, 100.005, Tolerance(rtol=1e-6, atol=0)) is not None
    assert difference(0.0, 1e-9, Tolerance(rtol=1e-4, atol=0)) is not None


def test_a_zero_has_no_sign_and_a_lone_nan_no_place():
    tolerance = Tolerance(rtol=0, atol=1e-3)
    negative = difference(torch.tensor([-0.0]), torch.tensor([1.0]), tolerance)
    assert (negative.expected, negative.got) == ("0", "1")
    assert difference(torch.tensor(1.0), torch.tensor(math.nan), tolerance).sentence.startswith("The result is nan.")
    assert difference(1.0, math.nan, tolerance).sentence.startswith("The result is nan.")
    assert "nan at [1]" in difference(torch.ones(2), torch.tensor([1.0, math.nan]), tolerance).sentence
