"""Submissions that are no notebooks any more: seeded mutations of a right one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**400, float("nan"), "", "code", "x" * 10_000, "\ud800", "\x00", "<script>", [], [[]],
    {}, {"": {}}, [None], ["a", 1], {"nbgrader": 1}, [[[[[]]]]],
)  # fmt: skip
VERSIONS: tuple[Any, ...] = (-1, 0, 1, 2, 3, 5, 99, 4.5, "4", None, [4])


def truncated(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def noisy(content: bytes, rng: random.Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 40)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def spliced(content: bytes, rng: random.Random) -> bytes:
    """A part is missing, doubled or moved."""
    a, b, c = sorted(rng.randrange(len(content)) for _ in range(3))
    return rng.choice((content[:a] + content[b:], content[:b] + content[a:], content[:a] + content[b:c] + content[a:b]))


def binary(content: bytes, rng: random.Random) -> bytes:
    head = rng.choice((b"", b"PK\x03\x04", b"\x89PNG\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b"%PDF-1.7\n", b"<html>"))
    return head + rng.randbytes(rng.randrange(5000))


def encoded(content: bytes, rng: random.Random) -> bytes:
    """The same text in another encoding."""
    name = rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037"))
    return content.decode().encode(name, "replace")


def deep(content: bytes, rng: random.Random) -> bytes:
    opening = rng.choice((b"[", b'{"a":', b'{"cells":['))
    return opening * rng.choice((500, 5_000, 100_000))


def versioned(content: bytes, rng: random.Random) -> bytes:
    notebook = json.loads(content)
    notebook[rng.choice(("nbformat", "nbformat_minor"))] = rng.choice(VERSIONS)
    return json.dumps(notebook).encode()


def replaced(content: bytes, rng: random.Random) -> bytes:
    """A few values are others."""
    notebook = json.loads(content)
    for _ in range(rng.randint(1, 3)):
        place, key = _node(notebook, rng)
        place[key] = rng.choice(VALUES)
    return json.dumps(notebook).encode()


def removed(content: bytes, rng: random.Random) -> bytes:
    """A few values are not there."""
    notebook = json.loads(content)
    for _ in range(rng.randint(1, 4)):
        place, key = _node(notebook, rng)
        del place[key]
    return json.dumps(notebook).encode()


def shuffled(content: bytes, rng: random.Random) -> bytes:
    """Cells are doubled, dropped and in another order."""
    notebook = json.loads(content)
    notebook["cells"] = rng.choices(notebook["cells"], k=rng.randrange(2 * len(notebook["cells"])))
    return json.dumps(notebook).encode()


MUTATIONS: tuple[Mutation, ...] = (
    truncated, noisy, spliced, binary, encoded, deep, versioned, replaced, removed, shuffled,
)  # fmt: skip


def _node(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """A random place inside a JSON value: a container and a key or index of it."""
    places = list(_places(value))
    return rng.choice(places) if places else ({"": None}, "")


def _places(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def malformed(content: bytes, count: int, seed: int) -> list[tuple[str, bytes]]:
    """So many mutations of a notebook, each with its kind's name; kinds take turns."""
    rng = random.Random(seed)
    kinds = [MUTATIONS[number % len(MUTATIONS)] for number in range(count)]
    return [(kind.__name__, kind(content, rng)) for kind in kinds]
