"""nbgrader's configuration for this course: `nbgrader_config.py` at the root applies it."""

from __future__ import annotations

import os
from pathlib import Path

from traitlets.config import Config

IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".release", "backups", ".verdict")
GRADING = "autograder.bridge"
SANITIZERS = (
    f"{GRADING}.submission.Reassemble",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
)
GRADERS = (
    f"{GRADING}.judging.Judge",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)
FEEDBACK = (
    "nbgrader.preprocessors.GetGrades",
    f"{GRADING}.feedback.SafeOutputs",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
)


def configure(
    config: Config, root: Path, folder: Path | None = None, exchange: Path | None = None, db: str | None = None
) -> Config:
    """Fill an nbgrader configuration.

    Parameters
    ----------
    root : Path
        The folder that holds `course/`, `labs/` and `solutions/`.
    folder : Path, optional
        Where the gradebook, submissions, feedback and secret seeds are kept; default `build/`.
    exchange : Path, optional
        The exchange folder; default `exchange/` in `folder`.
    db : str, optional
        The gradebook's address in SQLAlchemy's form; default what WINNING_TICKET_DB says, else
        SQLite in `folder`.
    """
    root = root.resolve()
    folder = (folder or root / "build").resolve()
    course = config.CourseDirectory
    course.course_id = "winning-ticket"
    course.root = str(root)
    course.source_directory = str(root / "build" / "source")
    course.release_directory = str(_labs(root))
    for step in ("submitted", "autograded", "feedback"):
        setattr(course, f"{step}_directory", str(folder / step))
    course.ignore = [*IGNORED]
    course.db_url = db or os.environ.get("WINNING_TICKET_DB") or f"sqlite:///{folder / 'gradebook.db'}"
    config.Exchange.root = str(exchange or folder / "exchange")
    config.Exchange.path_includes_course = False
    config.ExchangeFactory.submit = f"{GRADING}.exchange.WholeSubmit"
    # Several students may share one Unix user (root in a container); nbgrader would only warn.
    config.ExchangeCollect.check_owner = False
    _configure_grading(config, root, folder)
    return config


def _labs(root: Path) -> Path:
    from autograder.course import Course

    return Course(root).labs_folder


def _configure_grading(config: Config, root: Path, folder: Path) -> None:
    labs = str(_labs(root))
    config.Autograde.exporter_class = f"{GRADING}.submission.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = list(SANITIZERS)
    config.Autograde.autograde_preprocessors = list(GRADERS)
    config.SubmissionExporter.labs_folder = labs
    config.Reassemble.labs_folder = labs
    config.Judge.course_root = str(root)
    config.Judge.secrets_folder = str(folder / "secrets")
    config.GenerateFeedback.exporter_class = f"{GRADING}.feedback.FeedbackExporter"
    config.GenerateFeedback.preprocessors = list(FEEDBACK)
    # Formgrader's pages too, which nbgrader makes with HTMLExporter, show what students wrote.
    config.HTMLExporter.preprocessors = [f"{GRADING}.feedback.SafePage"]
    config.HTMLExporter.filters = {"markdown2html": f"{GRADING}.feedback.markdown_to_html"}
    config.FeedbackExporter.preprocessors = []
