"""What the labs' widgets share: a figure without pyplot, and the line that says the same in words."""

from __future__ import annotations

import io

import ipywidgets
from matplotlib.figure import Figure


def png(figure: Figure) -> bytes:
    """A figure that was drawn outside pyplot, so that the notebook does not show it twice."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()


def status(words: str) -> str:
    """A line of HTML, from words in HTML, that a screen reader says when it changes."""
    return f'<p role="status" aria-live="polite">{words}</p>'


def picture() -> ipywidgets.Image:
    """An empty PNG image as wide as there is room."""
    shown = ipywidgets.Image(format="png")
    shown.layout.max_width = "100%"
    return shown
