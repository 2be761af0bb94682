"""A course of one small lab, written into a temporary folder."""

from __future__ import annotations

from pathlib import Path

from autograder.course import Course, Lab

LAB_TEXT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
  notebook_metadata_filter: title,order,minutes,limits
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
title: Toy
order: 50
minutes: 5
limits:
  notebook_seconds: 30
  cell_seconds: 5
  case_seconds: 3
---

# Scaling

Multiply a vector by a number: $y = kx$.

```{code-cell} ipython3
import torch
from torch import Tensor
from autograder import check, hint
```

```{code-cell} ipython3
:tags: [exercise]

# toy.scale
```

```{code-cell} ipython3
:tags: [experiment]

raise RuntimeError("experiments are not run in grading")
```
"""

CONTRACT = '''"""Scale a vector."""

import torch
from torch import Tensor

from autograder.exercise import Tolerance, case

POINTS = 4
MINUTES = 2
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-5, atol=1e-6)


def scale(x: Tensor, k: float) -> Tensor:
    """Return k times x, a new float32 tensor of shape (n,)."""
    raise NotImplementedError


EXAMPLES = [case("positive", x=torch.tensor([1.0, 2.0]), k=3.0), case("negative", x=torch.tensor([1.0, 5.0]), k=-2.5)]
'''

ANSWER = '''"""Answer to toy.scale."""

import torch

from autograder.exercise import case, right, wrong

HINTS = ("What is the product?", "Use *.", "k * x")


def scale(x, k):
    return k * x


def cases(rng):
    yield case("positive", x=torch.randn(5, generator=rng), k=2.5)
    yield case("negative", x=torch.randn(4, generator=rng), k=-1.5)


@right
def looped(x, k):
    return torch.tensor([k * value for value in x.tolist()])


@right
def in_double(x, k):
    return (x.double() * k).float()


@wrong
def Adds(x, k):
    """Multiply by k, do not add it."""
    return x + k


@wrong
def Divides(x, k):
    """Multiply by k, do not divide."""
    return x / k


@wrong
def EditsInput(x, k):
    """Return a new tensor: x was changed."""
    x *= k
    return x
'''

RIGHT = "def scale(x, k):\n    return k * x"


def add_toy_lab(root: Path) -> Lab:
    """Write the toy lab's own files into a course; returns the lab."""
    files = {
        "course/toy/lab.md": LAB_TEXT,
        "course/toy/exercises/scale.py": CONTRACT,
        "solutions/toy/scale.py": ANSWER,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Course.at(root).lab("toy")
