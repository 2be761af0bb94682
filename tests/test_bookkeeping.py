"""Does the gradebook hold what nbgrader itself would have put there, batch by batch?"""

from __future__ import annotations

import copy
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Base, Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin
from sqlalchemy import Engine, event, select
from traitlets.config import Config

from autograder.bridge.bookkeeping import Bookkeeper, GradedNotebook
from autograder.bridge.cells import register, stamp
from autograder.bridge.config import configure
from autograder.course import Lab
from tests.toy import RIGHT

COURSE = "winning-ticket"
LOG = logging.getLogger("tests.bookkeeping")
DUE = datetime(2026, 1, 10, 12)
HALF = "def scale(x, k):\n    return abs(k) * x"
WRONG = "def scale(x, k):\n    return x + k"


class ByName(LateSubmissionPlugin):
    """Penalties of every kind: nbgrader clips those below 0 and above the score."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        hours = total_seconds_late / 3600
        return {"forgiven": None, "rewarded": -1.0, "ruined": 400.0}.get(student_id, hours / 2)


def dump(db_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, ordered; each generated id replaced by what its row says."""
    meaning: dict[Any, Any] = {}
    found = {}
    with Gradebook(db_url, COURSE) as gradebook:
        for table in Base.metadata.sorted_tables:
            rows = []
            for row in gradebook.db.execute(select(table)).mappings():
                generated = table.c.id.default is not None and row["id"] not in meaning
                row_says = tuple(
                    meaning.get(value, value) for key, value in row.items() if not (generated and key == "id")
                )
                if generated:
                    meaning[row["id"]] = row_says
                rows.append(row_says)
            found[table.name] = sorted(rows, key=repr)
    return found


# --- against nbgrader's own Autograde -------------------------------------------------------------

# student: (answer or None for the untouched lab, hours after the due date or None for no time)
FIRST: dict[str, tuple[str | None, float | None]] = {
    "right": (RIGHT, -1),
    "wrong": (WRONG, -3),
    "untouched": (None, -4),
    "late": (RIGHT, 2),
    "late-untouched": (None, 1),
    "forgiven": (RIGHT, 5),
    "rewarded": (RIGHT, 5),
    "ruined": (HALF, 5),
    "undated": (RIGHT, None),
    "cell-deleted": ("", -1),
    "manual": (HALF, 1),
    "extended": (RIGHT, 3),
}
# The last two hand in nothing new: in between, an instructor has worked on them.
SECOND: dict[str, tuple[str | None, float | None]] = {
    "right": (WRONG, -0.5),
    "wrong": (RIGHT, 0.5),
    "late": (RIGHT, None),
    "untouched": (HALF, -1),
    "manual": FIRST["manual"],
    "extended": FIRST["extended"],
}


def hand_in(folder: Path, lab: Lab, student: str, answer: str | None, hours: float | None) -> None:
    notebook = nbformat.read(lab.edition / "toy.ipynb", as_version=4)
    solutions = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    for cell in solutions:
        cell.source = cell.source if answer is None else answer
        if student == "cell-deleted":
            notebook.cells.remove(cell)
    place = folder / "submitted" / student / "toy"
    place.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, place / "toy.ipynb")
    (place / "timestamp.txt").unlink(missing_ok=True)
    if hours is not None:
        (place / "timestamp.txt").write_text(f"{DUE + timedelta(hours=hours)} UTC")


def autograde(config: Config, student: str) -> None:
    """As Classroom.grade did before there was a Bookkeeper."""
    coursedir = CourseDirectory(config=config, log=LOG)
    coursedir.assignment_id, coursedir.student_id = "toy", student
    app = Autograde(coursedir=coursedir, config=config, log=LOG)
    app.force = app.create_student = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.start()


def autograded(config: Config, student: str) -> GradedNotebook:
    """What Autograde left of a submission."""
    coursedir = CourseDirectory(config=config, log=LOG)
    place = Path(coursedir.format_path(coursedir.autograded_directory, student, "toy"))
    notebook = nbformat.read(place / "toy.ipynb", as_version=4)
    return GradedNotebook(student, notebook, coursedir.get_existing_timestamp(str(place)))


def grade_by_hand(db_url: str) -> None:
    """An instructor's work between two gradings."""
    with Gradebook(db_url, COURSE) as gradebook:
        grade = gradebook.find_grade("toy-scale-check", "toy", "toy", "manual")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 3.5, 0.25, False
        gradebook.find_comment("toy-scale", "toy", "toy", "manual").manual_comment = "Nearly."
        gradebook.find_grade("toy-scale-check", "toy", "toy", "late").extra_credit = 1.0
        gradebook.grant_extension("toy", "extended", hours=1)
        gradebook.db.commit()


def open_toy(db_url: str, lab: Lab) -> None:
    register(nbformat.read(lab.edition / "toy.ipynb", as_version=4), "toy", db_url, COURSE)
    with Gradebook(db_url, COURSE) as gradebook:
        gradebook.update_or_create_assignment("toy", duedate=DUE)
        gradebook.add_student("right", first_name="Rosa", email="rosa@example.org")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, toy_lab: Lab) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """nbgrader's gradebook and ours: their addresses, and dumps after a grading and a regrading."""
    folder = tmp_path_factory.mktemp("class")
    config = configure(Config(), toy_lab.course.root, folder)
    config.AssignLatePenalties.plugin_class = ByName
    config.Judge.wall = False  # the answers are this file's
    urls = {"nbgrader": config.CourseDirectory.db_url, "ours": f"sqlite:///{folder / 'ours.db'}"}
    dumps: dict[str, list[Any]] = {name: [] for name in urls}
    for url in urls.values():
        open_toy(url, toy_lab)
    for number, submissions in enumerate((FIRST, SECOND)):
        for student, (answer, hours) in submissions.items():
            hand_in(folder, toy_lab, student, answer, hours)
            autograde(config, student)
        with Bookkeeper(urls["ours"], COURSE, "toy", config, LOG) as bookkeeper:
            bookkeeper.record([autograded(config, student) for student in submissions])
        for name, url in urls.items():
            dumps[name].append(dump(url))
            if number == 0:
                grade_by_hand(url)
    return urls, dumps


@pytest.mark.slow
@pytest.mark.parametrize("grading", [0, 1])
@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_every_table_is_as_nbgrader_leaves_it(both, table, grading):
    _, dumps = both
    assert dumps["ours"][grading][table] == dumps["nbgrader"][grading][table]


@pytest.mark.slow
def test_the_compared_class_has_every_kind_of_row(both):
    """Else equal dumps would prove little."""
    urls, dumps = both
    assert dumps["ours"][0] != dumps["ours"][1]
    with Gradebook(urls["nbgrader"], COURSE) as gradebook:
        penalties = {
            s.student_id: s.notebooks[0].late_submission_penalty for s in gradebook.find_assignment("toy").submissions
        }
        grade = gradebook.find_grade("toy-scale-check", "toy", "toy", "manual")
        comment = gradebook.find_comment("toy-scale", "toy", "toy", "manual")
        assert gradebook.find_comment("toy-scale", "toy", "toy", "late-untouched").auto_comment == "No response."
    assert (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade) == (
        2.0,
        3.5,
        0.25,
        True,
    )
    assert comment.comment == "Nearly."
    assert penalties["late"] == penalties["extended"] == 1.0
    assert penalties["ruined"] == 2.0
    assert penalties["rewarded"] == 0.0
    assert penalties["forgiven"] is penalties["right"] is None


@pytest.mark.slow
def test_scores_are_nbgraders_own(both, toy_lab):
    urls, _ = both
    with Gradebook(urls["nbgrader"], COURSE) as gradebook:
        theirs = {s.student_id: (s.score, s.max_score) for s in gradebook.find_assignment("toy").submissions}
    with Bookkeeper(urls["ours"], COURSE, "toy", Config(), LOG) as bookkeeper:
        assert bookkeeper.scores() == theirs
        assert bookkeeper.graded() == set(FIRST)


# --- rules that hold for any notebook -------------------------------------------------------------


def lab_notebook(exercises: int) -> NotebookNode:
    """A lab as it is released: an answer cell and a check of 3 points per exercise."""
    cells = []
    for n in range(exercises):
        fields = {"schema_version": 3, "task": False, "locked": False}
        answer = fields | {"grade_id": f"e{n}", "solution": True, "grade": False}
        check = fields | {"grade_id": f"e{n}-check", "solution": False, "grade": True, "locked": True, "points": 3}
        cells.append(new_code_cell(f"def f{n}(): ...", metadata={"nbgrader": answer}))
        cells.append(new_code_cell(f"check({n})", metadata={"nbgrader": check}))
    return stamp(new_notebook(cells=cells))


RELEASE = lab_notebook(3)


def graded(student: str, *points: float, answer: str = "return 1", hours: float | None = -1) -> GradedNotebook:
    """A submission of RELEASE with its verdicts; with `answer` "" its answers are untouched."""
    notebook = copy.deepcopy(RELEASE)
    for cell in notebook.cells[::2]:
        cell.source += answer
    for cell, score in zip(notebook.cells[1::2], points, strict=True):
        cell.outputs = [new_output("execute_result", data={"text/plain": repr(score)})]
    return GradedNotebook(student, notebook, None if hours is None else DUE + timedelta(hours=hours))


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook that knows RELEASE as "lab", and another lab with submissions; not to be written to."""
    path = tmp_path_factory.mktemp("registered") / "gradebook.db"
    url = f"sqlite:///{path}"
    for name in ("lab", "other"):
        register(copy.deepcopy(RELEASE), name, url, COURSE)
    with Gradebook(url, COURSE) as gradebook:
        gradebook.update_or_create_assignment("lab", duedate=DUE)
    with Bookkeeper(url, COURSE, "other", Config(), LOG) as bookkeeper:
        bookkeeper.record([graded("ann", 3.0, 3.0, 3.0), graded("elsewhere", 1.0, 1.0, 1.0)])
    return path


@pytest.fixture
def db_url(tmp_path: Path, registered: Path) -> str:
    """A copy of that gradebook: nbgrader takes seconds to make a new one."""
    return f"sqlite:///{shutil.copy(registered, tmp_path / 'gradebook.db')}"


@pytest.fixture
def bookkeeper(db_url: str) -> Iterator[Bookkeeper]:
    config = Config()
    config.LateSubmissionPlugin.penalty_method = "zero"
    with Bookkeeper(db_url, COURSE, "lab", config, LOG) as bookkeeper:
        yield bookkeeper


BATCH = [graded("ann", 3.0, 1.5, 0.0), graded("bob", 0.0, 0.1, 0.2, hours=2), graded("eve", 0.0, 0.0, 0.0, answer="")]


def test_recording_a_batch_again_changes_nothing(bookkeeper, db_url):
    bookkeeper.record(BATCH)
    before = dump(db_url)
    bookkeeper.record(BATCH)
    assert dump(db_url) == before


def test_how_a_class_is_cut_into_batches_changes_nothing(bookkeeper, db_url):
    bookkeeper.record(BATCH)
    before = dump(db_url)
    with Gradebook(db_url, COURSE) as gradebook:
        for student in ("ann", "bob", "eve"):
            gradebook.remove_submission("lab", student)
    bookkeeper.record([])
    for submission in BATCH:
        bookkeeper.record([submission])
    assert dump(db_url) == before


def with_unknown_cell(submission: GradedNotebook) -> GradedNotebook:
    submission.notebook.cells[-1].metadata.nbgrader.grade_id = "unknown"
    return submission


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [(graded("mia", 3.0, 3.0, 400.0), ValueError), (with_unknown_cell(graded("mia", 3.0, 3.0, 3.0)), MissingEntry)],
)
def test_an_exception_leaves_nothing_of_the_batch(bookkeeper, db_url, spoilt, error):
    bookkeeper.record(BATCH[:1])
    before = dump(db_url)
    with pytest.raises(error):
        bookkeeper.record([graded("ann", 0.0, 0.0, 0.0), *BATCH[1:], spoilt])
    assert dump(db_url) == before
    bookkeeper.record(BATCH)
    assert bookkeeper.graded() == {"ann", "bob", "eve"}


class Fails(LateSubmissionPlugin):
    """An instructor's plugin with a mistake in it: it is met when all scores are already written."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        raise ZeroDivisionError


def test_a_failing_penalty_leaves_nothing_of_the_batch(db_url):
    config = Config()
    config.AssignLatePenalties.plugin_class = Fails
    before = dump(db_url)
    with Bookkeeper(db_url, COURSE, "lab", config, LOG) as bookkeeper, pytest.raises(ZeroDivisionError):
        bookkeeper.record(BATCH)
    assert dump(db_url) == before


def test_penalties_that_are_switched_off_are_left_alone(db_url):
    config = Config()
    config.AssignLatePenalties.enabled = False
    config.LateSubmissionPlugin.penalty_method = "zero"
    with Bookkeeper(db_url, COURSE, "lab", config, LOG) as bookkeeper:
        bookkeeper.record([graded("bob", 1.0, 1.0, 1.0, hours=2)])
    with Gradebook(db_url, COURSE) as gradebook:
        assert gradebook.find_submission("lab", "bob").notebooks[0].late_submission_penalty is None


def test_a_lab_that_is_not_registered_is_refused(db_url):
    with Bookkeeper(db_url, COURSE, "missing", Config(), LOG) as bookkeeper:
        with pytest.raises(MissingEntry):
            bookkeeper.record(BATCH)
        assert bookkeeper.scores() == {}
        assert bookkeeper.graded() == set()


def comments(db_url: str, student: str) -> list[str | None]:
    with Gradebook(db_url, COURSE) as gradebook:
        return [gradebook.find_comment(f"e{n}", "lab", "lab", student).auto_comment for n in range(3)]


def test_untouched_answers_are_said_until_they_are_worked(bookkeeper, db_url):
    submission = graded("eve", 0.0, 0.0, 0.0, answer="")
    submission.notebook.cells[2].source = "def f1(): return 1"
    bookkeeper.record([submission])
    assert comments(db_url, "eve") == ["No response.", None, "No response."]
    bookkeeper.record([graded("eve", 3.0, 3.0, 3.0)])
    assert comments(db_url, "eve") == [None, None, None]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own way of adding one
def test_a_submission_without_grades_is_not_graded(bookkeeper, db_url):
    bookkeeper.record(BATCH[:2])
    with Gradebook(db_url, COURSE) as gradebook:
        gradebook.add_student("new")
        gradebook.add_submission("lab", "new")
    assert bookkeeper.graded() == {"ann", "bob"}
    assert bookkeeper.scores()["new"] == (0.0, 9.0)


def test_scores_count_manual_scores_and_extra_credit_but_no_penalty_as_in_nbgrader(bookkeeper, db_url):
    bookkeeper.record([*BATCH, graded("late", 3.0, 2.0, 1.0, hours=1)])
    with Gradebook(db_url, COURSE) as gradebook:
        first, second = (gradebook.find_grade(f"e{n}-check", "lab", "lab", "ann") for n in range(2))
        first.manual_score, first.extra_credit, second.extra_credit = 2.0, 0.5, 0.25
        gradebook.db.commit()
        theirs = {s.student_id: (s.score, s.max_score) for s in gradebook.find_assignment("lab").submissions}
        assert gradebook.find_submission("lab", "late").late_submission_penalty == 6.0
    ours = bookkeeper.scores()
    assert ours["ann"] == (4.25, 9.0)
    assert ours["late"] == (6.0, 9.0)
    assert ours == {student: pytest.approx(pair) for student, pair in theirs.items()}


def test_a_manual_score_survives_and_is_marked_for_review(bookkeeper, db_url):
    bookkeeper.record(BATCH)
    with Gradebook(db_url, COURSE) as gradebook:
        grade = gradebook.find_grade("e0-check", "lab", "lab", "ann")
        grade.manual_score, grade.needs_manual_grade = 2.0, False
        gradebook.db.commit()
    bookkeeper.record([graded("ann", 1.0, 1.0, 1.0)])
    with Gradebook(db_url, COURSE) as gradebook:
        grade = gradebook.find_grade("e0-check", "lab", "lab", "ann")
        assert (grade.auto_score, grade.manual_score, grade.needs_manual_grade) == (1.0, 2.0, True)


def test_a_submission_without_a_time_keeps_the_one_it_had(bookkeeper, db_url):
    bookkeeper.record([graded("bob", 1.0, 1.0, 1.0, hours=2)])
    bookkeeper.record([graded("bob", 3.0, 1.0, 1.0, hours=None)])
    with Gradebook(db_url, COURSE) as gradebook:
        submission = gradebook.find_submission("lab", "bob")
        assert submission.timestamp == DUE + timedelta(hours=2)
        assert submission.late_submission_penalty == 5.0


def test_of_two_submissions_by_one_student_the_later_in_the_batch_counts(bookkeeper):
    bookkeeper.record([graded("ann", 3.0, 3.0, 3.0), graded("ann", 1.0, 0.0, 0.0)])
    assert bookkeeper.scores() == {"ann": (1.0, 9.0)}


def test_an_extension_of_a_lab_that_is_never_due_is_no_mistake(bookkeeper, db_url):
    bookkeeper.record(BATCH)
    with Gradebook(db_url, COURSE) as gradebook:
        gradebook.grant_extension("lab", "bob", days=1)
        gradebook.find_assignment("lab").duedate = None
        gradebook.db.commit()
    bookkeeper.record(BATCH)
    with Gradebook(db_url, COURSE) as gradebook:
        assert gradebook.find_submission("lab", "bob").late_submission_penalty == 0.0


def statements(work: Callable[[], object]) -> int:
    """How often a piece of work goes to a database."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(sent)


def test_a_class_takes_as_many_queries_as_a_student(bookkeeper):
    pupils = [graded(f"s{n}", 1.0, 2.0, 3.0, hours=n % 2) for n in range(24)]
    first, again = (statements(lambda: bookkeeper.record(pupils[:2])) for _ in range(2))
    assert statements(lambda: bookkeeper.record(pupils[2:])) == first
    assert statements(lambda: bookkeeper.record(pupils)) == again
    assert max(first, again) <= 15
    assert statements(bookkeeper.graded) == 1
    assert statements(bookkeeper.scores) == 2
