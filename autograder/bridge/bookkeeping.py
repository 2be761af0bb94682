"""The gradebook's writer: batches of graded submissions, recorded as nbgrader's Autograde would."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer, load_only
from traitlets.config import Config

# nbgrader's models compute in subqueries what is not needed here.
ASSIGNMENT = load_only(Assignment.id, Assignment.duedate)
SUBMISSION = defer(SubmittedAssignment.max_task_score)
GRADE = load_only(Grade.cell_id, Grade.notebook_id, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
COMMENT = load_only(Comment.cell_id, Comment.notebook_id, Comment.auto_comment)


@dataclass(frozen=True)
class GradedNotebook:
    """A submission as `write_verdicts` leaves it; `submitted_at` is in UTC without a zone."""

    student: str
    notebook: NotebookNode
    submitted_at: datetime | None


@dataclass(frozen=True)
class _Lab:
    """A registered lab; its cells' rows by the cells' names."""

    assignment: Assignment
    notebook_id: str
    graded: dict[str, str]
    commented: dict[str, str]


@dataclass(frozen=True)
class _Entry:
    """One student's rows for the lab; grades and comments by the ids of the lab's cells."""

    submission: SubmittedAssignment
    notebook: SubmittedNotebook
    grades: dict[str, Grade] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)

    @property
    def seconds_late(self) -> float:
        # nbgrader stumbles over an extension of a lab that is never due.
        return float(self.submission.total_seconds_late) if self.submission.assignment.duedate else 0.0


class Bookkeeper:
    """Records graded submissions of one lab, which is one notebook of the lab's name.

    After `record` the gradebook holds what nbgrader's SaveAutoGrades and AssignLatePenalties,
    configured by `config`, would have left there. One writer at a time is expected.
    """

    def __init__(self, db_url: str, course_id: str, lab: str, config: Config, log: logging.Logger) -> None:
        self._lab = lab
        self._log = log
        self._penalties = AssignLatePenalties(config=config, log=log)
        # A plugin may ask its parent what it is about.
        self._penalties.assignment_id = self._penalties.notebook_id = lab
        self._gradebook = Gradebook(db_url, course_id)

    def __enter__(self) -> Bookkeeper:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._gradebook.close()

    def record(self, batch: Sequence[GradedNotebook]) -> None:
        """Record a batch in one transaction: all of it or, on any exception, nothing.

        Raises MissingEntry if the lab or a cell is not registered, and what nbgrader's scoring
        raises over an output. What was entered by hand stays; a grade with a manual score is
        marked for review. A submission without a time keeps the gradebook's.
        """
        with self._session() as db, db.begin():
            lab = _registered(db, self._lab)
            entries = _entries(db, lab, {graded.student for graded in batch})
            for graded in batch:
                self._save(lab, entries[graded.student], graded)
            db.flush()
            if self._penalties.enabled:
                self._penalize(db, entries)

    def graded(self) -> set[str]:
        """The students whose submission has at least one score by the autograder."""
        query = (
            select(SubmittedAssignment.student_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .where(Assignment.name == self._lab, Grade.auto_score.is_not(None))
            .distinct()
        )
        with self._session() as db:
            return set(db.scalars(query))

    def scores(self) -> dict[str, tuple[float, float]]:
        """Each submission's score and maximum, as nbgrader's `submission.score` and `.max_score`.

        As there, manual scores take precedence and late penalties are not subtracted.
        """
        query = (
            select(SubmittedAssignment.student_id, func.coalesce(func.sum(Grade.score), 0.0))
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .outerjoin(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .outerjoin(Grade, Grade.notebook_id == SubmittedNotebook.id)
            .where(Assignment.name == self._lab)
            .group_by(SubmittedAssignment.student_id)
        )
        with self._session() as db:
            top = float(db.scalar(select(Assignment.max_score).where(Assignment.name == self._lab)) or 0.0)
            return {student: (float(score), top) for student, score in db.execute(query)}

    def _session(self) -> Session:
        """A session of its own for each call: it holds no row that another process has changed since."""
        return Session(self._gradebook.engine, autoflush=False, expire_on_commit=False)

    def _save(self, lab: _Lab, entry: _Entry, graded: GradedNotebook) -> None:
        """As Autograde and SaveAutoGrades do."""
        if graded.submitted_at:
            entry.submission.timestamp = graded.submitted_at
        for cell in graded.notebook.cells:
            if is_grade(cell):
                grade = _row(entry.grades, lab.graded, cell, graded.student)
                grade.auto_score, _ = determine_grade(cell, self._log)
                grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            if is_solution(cell) or is_task(cell):
                untouched = not is_task(cell) and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
                comment = _row(entry.comments, lab.commented, cell, graded.student)
                comment.auto_comment = "No response." if untouched else None

    def _penalize(self, db: Session, entries: dict[str, _Entry]) -> None:
        late = [entry.notebook.id for entry in entries.values() if entry.seconds_late > 0]
        scores = _notebook_scores(db, late) if late else {}
        for student, entry in entries.items():
            score = scores.get(entry.notebook.id)
            penalty = None if score is None else self._penalty(student, score, entry.seconds_late)
            entry.notebook.late_submission_penalty = penalty

    def _penalty(self, student: str, score: float, seconds: float) -> float | None:
        """What nbgrader's configured plugin takes off, within 0 and the score; None for nothing."""
        self._penalties.student_id = student
        self._penalties.init_plugin()
        penalty = self._penalties.plugin_inst.late_submission_penalty(student, score, seconds)
        if penalty is None:
            return None
        return float(self._penalties._check_late_penalty(SimpleNamespace(score=score), penalty))


def _registered(db: Session, name: str) -> _Lab:
    """The lab and its cells, from the gradebook."""
    query = (
        select(Assignment, Notebook.id)
        .join(Notebook, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == name, Notebook.name == name)
        .options(ASSIGNMENT)
    )
    found = db.execute(query).one_or_none()
    if found is None:
        raise MissingEntry(f"No such notebook: {name}/{name}")
    cells = db.execute(select(BaseCell.type, BaseCell.name, BaseCell.id).where(BaseCell.notebook_id == found.id))
    ids: dict[str, dict[str, str]] = {"GradeCell": {}, "SolutionCell": {}, "TaskCell": {}}
    for kind, cell, cell_id in cells:
        ids[kind][cell] = cell_id
    return _Lab(found.Assignment, found.id, ids["TaskCell"] | ids["GradeCell"], ids["TaskCell"] | ids["SolutionCell"])


def _entries(db: Session, lab: _Lab, students: set[str]) -> dict[str, _Entry]:
    """The rows of each student; those that the gradebook lacks are made and added to the session."""
    known = set(db.scalars(select(Student.id).where(Student.id.in_(students))))
    db.add_all(Student(id=student) for student in sorted(students - known))
    entries = _stored(db, lab, students)
    for student in sorted(students - set(entries)):
        entries[student] = entry = _blank(lab, student)
        db.add_all([entry.submission, entry.notebook, *entry.grades.values(), *entry.comments.values()])
    return entries


def _stored(db: Session, lab: _Lab, students: set[str]) -> dict[str, _Entry]:
    """The rows that the gradebook has."""
    query = (
        select(SubmittedAssignment, SubmittedNotebook)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .where(SubmittedAssignment.assignment_id == lab.assignment.id, SubmittedAssignment.student_id.in_(students))
        .where(SubmittedNotebook.notebook_id == lab.notebook_id)
        .options(SUBMISSION)
    )
    entries = {notebook.id: _Entry(submission, notebook) for submission, notebook in db.execute(query)}
    # The tables' only indices begin with the cell: without it, each batch would read all grades of the course.
    grades = select(Grade).where(Grade.cell_id.in_(lab.graded.values()), Grade.notebook_id.in_(entries))
    for grade in db.scalars(grades.options(GRADE)):
        entries[grade.notebook_id].grades[grade.cell_id] = grade
    comments = select(Comment).where(Comment.cell_id.in_(lab.commented.values()), Comment.notebook_id.in_(entries))
    for comment in db.scalars(comments.options(COMMENT)):
        entries[comment.notebook_id].comments[comment.cell_id] = comment
    return {entry.submission.student_id: entry for entry in entries.values()}


def _blank(lab: _Lab, student: str) -> _Entry:
    """New rows, as `Gradebook.add_submission` makes them."""
    submission = SubmittedAssignment(id=new_uuid(), assignment_id=lab.assignment.id, student_id=student)
    notebook = SubmittedNotebook(id=new_uuid(), notebook_id=lab.notebook_id, assignment_id=submission.id)
    grades = {cell_id: Grade(cell_id=cell_id, notebook_id=notebook.id) for cell_id in lab.graded.values()}
    comments = {cell_id: Comment(cell_id=cell_id, notebook_id=notebook.id) for cell_id in lab.commented.values()}
    return _Entry(submission, notebook, grades, comments)


def _row(rows: dict[str, Any], ids: dict[str, str], cell: NotebookNode, student: str) -> Any:
    """The row of a cell; raises MissingEntry if the gradebook does not know the cell."""
    name = cell.metadata.nbgrader.get("grade_id", "")
    try:
        return rows[ids[name]]
    except KeyError:
        raise MissingEntry(f"No such cell in the gradebook: '{name}' for {student}") from None


def _notebook_scores(db: Session, notebook_ids: list[str]) -> dict[str, float]:
    """Sums that include the rows just flushed."""
    query = select(Grade.notebook_id, func.sum(Grade.score)).where(Grade.notebook_id.in_(notebook_ids))
    found = db.execute(query.group_by(Grade.notebook_id))
    return dict.fromkeys(notebook_ids, 0.0) | {key: float(score) for key, score in found}
