"""Feedback pages: what was lost and why, readable offline, with nothing in them that could run."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import bleach
import latex2mathml.converter
import nbgrader
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

TEMPLATES = Path(__file__).parent / "templates"
NBGRADER_TEMPLATES = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
KEPT_MIME_TYPES = ("text/plain", "image/png", "image/jpeg")
TABLE_TAGS = {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "p",
    "div",
    "span",
    "b",
    "i",
    "strong",
    "em",
    "code",
    "pre",
    "br",
}


class SafeOutputs(NbGraderPreprocessor):
    """Keep pictures, text and cleaned tables of the student's outputs; drop all that could run."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            for output in cell.outputs:
                if "data" in output:
                    output.data = _safe_data(output.data)
                    output.metadata = NotebookNode()
        return cell, resources


class SafePage(SafeOutputs):
    """The same for Formgrader's page of a submission, which puts names into its HTML as they are."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        for name in ("student", "first_name", "last_name"):
            if resources.get(name):
                resources[name] = escape(str(resources[name]))
        return super().preprocess(nb, resources)


def _safe_data(data: dict[str, Any]) -> NotebookNode:
    safe = NotebookNode({key: value for key, value in data.items() if key in KEPT_MIME_TYPES})
    if isinstance(data.get("text/html"), str):
        safe["text/html"] = bleach.clean(data["text/html"], tags=TABLE_TAGS, attributes={}, strip=True)
    return safe


class MathMLRenderer(IPythonRenderer):
    """Markdown to HTML with mathematics as MathML, which browsers show without scripts."""

    def inline_math(self, body: str) -> str:
        return self._mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return f"<p>{self._mathml(body, 'block')}</p>"

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def _mathml(self, body: str, display: str) -> str:
        try:
            return latex2mathml.converter.convert(body, display=display)
        except Exception:
            return f"<code>{self.escape_html(body)}</code>"


def markdown_to_html(source: str) -> str:
    """Markdown as HTML in which no markup of the writer's own is left."""
    renderer = MathMLRenderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page with a table of reasons on top, and no scripts."""

    @property
    def default_config(self) -> Config:
        config = Config()
        config.FeedbackExporter.template_name = "winning_ticket"
        config.FeedbackExporter.template_file = "course.html.j2"
        config.FeedbackExporter.extra_template_basedirs = [str(TEMPLATES), str(NBGRADER_TEMPLATES)]
        merged: Config = super().default_config
        merged.merge(config)
        return merged
