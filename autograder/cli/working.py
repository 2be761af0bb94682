"""Tell the user that something is going on, on the terminal's error stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show a spinner with `what` while the block runs; nothing where no terminal is."""
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
