"""The preprocessor that stands where nbgrader would execute a notebook: it asks our grader.

It serves nbgrader's own `nbgrader autograde` and Formgrader; `autograder grade` comes without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Unicode

from autograder.bridge.jobs import grading, setting_of
from autograder.bridge.submission import side_files
from autograder.course import Course


class Judge(NbGraderPreprocessor):
    """Write verdicts into a submission as outputs that nbgrader's scoring reads as meant."""

    course_root = Unicode(help="The folder that holds course/, labs/ and solutions/.").tag(config=True)
    secrets_folder = Unicode(help="Where the secret seeds are kept.").tag(config=True)
    wall = Bool(True, help="Whether student code runs behind the wall; without one it may do all you may.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        lab = Course.at(Path(self.course_root)).lab(resources["nbgrader"]["assignment"])
        setting = setting_of(lab, Path(self.secrets_folder), wall=self.wall)
        grading(setting).grade(nb, side_files(Path(resources["metadata"]["path"])))
        nb.metadata.winning_ticket["wall"] = self.wall
        return nb, resources
