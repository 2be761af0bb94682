"""nbgrader's exchange: mended where a submission could be seen before it is whole, and put into words."""

from __future__ import annotations

from pathlib import Path

from nbgrader.exchange.default import ExchangeSubmit


class WholeSubmit(ExchangeSubmit):
    """Hands in all at once: what a kill or a full disk cut off is never collected.

    nbgrader copies into the place that `collect` looks at. This copies beside it, under a name that
    `collect` does not know, and renames last.
    """

    assignment_filename: str

    def copy_files(self) -> None:
        name = self.assignment_filename
        self.assignment_filename = f".{name}"
        try:
            super().copy_files()
        finally:
            self.assignment_filename = name
        # Feedback is fetched for what lies in the cache, so that must be there before the submission is.
        cached = name.rsplit("+", 1)[0] if self.add_random_string else name
        for folder, final in ((self.cache_path, cached), (self.inbound_path, name)):
            Path(folder, f".{final}").rename(Path(folder, final))


def came_through(folder: Path) -> bool:
    """nbgrader addresses feedback by what the exchange wrote into a submission."""
    return all((folder / name).is_file() for name in ("timestamp.txt", "submission_secret.txt"))


def sentence_of(step: str, lab: str, error: str) -> str:
    """What the exchange refused at a step, for a reader."""
    if "already exists" in error:
        return f"{lab} has been released before. Use --force to replace it; what students fetched stays as it is."
    if "not found" in error and step == "FetchAssignment":
        return f"{lab} has not been released. Ask your instructor, or check the exchange folder."
    return f"The exchange refused: {error}"
