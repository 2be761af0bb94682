"""A class's way through nbgrader, in one process: release, fetch, submit, collect, grade, return."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.auth import Authenticator
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config

from autograder.bridge.bookkeeping import Bookkeeper
from autograder.bridge.cells import register
from autograder.bridge.config import configure
from autograder.bridge.exchange import came_through, sentence_of
from autograder.bridge.grading import DRAFTS, Options, Run, Submission, Summary, Watch, read_collected
from autograder.bridge.jobs import setting_of
from autograder.bridge.results import GradedSubmission, read_result
from autograder.bridge.submission import read_release
from autograder.course import Course
from autograder.errors import UserError
from autograder.files import workshop, write_whole

COURSE_ID = "winning-ticket"
OPTIONS = Options()


@dataclass(frozen=True)
class Receipt:
    """Proof of what was handed in: the notebook's SHA-256 and the time in UTC."""

    lab: str
    student: str
    sha256: str
    time: str


class Classroom:
    """One course in one folder, seen by its instructor or, with `student`, by a student.

    `db` is the gradebook's address in SQLAlchemy's form; by default SQLite in the folder.
    """

    def __init__(
        self,
        course: Course,
        folder: Path | None = None,
        exchange: Path | None = None,
        student: str = "",
        work: Path | None = None,
        db: str | None = None,
    ) -> None:
        self.course = course
        self.folder = folder or course.root / "build"
        self.work = work or course.root / "work"
        self.exchange = exchange or Path(os.environ.get("WINNING_TICKET_EXCHANGE", self.folder / "exchange"))
        self.student = student
        self.config = configure(Config(), course.root, self.folder, self.exchange, db)
        if student:
            self.config.CourseDirectory.student_id = student
            self.config.Exchange.assignment_dir = str(self.work)
            self.config.Exchange.cache = str(self.work / ".nbgrader-cache")
        self._log = logging.getLogger("winning_ticket.nbgrader")
        self._log.propagate = False
        if not self._log.handlers:
            self._log.addHandler(logging.NullHandler())

    @property
    def secrets_folder(self) -> Path:
        return Path(self.config.Judge.secrets_folder)

    @property
    def db_url(self) -> str:
        return str(self.config.CourseDirectory.db_url)

    def release(self, lab: str, force: bool = False) -> None:
        """Register a lab in the gradebook and put its student edition into the exchange."""
        notebook = self._edition(lab)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.exchange.mkdir(parents=True, exist_ok=True)
        with _quiet():
            self._register(notebook, lab)
        self._exchange("ReleaseAssignment", lab, force=force)

    def fetch(self, lab: str) -> Path:
        """Fetch a released lab into the work folder; never over work that is there."""
        target = self.work / lab
        if target.exists():
            raise UserError(
                f"You already have {target}; nothing was changed. Rename or move it away to fetch a fresh copy."
            )
        self.work.mkdir(parents=True, exist_ok=True)
        self._exchange("FetchAssignment", lab)
        return target

    def submit(self, lab: str) -> Receipt:
        """Hand a lab in; the receipt is also kept beside the work."""
        notebook = self.work / lab / f"{lab}.ipynb"
        if not notebook.is_file():
            others = ", ".join(sorted(path.name for path in (self.work / lab).glob("*.ipynb")))
            advice = f"Rename {others} back to {notebook.name}." if others else f"Begin with `autograder fetch {lab}`."
            raise UserError(f"There is no {notebook} to submit. {advice}")
        self._exchange("Submit", lab)
        digest = hashlib.sha256(notebook.read_bytes()).hexdigest()
        receipt = Receipt(lab, self.student, digest, datetime.now().astimezone().isoformat(timespec="seconds"))
        name = f"{lab}-{receipt.time.replace(':', '')}-{digest[:8]}.json"
        write_whole(self.work / "receipts" / name, (json.dumps(receipt.__dict__, indent=1) + "\n").encode())
        return receipt

    def collect(self, lab: str) -> list[str]:
        """Collect the newest submissions; returns all students who have one."""
        self._exchange("Collect", lab, update=True)
        return self.submitted(lab)

    def submitted(self, lab: str) -> list[str]:
        return sorted(path.parent.name for path in (self.folder / "submitted").glob(f"*/{lab}") if path.is_dir())

    def grade(
        self, lab: str, options: Options = OPTIONS, watch: Watch = lambda done, of: None
    ) -> tuple[list[GradedSubmission], Summary]:
        """Grade what is new (or everything, with `options.regrade`); returns all results and what was done.

        A submission that cannot be graded costs its neighbours nothing: its note says why.
        """
        notebook = self._edition(lab)
        students = self.submitted(lab)
        if not students:
            raise UserError(
                f"There are no submissions of {lab} in {self.folder / 'submitted'}. "
                f"Run `autograder collect {lab}` first."
            )
        setting = setting_of(self.course.lab(lab), self.secrets_folder, options.wall, options.limits, options.gpu_slots)
        with _quiet(), workshop(self.folder / DRAFTS):
            self._register(notebook, lab)
            with self._books(lab) as books:
                submissions = [self._collected(student, lab) for student in students]
                summary = Run(self.folder, setting, options, books).grade(submissions, watch)
        return self.results(lab, summary.failed), summary

    def results(self, lab: str, failed: Mapping[str, str] | None = None) -> list[GradedSubmission]:
        """What has been graded, by student; `failed` adds those that could not be, with the reason."""
        with _quiet(), self._books(lab) as books:
            scores = books.scores()
        exercises = [exercise.id for exercise in self.course.lab(lab).exercises]
        students = sorted({*scores, *(failed or {})} & set(self.submitted(lab)))
        folders = {student: self.folder / "autograded" / student / lab for student in students}
        return [
            read_result(student, folder / f"{lab}.ipynb", exercises, scores, (failed or {}).get(student, ""))
            for student, folder in folders.items()
        ]

    def _collected(self, student: str, lab: str) -> Submission:
        folder = self.folder / "submitted" / student / lab
        try:
            submitted_at = self._coursedir(lab).get_existing_timestamp(str(folder))
        except (ValueError, AttributeError, OSError):  # what nbgrader makes of a timestamp.txt that holds no time
            submitted_at = None
        return read_collected(folder, student, lab, submitted_at)

    def _books(self, lab: str) -> Bookkeeper:
        return Bookkeeper(self.db_url, COURSE_ID, lab, self.config, self._log)

    def feedback(self, lab: str) -> list[Path]:
        """Make the feedback pages of all graded submissions."""
        students = sorted(p.parent.name for p in (self.folder / "autograded").glob(f"*/{lab}") if p.is_dir())
        if not students:
            raise UserError(f"No submission of {lab} has been graded. Run `autograder grade {lab}` first.")
        with _quiet():
            errors = [e for s in students if (e := self._convert(GenerateFeedback, lab, s, force=True))]
        if errors:
            raise UserError(f"Feedback could not be made: {errors[0]}")
        return [self.folder / "feedback" / student / lab / f"{lab}.html" for student in students]

    def release_feedback(self, lab: str) -> list[str]:
        """Put feedback into the exchange; returns students whose work did not come through it."""
        folders = {path.parent.name: path for path in (self.folder / "feedback").glob(f"*/{lab}")}
        outside = sorted(name for name, path in folders.items() if not came_through(path))
        self._exchange("ReleaseFeedback", lab, exclude=outside)
        return outside

    def fetch_feedback(self, lab: str) -> list[Path]:
        """Fetch feedback into `work/<lab>/feedback/`."""
        self._exchange("FetchFeedback", lab)
        return sorted((self.work / lab / "feedback").rglob("*.html"))

    def export(self, path: Path) -> Path:
        """Write all grades as CSV, through nbgrader's export plugin."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with _quiet(), Gradebook(self.db_url, COURSE_ID) as gradebook:
            plugin = CsvExportPlugin(config=self.config, log=self._log)
            plugin.to = str(path)
            plugin.export(gradebook)
        return path

    def _edition(self, lab: str) -> Any:
        self.course.lab(lab)
        try:
            return read_release(self.course.labs_folder, lab)
        except FileNotFoundError:
            raise UserError(f"Lab '{lab}' has not been built. Run `autograder build {lab}` first.") from None

    def _register(self, notebook: Any, lab: str) -> None:
        try:
            register(notebook, lab, self.db_url, COURSE_ID)
        except RuntimeError as error:
            raise UserError(
                f"{error}. Submissions exist for an earlier edition; grade them before releasing this one."
            ) from None

    def _coursedir(self, lab: str, student: str = "") -> CourseDirectory:
        coursedir = CourseDirectory(config=self.config, log=self._log)
        coursedir.assignment_id = lab
        if student:
            coursedir.student_id = student
        return coursedir

    def _exchange(self, step: str, lab: str, exclude: Sequence[str] = (), **traits: Any) -> None:
        if self.student and not self.exchange.is_dir():
            raise UserError(
                f"There is no class exchange at {self.exchange}. Ask your instructor for the folder and name it with "
                "--exchange or in the variable WINNING_TICKET_EXCHANGE."
            )
        factory = ExchangeFactory(config=self.config, log=self._log)
        coursedir = self._coursedir(lab)
        coursedir.student_id_exclude = ",".join(exclude)
        authenticator = Authenticator(config=self.config, log=self._log)
        app = getattr(factory, step)(
            coursedir=coursedir, authenticator=authenticator, config=self.config, log=self._log
        )
        for name, value in traits.items():
            setattr(app, name, value)
        try:
            with _quiet():
                app.start()
        except ExchangeError as error:
            raise UserError(sentence_of(step, lab, str(error))) from None
        except PermissionError as error:
            raise UserError(
                f"No permission to write {error.filename}. Ask who owns the folder, or choose another one."
            ) from None

    def _convert(self, converter: Any, lab: str, student: str, **traits: Any) -> str:
        """Run one of nbgrader's converters for one student; returns an error in a sentence, or ''."""
        app = converter(coursedir=self._coursedir(lab, student), config=self.config, log=self._log)
        for name, value in traits.items():
            setattr(app, name, value)
        records = _Records()
        self._log.addHandler(records)
        try:
            app.start()
        except Exception as error:
            _, ours, sentence = records.last.partition(f"{UserError.__module__}.{UserError.__qualname__}: ")
            if ours:
                raise UserError(sentence) from None
            return f"nbgrader stopped on this submission: {records.last or error}"
        finally:
            self._log.removeHandler(records)
        return ""


class _Records(logging.Handler):
    """Remembers the last line of the last error that nbgrader logged."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR and "Traceback" in record.getMessage():
            self.last = record.getMessage().strip().splitlines()[-1]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep library warnings and log lines that no reader can act on off the terminal."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.handlers[:], root.level = handlers, level
