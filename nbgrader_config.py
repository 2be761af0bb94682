"""Lets nbgrader's own commands and pages grade this course: `nbgrader autograde lora`, Formgrader."""

from pathlib import Path

from autograder.bridge.config import configure

configure(get_config(), Path(__file__).parent)  # noqa: F821
