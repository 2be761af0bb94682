"""Grade what is new of a class: jobs go out to an executor, verdicts come back to one writer.

A verdict is stored under the hash of what it depends on before anything is made of it; then the
gradebook gets it, in batches; then the graded notebook is put in its place, with a marker; an older
marker goes first of all. Killed anywhere in between, the next run finds no marker and takes the
stored verdict.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from autograder import gpu, pool, wall
from autograder.bridge.bookkeeping import Bookkeeper, GradedNotebook
from autograder.bridge.jobs import Job, Setting, grade_job, grading, key_of
from autograder.bridge.submission import read_submitted, side_files
from autograder.verdicts import MARKER, Verdicts
from autograder.version import submission_digest

if TYPE_CHECKING:
    from datetime import datetime

BATCH = 16
DRAFTS = ".grading"
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """How to grade: what to grade again, where, and behind what.

    `limits` win over the lab's; `workers` are local processes, unless `dask` is a scheduler's address.
    """

    regrade: bool = False
    wall: bool = True
    workers: int = 1
    dask: str = ""
    gpu_slots: int = gpu.SLOTS
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Summary:
    """What one run did. `seconds` holds one number a graded submission, `exercises` several by id."""

    graded: int = 0
    recalled: int = 0
    unchanged: int = 0
    outdated: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    exercises: dict[str, list[float]] = field(default_factory=dict)

    def add(self, result: dict[str, Any]) -> None:
        self.graded += 1
        self.seconds.append(result["seconds"])
        for name, value in result["by_exercise"].items():
            self.exercises.setdefault(name, []).append(value)

    def percentile(self, share: float) -> float:
        """Seconds per submission that `share` of the graded ones did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def slowest(self, count: int = 3) -> list[tuple[str, float]]:
        """The exercises whose cases took longest, by the median of their seconds."""
        medians = {name: statistics.median(values) for name, values in self.exercises.items() if name}
        return sorted(medians.items(), key=lambda item: -item[1])[:count]


@dataclass(frozen=True)
class Submission:
    """A collected submission; `digest` is of what is graded of it, `unread` why it could not be read."""

    student: str
    folder: Path
    notebook: bytes
    files: dict[str, bytes]
    note: str
    digest: str
    submitted_at: datetime | None
    unread: str = ""


class Run:
    """One grading of one lab in a class folder."""

    def __init__(self, folder: Path, setting: Setting, options: Options, books: Bookkeeper) -> None:
        self._folder, self._setting, self._options, self._books = folder, setting, options, books
        self._verdicts = Verdicts(folder / "verdicts" / setting.lab)
        self._waiting: list[tuple[Submission, str]] = []
        self.summary = Summary()

    def grade(self, submissions: Sequence[Submission], watch: Watch) -> Summary:
        """Grade those that have no verdict, or all with `regrade`; `watch` hears (done, of how many)."""
        new = list(self._new(submissions))
        done = 0
        jobs: dict[str, Submission] = {}
        for submission in new:
            stored = None if self._options.regrade else self._verdicts.get(self._key(submission))
            if stored is None:
                jobs[submission.student] = submission
            else:
                self.summary.recalled += 1
                self._take(submission, stored)
                done += 1
        for student, result in self._results(jobs) if jobs else ():
            self._finish(jobs[student], result)
            done += 1
            watch(done, len(new))
        self._write()
        return self.summary

    def _new(self, submissions: Sequence[Submission]) -> Iterator[Submission]:
        graded = self._books.graded()
        for submission in submissions:
            if submission.unread:
                self.summary.failed[submission.student] = submission.unread
                continue
            mark = read_marker(self._graded_folder(submission.student))
            if self._options.regrade or mark.get("submission") != submission.digest or submission.student not in graded:
                yield submission
            else:
                self.summary.unchanged += 1
                self.summary.outdated += mark.get("key") != self._key(submission)

    def _key(self, submission: Submission) -> str:
        return key_of(self._setting, submission.digest)

    def _results(self, jobs: Mapping[str, Submission]) -> Iterator[tuple[str, dict[str, Any] | Exception]]:
        wanted = [Job(self._setting, s.student, s.notebook, s.files) for s in jobs.values()]
        for job, result in pool.run_all(self._executor(len(jobs)), grade_job, wanted):
            yield job.student, result

    def _executor(self, jobs: int) -> Callable[[], Executor]:
        if self._options.dask:
            return pool.dask(self._options.dask)
        if self._setting.wall:
            wall.need()
        grading(self._setting).prepare()
        return pool.local(min(self._options.workers, jobs))

    def _finish(self, submission: Submission, result: dict[str, Any] | Exception) -> None:
        if isinstance(result, Exception):
            self.summary.failed[submission.student] = f"It could not be graded: {result or type(result).__name__}"
            return
        self._verdicts.put(self._key(submission), result)
        self._take(submission, result)
        self.summary.add(result)
        if len(self._waiting) >= BATCH:
            self._write()

    def _take(self, submission: Submission, result: dict[str, Any]) -> None:
        # A lone surrogate in a student's text can be written nowhere.
        self._waiting.append((submission, result["notebook"].encode("utf-8", "replace").decode()))

    def _write(self) -> None:
        """Record what is waiting: the gradebook first, then the notebooks with their markers."""
        batch = [
            GradedNotebook(submission.student, nbformat.v4.reads(text), submission.submitted_at)
            for submission, text in self._waiting
        ]
        for submission, _ in self._waiting:
            (self._graded_folder(submission.student) / MARKER).unlink(missing_ok=True)
        if batch:
            self._books.record(batch)
        for submission, text in self._waiting:
            self._place(submission, text)
        self._waiting = []

    def _place(self, submission: Submission, text: str) -> None:
        """Put a graded notebook and the files handed in with it where nbgrader looks for them, all at once."""
        draft = self._folder / DRAFTS / "notebooks" / submission.student
        draft.mkdir(parents=True)
        for path in submission.folder.glob("*"):
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                shutil.copy2(path, draft)
        (draft / f"{self._setting.lab}.ipynb").write_text(text, encoding="utf-8")
        mark = {"submission": submission.digest, "key": self._key(submission), "note": submission.note}
        (draft / MARKER).write_text(json.dumps(mark), encoding="utf-8")
        place = self._graded_folder(submission.student)
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(place)

    def _graded_folder(self, student: str) -> Path:
        return self._folder / "autograded" / student / self._setting.lab


def read_marker(graded_folder: Path) -> dict[str, Any]:
    """What was graded there, under what key, with what note; empty if nothing was, or not to the end."""
    try:
        return json.loads((graded_folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def read_collected(folder: Path, student: str, lab: str, submitted_at: datetime | None) -> Submission:
    """Read what was collected of a student; nothing in its folder is changed."""
    try:
        notebook, note = read_submitted(folder, lab)
        files = side_files(folder)
    except OSError as error:
        return Submission(student, folder, b"", {}, "", "", submitted_at, f"It could not be read: {error}.")
    return Submission(student, folder, notebook, files, note, submission_digest(notebook, files), submitted_at)
