"""Winning Ticket: labs on adapting language models, checked while you write them.

In a notebook: ``from autograder import check, hint, solution``.
"""

from autograder.home import CheckFailed, check, hint, solution

__all__ = ["CheckFailed", "check", "hint", "solution"]
__version__ = "0.1.0"
