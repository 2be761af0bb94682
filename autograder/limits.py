"""What a submission may use, and how its limits are said to the reader."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograder.course import Lab

MIB, GIB = 2**20, 2**30
# What the operating system says when code meets a limit, and the limit's name here.
_WORDS = {
    "[Errno 11]": "processes",
    "can't start new thread": "processes",
    "[Errno 27]": "file_mib",
    "[Errno 28]": "disk_mib",
    "No space left on device": "disk_mib",
    "CUDA out of memory": "gpu",
    "MemoryError": "memory_gib",
    "can't allocate memory": "memory_gib",
}


@dataclass(frozen=True)
class Limits:
    """Limits of one submission; a lab's front matter sets them under `limits:`.

    Seconds of wall time for the notebook, a cell and a case; GiB of memory that all its processes
    may add together; how many processes and threads it may have; MiB of one file, of everything
    it writes, and of what its cells print and draw.
    """

    notebook_seconds: float = 300.0
    cell_seconds: float = 60.0
    case_seconds: float = 20.0
    memory_gib: float = 4.0
    processes: float = 64
    file_mib: float = 256
    disk_mib: float = 512
    output_mib: float = 16

    @classmethod
    def of(cls, lab: Lab, overrides: Mapping[str, float] | None = None) -> Limits:
        """A lab's limits; `overrides` win over its front matter.

        Raises
        ------
        UserError
            If a limit has an unknown name or is no positive number.
        """
        try:
            wanted = {**lab.front_matter.get("limits", {}), **(overrides or {})}
            limits = cls(**{name: float(value) for name, value in wanted.items()})
            if not all(0 < value < math.inf for value in dataclasses.astuple(limits)):
                raise ValueError
        except (TypeError, ValueError, AttributeError):
            known = ", ".join(cls.__dataclass_fields__)
            raise UserError(f"The limits of {lab.name} ({lab.master}) are positive numbers under: {known}.") from None
        return limits

    @property
    def time_sentence(self) -> str:
        return (
            f"limits: {self.cell_seconds:g} s a cell, {self.case_seconds:g} s a case, "
            f"{self.notebook_seconds:g} s in all"
        )

    def met_by(self, error: str) -> str:
        """The sentence for a limit that an error's text names, or ""."""
        name = next((name for words, name in _WORDS.items() if words in error), "")
        return {
            "": "",
            "processes": f"It hit the limit of {self.processes:g} processes and threads.",
            "gpu": "The GPU's memory ran out; other submissions may share it.",
            "memory_gib": f"It hit the limit of {self.memory_gib:g} GiB of memory.",
            "file_mib": f"It hit the limit of {self.file_mib:g} MiB for one file.",
            "disk_mib": f"It hit the limit of {self.disk_mib:g} MiB for all files together.",
        }[name]
