"""The small panel that tells a reader the result of a check, as HTML and as plain text."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

SIGNS = {
    "passed": "\N{CHECK MARK} Passed",
    "partial": "\N{BLACK DIAMOND} Partly right",
    "failed": "\N{MULTIPLICATION X} Not yet",
}
COLOURS = {"passed": "#1a7f37", "partial": "#9a6700", "failed": "#cf222e"}


@dataclass(frozen=True)
class Panel:
    """A headline, a status in words, sentences, and rows of facts.

    Parameters
    ----------
    title : str
        What was checked.
    status : str
        "passed", "partial" or "failed".
    score : str
        Points or counts, in words.
    sentences : tuple of str
        What is wrong and why, most important first.
    rows : tuple of (str, str)
        Names and values: the case, the place, expected, got.
    """

    title: str
    status: str
    score: str = ""
    sentences: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.rows), default=0)
        lines = [f"{SIGNS[self.status]}: {self.title}" + (f" ({self.score})" if self.score else "")]
        lines += [f"  {sentence}" for sentence in self.sentences]
        lines += [f"    {name:<{width}}  {value}" for name, value in self.rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour = COLOURS[self.status]
        score = f" <span>({escape(self.score)})</span>" if self.score else ""
        sign = f'<strong style="color:{colour}">{SIGNS[self.status]}</strong>'
        parts = [f'<p style="margin:0 0 .3em">{sign}: {escape(self.title)}{score}</p>']
        parts += [f'<p style="margin:.2em 0">{escape(sentence)}</p>' for sentence in self.sentences]
        if self.rows:
            cell = 'style="text-align:left;padding:.1em 1em .1em 0;vertical-align:top;background:none"'
            rows = "".join(
                f'<tr><th scope="row" {cell}>{escape(n)}</th><td {cell}>{escape(v)}</td></tr>' for n, v in self.rows
            )
            parts.append(f'<table style="margin:.3em 0;border:0">{rows}</table>')
        # Two blanks in a row may be the whole difference between expected and got.
        style = f"border-left:.3em solid {colour};padding:.4em .8em;margin:.3em 0;white-space:pre-wrap"
        return f'<div class="winning-ticket-panel" role="status" style="{style}">{"".join(parts)}</div>'


def show(panel: Panel) -> None:
    """Display a panel: rich in a notebook, plain text elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        get_ipython = None
    if get_ipython is not None and get_ipython() is not None:
        from IPython.display import display

        display(panel)
    else:
        print(panel)
