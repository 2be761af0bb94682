"""Does grading a class end well whatever is killed, exhausted, missing or broken on the way?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.api
import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook

from autograder import wall
from autograder.bridge import grading as running
from autograder.bridge import jobs
from autograder.bridge.bookkeeping import Bookkeeper
from autograder.bridge.classroom import Classroom
from autograder.bridge.grading import Options, Summary, read_marker
from autograder.bridge.jobs import Job
from autograder.cli import main
from autograder.compose import build
from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.expect import hidden_expectations
from autograder.verdicts import Verdicts
from tests.marks import notes_of
from tests.processes import family, processes, soon
from tests.test_bookkeeping import HALF, WRONG, hand_in
from tests.toy import RIGHT, add_toy_lab
from tests.walls import need_wall

pytestmark = pytest.mark.slow

SECRET = "5" * 64  # one for all classes, so that they share a warm parent
CLASS = {"half": HALF, "right": RIGHT, "untouched": None, "wrong": WRONG}
SCORES = {"half": 2.0, "right": 4.0, "untouched": 0.0, "wrong": 0.0}
TWO = Options(workers=2)


def classroom(lab: Lab, folder: Path, answers: dict[str, str | None]) -> Classroom:
    """A class in a folder of its own, its submissions collected."""
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    (folder / "secrets" / "toy").write_text(SECRET)
    for student, answer in answers.items():
        hand_in(folder, lab, student, answer, None)
    return Classroom(lab.course, folder)


@pytest.fixture(autouse=True)
def known_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """nbgrader asks a program for its database's version, for seconds, whenever it makes a gradebook."""
    monkeypatch.setattr(nbgrader.api, "get_alembic_version", alembic_version)


alembic_version = lru_cache(nbgrader.api.get_alembic_version)


@pytest.fixture
def toy_class(toy_lab: Lab, tmp_path: Path) -> Classroom:
    """Four submissions that nobody has graded."""
    need_wall()
    return classroom(toy_lab, tmp_path / "class", CLASS)


@pytest.fixture
def graded_class(toy_class: Classroom) -> Classroom:
    toy_class.grade("toy", TWO)
    return toy_class


def scores(teacher: Classroom) -> dict[str, float]:
    return {row.student: row.score for row in teacher.results("toy")}


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.graded, summary.recalled, summary.unchanged, summary.outdated


def snapshot(teacher: Classroom) -> dict[Path, tuple[bytes, int]]:
    """Content and time of everything that a grading writes."""
    places = [teacher.folder / "gradebook.db"]
    for name in ("autograded", "verdicts"):
        places += [path for path in (teacher.folder / name).rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in places}


def changed(before: dict[Path, tuple[bytes, int]], after: dict[Path, tuple[bytes, int]]) -> set[str]:
    """The students whose graded notebooks are not as they were."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path.parent.parent.name for path in paths if path.suffix == ".ipynb"}


def notebook(teacher: Classroom, student: str) -> Any:
    return nbformat.read(teacher.folder / "autograded" / student / "toy" / "toy.ipynb", as_version=4)


def told(teacher: Classroom, student: str) -> str:
    """All that the grader says to a student."""
    graded = notebook(teacher, student)
    return " ".join([graded.metadata.winning_ticket.verdicts["toy.scale"]["reason"], *notes_of(graded)])


def command(teacher: Classroom, *arguments: str) -> Result:
    """The command, in this process."""
    line = ["grade", "toy", "--class-folder", str(teacher.folder), "--workers", "2", *arguments]
    return CliRunner(env={"WINNING_TICKET_ROOT": str(teacher.course.root), "COLUMNS": "300"}).invoke(main, line)


# --- what is graded -------------------------------------------------------------------------------


def test_a_second_run_grades_nothing_and_writes_nothing(graded_class):
    before = snapshot(graded_class)
    _, summary = graded_class.grade("toy", TWO)
    assert scores(graded_class) == SCORES
    assert counts(summary) == (0, 0, 4, 0)
    assert snapshot(graded_class) == before


def test_what_is_new_or_changed_is_graded_alone(graded_class, toy_lab):
    before = snapshot(graded_class)
    hand_in(graded_class.folder, toy_lab, "wrong", f"{RIGHT} + 0", None)
    _, summary = graded_class.grade("toy", TWO)
    between = snapshot(graded_class)
    assert counts(summary) == (1, 0, 3, 0)
    assert changed(before, between) == {"wrong"}
    hand_in(graded_class.folder, toy_lab, "new", f"{HALF} + 0", None)
    _, summary = graded_class.grade("toy", TWO)
    assert counts(summary) == (1, 0, 4, 0)
    assert changed(between, snapshot(graded_class)) == {"new"}
    assert scores(graded_class) == SCORES | {"wrong": 4.0, "new": 2.0}


def test_a_submission_handed_in_again_as_it_once_was_is_recalled(graded_class, toy_lab):
    for answer in (RIGHT, WRONG):
        hand_in(graded_class.folder, toy_lab, "wrong", answer, None)
        _, summary = graded_class.grade("toy", TWO)
        assert counts(summary) == (0, 1, 3, 0)
    assert scores(graded_class) == SCORES


def test_two_students_with_the_same_content_get_the_same(toy_class, toy_lab):
    hand_in(toy_class.folder, toy_lab, "twin", RIGHT, None)
    _, summary = toy_class.grade("toy", TWO)
    assert summary.graded + summary.recalled == 5
    assert scores(toy_class) == SCORES | {"twin": 4.0}


def test_a_regrade_keeps_what_was_entered_by_hand(graded_class):
    with Gradebook(graded_class.db_url, "winning-ticket") as gradebook:
        grade = gradebook.find_grade("toy-scale-check", "toy", "toy", "half")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 3.5, 0.25, False
        gradebook.find_comment("toy-scale", "toy", "toy", "half").manual_comment = "Nearly."
        gradebook.find_grade("toy-scale-check", "toy", "toy", "wrong").extra_credit = 1.0
        gradebook.db.commit()
    _, summary = graded_class.grade("toy", Options(regrade=True, workers=2))
    assert counts(summary) == (4, 0, 0, 0)
    assert scores(graded_class) == SCORES | {"half": 3.75, "wrong": 1.0}
    with Gradebook(graded_class.db_url, "winning-ticket") as gradebook:
        grade = gradebook.find_grade("toy-scale-check", "toy", "toy", "half")
        assert (grade.auto_score, grade.manual_score, grade.extra_credit) == (2.0, 3.5, 0.25)
        assert gradebook.find_comment("toy-scale", "toy", "toy", "half").comment == "Nearly."
        needy = {s: gradebook.find_grade("toy-scale-check", "toy", "toy", s).needs_manual_grade for s in CLASS}
    assert needy == {"half": True, "right": False, "untouched": False, "wrong": False}


def test_other_limits_outdate_and_a_new_seed_grades_all(graded_class, monkeypatch):
    assert counts(graded_class.grade("toy", Options(workers=2, limits={"case_seconds": 4}))[1]) == (0, 0, 4, 4)
    monkeypatch.setattr(running.Run, "_executor", lambda run, jobs: running.pool.local(1))
    monkeypatch.setattr(running, "grade_job", as_if_graded)
    old = read_marker(graded_class.folder / "autograded" / "right" / "toy")
    assert "Graded 4 in" in command(graded_class, "--new-seed").output
    assert read_marker(graded_class.folder / "autograded" / "right" / "toy")["key"] != old["key"]
    assert (graded_class.folder / "secrets" / "toy").read_text().strip() != SECRET


def as_if_graded(job: Job) -> dict[str, Any]:
    """Nothing is run: the submission with a score that its check cell shows."""
    found = jobs.assemble(job)
    for cell in found.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            data = {"text/plain": "3.0"}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=None)]
    return {"notebook": nbformat.v4.writes(found), "seconds": 0.0, "by_exercise": {}}


# --- killed ---------------------------------------------------------------------------------------


def killed(act: Callable[[], object]) -> None:
    """Act in a fork of this process, which the act must kill; all that it started must end with it."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            act()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the run went on"
    assert soon(lambda: not [p for p in processes() if p.session == pid])


def kill_at(patch: pytest.MonkeyPatch, owner: Any, name: str, number: int, after: bool = False) -> None:
    """Have this process killed at the `number`-th call of a function, before or after it does its work."""
    work, calls = getattr(owner, name), iter(range(1, 10**6))

    def replacement(*args: Any, **named: Any) -> Any:
        last = next(calls) == number
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*args, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    patch.setattr(owner, name, replacement)


# where: (owner, function, which call, after it?), and how many verdicts are stored by then
MOMENTS: dict[str, tuple[tuple[Any, str, int, bool], int]] = {
    "before the first verdict": ((Verdicts, "put", 1, False), 0),
    "while a verdict is written": ((os, "replace", 2, False), 1),
    "after the third verdict": ((Verdicts, "put", 3, True), 3),
    "within the gradebook's transaction": ((Bookkeeper, "_save", 2, False), 2),
    "between gradebook and notebooks": ((running.Run, "_place", 1, False), 2),
    "between two notebooks": ((running.Run, "_place", 1, True), 2),
    "before a notebook takes its place": ((Path, "rename", 2, False), 2),
    "between two batches": ((running.Run, "_write", 1, True), 2),
    "at the very end": ((running.Run, "_write", 3, True), 4),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_at_any_moment_is_gone_and_goes_on(toy_class, monkeypatch, moment):
    place, stored = MOMENTS[moment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BATCH", 2)
        kill_at(patch, *place)
        killed(lambda: toy_class.grade("toy", TWO))
    assert len(list((toy_class.folder / "verdicts" / "toy").glob("*.json"))) == stored
    _, summary = toy_class.grade("toy", TWO)
    assert summary.graded == 4 - stored
    assert summary.recalled + summary.unchanged == stored
    assert_all_in_place(toy_class)
    assert counts(toy_class.grade("toy", TWO)[1]) == (0, 0, 4, 0)


def assert_all_in_place(teacher: Classroom) -> None:
    """Gradebook, notebooks and markers say the same of every student."""
    assert scores(teacher) == SCORES
    points = {s: notebook(teacher, s).metadata.winning_ticket.verdicts["toy.scale"]["points"] for s in SCORES}
    assert points == SCORES
    assert all(read_marker(teacher.folder / "autograded" / student / "toy") for student in SCORES)


@pytest.mark.parametrize(
    "place", [(Bookkeeper, "record", 1, True), (Path, "rename", 2, False)], ids=lambda place: place[1]
)
def test_a_regrade_that_was_killed_leaves_no_notebook_that_disagrees_with_the_gradebook(graded_class, place):
    """As if all had been graded with an earlier state of the lab."""
    for student in CLASS:
        folder = graded_class.folder / "autograded" / student / "toy"
        old = notebook(graded_class, student)
        old.metadata.winning_ticket.verdicts["toy.scale"]["points"] = 1.0
        nbformat.write(old, folder / "toy.ipynb")
        (folder / ".verdict").write_text(json.dumps(read_marker(folder) | {"key": "earlier"}))
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, *place)
        killed(lambda: graded_class.grade("toy", Options(regrade=True, workers=2)))
    _, summary = graded_class.grade("toy", TWO)
    assert (summary.graded, summary.outdated) == (0, 0)
    assert_all_in_place(graded_class)


def start_grading(teacher: Classroom) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "autograder", "grade", "toy", "--workers", "2", "--class-folder", str(teacher.folder)]
    environment = {**os.environ, "WINNING_TICKET_ROOT": str(teacher.course.root)}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(line, env=environment, stdout=quiet, stderr=quiet, start_new_session=True)


def walled(process: subprocess.Popen[bytes]) -> bool:
    members = {pid for pid, _ in family(process.pid)}
    return any(p.pid in members and " -m autograder.parent" in p.line for p in processes())


@pytest.mark.parametrize("verdicts", [0, 2], ids=["while it warms up", "after the second verdict"])
def test_of_a_killed_command_no_process_is_left(toy_lab, tmp_path, verdicts):
    """Its wall, its parent, its workers and what students started; then the command is run again."""
    need_wall()
    slow = {
        name: f"import time, subprocess\nsubprocess.Popen(['sleep', '98765'])\ntime.sleep({0.5 + i / 10})\n{RIGHT}"
        for i, name in enumerate("abcdef")
    }
    teacher = classroom(toy_lab, tmp_path / "class", slow)
    stored = teacher.folder / "verdicts" / "toy"
    process = start_grading(teacher)
    try:
        reached = (lambda: len(list(stored.glob("*.json"))) >= verdicts) if verdicts else partial(walled, process)
        assert soon(reached, 120.0)
        members = family(process.pid)
    finally:
        process.kill()
        process.wait()
    assert len(members) >= 3  # the command, bubblewrap, and what it runs
    # A parent that is still importing notices when it is done.
    assert soon(lambda: not members & {p.identity for p in processes()}, 8.0 if verdicts else 60.0)
    assert not [p for p in processes() if p.line.startswith("sleep 98765")]
    known = len(list(stored.glob("*.json")))
    assert verdicts <= known < 6
    _, summary = teacher.grade("toy", TWO)
    assert (summary.graded, summary.recalled + summary.unchanged) == (6 - known, known)
    assert scores(teacher) == dict.fromkeys("abcdef", 4.0)


def once(path: Path) -> bool:
    """Whether this is the first call with this path, in whatever process."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


FLAG = "WINNING_TICKET_TEST_FLAG"


def dies_once(job: Job) -> dict[str, Any]:
    if job.student == "half" and once(Path(os.environ[FLAG])):
        os.kill(os.getpid(), signal.SIGKILL)
    return jobs.grade_job(job)


def dies_always(job: Job) -> dict[str, Any]:
    if job.student == "half":
        time.sleep(1.5)  # until the others are done
        os.kill(os.getpid(), signal.SIGKILL)
    return jobs.grade_job(job)


@pytest.fixture
def flag(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(FLAG, str(tmp_path / "flag"))
    return tmp_path / "flag"


def test_a_killed_worker_costs_no_submission(toy_class, monkeypatch, flag):
    monkeypatch.setattr(running, "grade_job", dies_once)
    _, summary = toy_class.grade("toy", TWO)
    assert flag.exists()
    assert (summary.graded, summary.failed) == (4, {})
    assert scores(toy_class) == SCORES


def test_workers_killed_again_and_again_end_in_a_sentence(toy_class, monkeypatch):
    monkeypatch.setattr(running, "grade_job", dies_always)
    result = command(toy_class)
    assert result.exit_code == 2
    assert "killed 3 times" in result.output
    assert "fewer --workers" in result.output
    monkeypatch.undo()
    _, summary = toy_class.grade("toy", TWO)
    assert (summary.graded, summary.recalled + summary.unchanged) == (1, 3)
    assert scores(toy_class) == SCORES


# --- bad input ------------------------------------------------------------------------------------


def submitted(teacher: Classroom, student: str) -> Path:
    folder = teacher.folder / "submitted" / student / "toy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def damage(teacher: Classroom, lab: Lab) -> None:
    """Everything that a submission folder should not be."""
    submitted(teacher, "empty")
    (submitted(teacher, "linked") / "toy.ipynb").symlink_to(lab.edition / "toy.ipynb")
    (submitted(teacher, "bytes") / "toy.ipynb").write_bytes(b"\xff\xfe\x00{" * 999)
    (submitted(teacher, "deep") / "toy.ipynb").write_text("[" * 200_000)
    for name in ("huge", "surrogate", "gone"):
        hand_in(teacher.folder, lab, name, RIGHT, None)
    with (submitted(teacher, "huge") / "data.bin").open("wb") as file:
        file.truncate(300 << 20)
    (submitted(teacher, "huge") / "self").symlink_to(submitted(teacher, "huge"))
    text = json.dumps(nbformat.read(submitted(teacher, "surrogate") / "toy.ipynb", as_version=4))
    (submitted(teacher, "surrogate") / "toy.ipynb").write_text(text.replace("# Scaling", "# Scaling \\ud800"))


def test_bad_input_costs_only_itself(toy_class, toy_lab, monkeypatch):
    damage(toy_class, toy_lab)
    read = running.read_submitted

    def read_and_lose(folder: Path, lab: str) -> Any:
        if folder.parent.name == "gone":
            (folder / "toy.ipynb").unlink()
            folder.rmdir()
        return read(folder, lab)

    monkeypatch.setattr(running, "read_submitted", read_and_lose)
    rows, summary = toy_class.grade("toy", TWO)
    zero = dict.fromkeys(("empty", "linked", "bytes", "deep"), 0.0)
    assert scores(toy_class) == SCORES | zero | {"huge": 4.0, "surrogate": 4.0}
    assert list(summary.failed) == ["gone"]
    notes = {row.student: row.note for row in rows}
    assert "no notebook at all" in notes["empty"]
    assert "no notebook at all" in notes["linked"]
    assert "not a readable notebook" in told(toy_class, "bytes")
    assert "not a readable notebook" in told(toy_class, "deep")
    monkeypatch.undo()
    assert counts(toy_class.grade("toy", TWO)[1]) == (0, 0, 10, 0)
    assert len(toy_class.feedback("toy")) == 10


def test_nothing_that_a_student_named_steers_the_terminal(toy_class):
    place = submitted(toy_class, "half")
    (place / "toy.ipynb").rename(place / "\x1b]0;title\x07\u202e.ipynb")
    said = command(toy_class).output
    assert "The notebook is named \ufffd]0;title\ufffd.ipynb" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


@pytest.mark.parametrize("stamp", [b"yesterday", b"\xff\xfe"])
def test_an_unreadable_time_costs_only_itself(toy_class, stamp):
    (submitted(toy_class, "half") / "timestamp.txt").write_bytes(stamp)
    toy_class.grade("toy", TWO)
    found = scores(toy_class)
    assert {student: found[student] for student in ("right", "wrong")} == {"right": 4.0, "wrong": 0.0}


def test_a_submission_that_vanishes_while_it_is_graded_costs_only_itself(toy_class, monkeypatch):
    take = running.Run._take

    def take_and_lose(run: Any, submission: Any, result: Any) -> None:
        if submission.student == "half":
            (submission.folder / "toy.ipynb").unlink()
            submission.folder.rmdir()
        take(run, submission, result)

    monkeypatch.setattr(running.Run, "_take", take_and_lose)
    _, summary = toy_class.grade("toy", TWO)
    assert summary.graded == 4
    with toy_class._books("toy") as books:
        assert {student: score for student, (score, _) in books.scores().items()} == SCORES


class Odd(Exception):
    """An exception that cannot be read back from a pickle."""

    def __init__(self, *, what: str) -> None:
        super().__init__(what)


def fails_for_half(job: Job) -> dict[str, Any]:
    if job.student == "half":
        raise RuntimeError("the disk fell over")
    return jobs.grade_job(job)


def fails_oddly_for_half(job: Job) -> dict[str, Any]:
    if job.student == "half":
        raise Odd(what="the disk fell over")
    return jobs.grade_job(job)


@pytest.mark.parametrize("fails", [fails_for_half, fails_oddly_for_half])
def test_a_failing_job_costs_only_itself_and_is_tried_again(toy_class, monkeypatch, fails):
    monkeypatch.setattr(running, "grade_job", fails)
    result = command(toy_class)
    assert result.exit_code == 1, result.output
    assert "Not graded: half. It could not be graded: " in result.output
    assert "the disk fell over" in result.output
    assert "Graded 3 in" in result.output
    monkeypatch.undo()
    result = command(toy_class)
    assert result.exit_code == 0
    assert "Graded 1 in" in result.output
    assert "unchanged since they were graded: 3" in result.output
    assert scores(toy_class) == SCORES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "nonsense=3"], "cell_seconds"),
        (["--limit", "cell_seconds=abc"], "NAME=NUMBER"),
        (["--limit", "cell_seconds=-1"], "positive numbers"),
        (["--limit", "cell_seconds"], "NAME=NUMBER"),
        (["--workers", "0"], "x>=1"),
        (["--workers", "two"], "not a valid integer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_impossible_option_is_a_sentence(toy_class, arguments, words):
    result = command(toy_class, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    with pytest.raises(UserError, match="positive numbers"):
        toy_class.grade("toy", Options(limits={"cell_seconds": 0}))


# --- what needs parents of its own: last, so that all the others share one ---------------------------


def loses_parent_once(job: Job) -> dict[str, Any]:
    if job.student == "half" and once(Path(os.environ[FLAG])):
        time.sleep(0.7)
        kill_parent(job)
    return jobs.grade_job(job)


def kill_parent(job: Job) -> None:
    bwrap = jobs.grading(job.setting)._parent._process.pid
    for pid, _ in family(bwrap):
        if any(p.pid == pid and "autograder.parent" in p.line and p.pid != bwrap for p in processes()):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def class_without_parent(toy_class, toy_lab, monkeypatch, flag) -> Classroom:
    """A class in whose grading the warm parent was killed while it ran `asleep`, before the others."""
    hand_in(toy_class.folder, toy_lab, "asleep", f"import time\ntime.sleep(2)\n{RIGHT}", None)
    monkeypatch.setattr(running, "grade_job", loses_parent_once)
    _, summary = toy_class.grade("toy", TWO)
    jobs.close_gradings()  # whose parent is dead
    assert flag.exists()
    assert summary.failed == {}
    return toy_class


def test_a_killed_warm_parent_costs_no_submission(class_without_parent):
    """Neither those that start after its end nor the one that it was running."""
    found = scores(class_without_parent)
    assert {student: found[student] for student in SCORES} == SCORES
    assert found["asleep"] == 4.0


def test_a_changed_lab_outdates_and_a_regrade_grades_all(toy_lab, tmp_path):
    need_wall()
    lab = add_toy_lab(tmp_path / "course")
    build(lab, tmp_path / "build")
    teacher = classroom(lab, tmp_path / "class", {"half": HALF, "right": RIGHT})
    teacher.grade("toy", TWO)
    first = scores(teacher)
    answer = lab.exercise("scale").answer_path
    answer.write_text(answer.read_text().replace("k=-1.5", "k=1.5"))
    teacher = Classroom(Course.at(tmp_path / "course"), teacher.folder)
    build(teacher.course.lab("toy"), tmp_path / "build")
    before = snapshot(teacher)
    assert counts(teacher.grade("toy", TWO)[1]) == (0, 0, 2, 2)
    assert snapshot(teacher) == before
    hidden_expectations.cache_clear()  # a later command is another process
    assert counts(teacher.grade("toy", Options(regrade=True, workers=2))[1]) == (2, 0, 0, 0)
    assert (first, scores(teacher)) == ({"half": 2.0, "right": 4.0}, {"half": 4.0, "right": 4.0})
    assert counts(teacher.grade("toy", TWO)[1]) == (0, 0, 2, 0)
    contract = lab.exercise("scale").contract_path
    contract.write_text(f"{contract.read_text()}\n# A remark.\n")
    assert counts(Classroom(Course.at(tmp_path / "course"), teacher.folder).grade("toy", TWO)[1]) == (0, 0, 2, 2)


# --- without a wall -------------------------------------------------------------------------------


@pytest.fixture
def no_bwrap(tmp_path, monkeypatch) -> None:
    """A machine on which bubblewrap is not installed."""
    alembic_version()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("no_bwrap")
def test_without_a_wall_nothing_is_graded_unless_it_is_said(toy_lab, tmp_path):
    teacher = classroom(toy_lab, tmp_path / "class", {"right": RIGHT})
    refused = command(teacher)
    assert refused.exit_code == 2
    for word in ("--no-wall", "autograder doctor", "bubblewrap", "not installed"):
        assert word in refused.output
    assert not (teacher.folder / "autograded").exists()
    for graded in (1, 0):
        result = command(teacher, "--no-wall")
        assert result.exit_code == 0
        assert "Without a wall: student code runs as you" in result.output
        assert f"Graded {graded} in" in result.output
        assert "right (Graded without a wall.)" in result.output
    assert notebook(teacher, "right").metadata.winning_ticket.wall is False


def test_a_verdict_without_a_wall_is_not_taken_for_one_behind_it(toy_lab, tmp_path):
    need_wall()
    teacher = classroom(toy_lab, tmp_path / "class", {"right": RIGHT})
    assert counts(teacher.grade("toy", Options(wall=False))[1]) == (1, 0, 0, 0)
    assert counts(teacher.grade("toy", TWO)[1]) == (0, 0, 1, 1)
    hand_in(teacher.folder, toy_lab, "twin", RIGHT, None)
    assert counts(teacher.grade("toy", TWO)[1]) == (1, 0, 1, 1)
    notes = {row.student: row.note for row in teacher.results("toy")}
    assert notes == {"right": "Graded without a wall.", "twin": ""}
    assert counts(teacher.grade("toy", Options(regrade=True, workers=2))[1]) == (2, 0, 0, 0)
    assert {row.note for row in teacher.results("toy")} == {""}


# --- limits ---------------------------------------------------------------------------------------

LIMITS = {"cell_seconds": 2, "case_seconds": 1, "notebook_seconds": 3.5, "memory_gib": 0.5, "processes": 24}
LIMITS |= {"file_mib": 2, "disk_mib": 8, "output_mib": 1}
TIMES = "limits: 2 s a cell, 1 s a case, 3.5 s in all"
MANY = """import os, time
for number in range(4):
    if os.fork() == 0:
        content = bytearray(os.urandom(1 << 20) * 200)
        time.sleep(98765)
time.sleep(98765)"""
FILES = "for number in range(12):\n    open(f'file{number}', 'wb').write(bytes(1 << 20))"
# what a cell does, and what its student is told; each is tried before and after the answer's check
GREEDY = {
    "cell": ("import time\ntime.sleep(98765)", f"Time ran out in the cell that begins 'import time' ({TIMES})."),
    "memory": ("content = bytearray(1 << 30)", "It hit the limit of 0.5 GiB of memory."),
    "together": (MANY, "it used more than its limit of 0.5 GiB of memory"),
    "processes": (
        "import subprocess\nfor number in range(99): subprocess.Popen(['sleep', '98765'])",
        "It hit the limit of 24 processes and threads.",
    ),
    "threads": (
        "import threading, time\nfor number in range(99):\n"
        "    threading.Thread(target=time.sleep, args=[98765], daemon=True).start()",
        "It hit the limit of 24 processes and threads.",
    ),
    "file": ("open('file', 'wb').write(bytes(3 << 20))", "It hit the limit of 2 MiB for one file."),
    "disk": (FILES, "It hit the limit of 8 MiB for all files together."),
    "output": (
        "from IPython.display import HTML\nHTML('x' * (3 << 19))",
        "its cells printed and drew more than the limit of 1 MiB",
    ),
}
LOST_BEFORE = {"cell", "together", "output"}  # what ends a process; an exception in a cell does not


@pytest.fixture(scope="module")
def greedy_class(toy_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Everybody who exhausts a limit, and two who do not, in one run."""
    need_wall()
    teacher = classroom(toy_lab, tmp_path_factory.mktemp("greedy"), {"right": RIGHT, "half": HALF})
    for name, (source, _) in GREEDY.items():
        hand_in(teacher.folder, toy_lab, f"{name}-before", RIGHT, None)
        hand_in(teacher.folder, toy_lab, f"{name}-after", RIGHT, None)
        insert(teacher, f"{name}-before", 0, source)
        insert(teacher, f"{name}-after", 99, source)
    stuck = "def scale(x, k):\n    import time\n    k == -1.5 and time.sleep(98765)\n    return k * x"
    hand_in(teacher.folder, toy_lab, "case", stuck, None)
    hand_in(teacher.folder, toy_lab, "case-memory", stuck.replace("time.sleep(98765)", "bytearray(1 << 30)"), None)
    for name in ("notebook", "talkative", "loud"):
        hand_in(teacher.folder, toy_lab, name, RIGHT, None)
    insert(teacher, "loud", 99, "from IPython.display import HTML\nHTML('x' * (3 << 20))")
    insert(teacher, "talkative", 0, "print('x' * (3 << 20))")
    for _ in range(3):
        insert(teacher, "notebook", 99, "import time; time.sleep(1.5)")
    teacher.grade("toy", Options(workers=2, limits=LIMITS))
    return teacher


def insert(teacher: Classroom, student: str, index: int, source: str) -> None:
    """Add a cell to what a student handed in."""
    path = teacher.folder / "submitted" / student / "toy" / "toy.ipynb"
    submitted = nbformat.read(path, as_version=4)
    submitted.cells.insert(index, nbformat.v4.new_code_cell(source))
    nbformat.write(submitted, path)


@pytest.mark.parametrize("name", GREEDY)
def test_a_limit_costs_only_what_was_not_finished_and_is_named(greedy_class, name):
    sentence = GREEDY[name][1]
    found = scores(greedy_class)
    assert found[f"{name}-after"] == 4.0
    assert found[f"{name}-before"] == (0.0 if name in LOST_BEFORE else 4.0)
    assert sentence in told(greedy_class, f"{name}-after")
    assert sentence in told(greedy_class, f"{name}-before")


def test_a_limit_met_in_a_case_costs_only_its_group(greedy_class):
    assert scores(greedy_class)["case"] == 2.0
    assert f"Time ran out in a case of toy.scale ({TIMES})." in told(greedy_class, "case")
    assert scores(greedy_class)["case-memory"] == 2.0


def test_a_case_that_exhausts_the_notebooks_memory_is_told_that_limit(greedy_class):
    assert "It hit the limit of 0.5 GiB of memory." in told(greedy_class, "case-memory")


def test_a_notebook_that_takes_too_long_keeps_what_it_finished(greedy_class):
    assert scores(greedy_class)["notebook"] == 4.0
    assert f"Time ran out in the cell that begins 'import time; time.sleep(1.5)' ({TIMES})." in told(
        greedy_class, "notebook"
    )


def test_what_is_printed_beyond_measure_is_cut_and_costs_nothing(greedy_class):
    assert scores(greedy_class)["talkative"] == 4.0
    (text,) = notebook(greedy_class, "talkative").cells[0].outputs
    assert text.text.endswith("[output cut here]\n")
    assert len(text.text) < 1 << 20


def test_one_output_far_beyond_the_limit_is_told_the_limit(greedy_class):
    assert scores(greedy_class)["loud"] == 4.0
    assert "its cells printed and drew more than the limit of 1 MiB" in told(greedy_class, "loud")


def test_neighbours_of_the_greedy_keep_their_points(greedy_class):
    found = scores(greedy_class)
    assert (found["right"], found["half"]) == (4.0, 2.0)


def test_nothing_that_the_greedy_started_is_alive(greedy_class):
    assert soon(lambda: not [p for p in processes() if "98765" in p.line], 2.0)
    parents = [p for p in processes() if "autograder.parent" in p.line and not p.line.startswith(wall.BWRAP)]
    assert all(len(family(parent.pid)) == 1 for parent in parents if parent.session != os.getsid(0))
    assert [path.name for path in (greedy_class.folder / ".grading").iterdir()] == [".lock"]
