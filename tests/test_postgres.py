"""Does a gradebook in PostgreSQL hold what one in SQLite holds, after everything a class does?"""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook

from autograder.bridge.classroom import Classroom
from autograder.bridge.jobs import close_gradings
from autograder.cli import main
from autograder.course import Lab
from tests.test_bookkeeping import HALF, WRONG, dump, hand_in
from tests.test_grading import SCORES, SECRET
from tests.toy import RIGHT
from tests.walls import need_wall

pytestmark = pytest.mark.slow

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
HOURS = {"half": -1.0, "right": 2.0, "untouched": None, "wrong": -3.0}
ANSWERS = {"half": HALF, "right": RIGHT, "untouched": None, "wrong": WRONG}


def need_server() -> Path:
    """Where the server's programs are; skips on a user's machine without them, fails in CI."""
    why = "PostgreSQL's server is not installed (Debian: apt install postgresql)"
    if PROGRAMS is None or not (PROGRAMS / "initdb").is_file():
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    return PROGRAMS


class Server:
    """Debian's own server in a folder of its own, reached by a socket only; it refuses to be root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
        if self._user:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", self._data, "-U", "teacher", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()
        self._run("createdb", "-h", str(self.folder), "-U", "teacher", "class")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://teacher@/class?host={self.folder}"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")

    def close(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        group = pwd.getpwnam(self._user).pw_gid if self._user else None
        subprocess.run(
            [self._programs / program, *arguments],
            user=self._user,
            group=group,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(need_server())
    yield server
    server.close()


def command(teacher: Classroom, *line: str) -> Result:
    where = ["--class-folder", str(teacher.folder), "--db", teacher.db_url]
    return CliRunner(env={"WINNING_TICKET_ROOT": str(teacher.course.root)}).invoke(main, [*line, *where])


def said(teacher: Classroom, *line: str) -> str:
    result = command(teacher, *line)
    assert result.exit_code == 0, result.output
    return result.output


def grade_by_hand(teacher: Classroom) -> None:
    with Gradebook(teacher.db_url, "winning-ticket") as gradebook:
        grade = gradebook.find_grade("toy-scale-check", "toy", "toy", "half")
        grade.manual_score, grade.extra_credit = 3.5, 0.25
        gradebook.find_comment("toy-scale", "toy", "toy", "half").manual_comment = "Nearly – très près."
        gradebook.db.commit()


@pytest.fixture(scope="module")
def classes(server: Server, toy_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Classroom]:
    """One class with SQLite and one with PostgreSQL: released, graded, graded by hand, regraded."""
    need_wall()
    found = {}
    for name, url in {"sqlite": None, "postgres": server.url}.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "secrets").mkdir()
        (folder / "secrets" / "toy").write_text(SECRET)
        found[name] = teacher = Classroom(toy_lab.course, folder, db=url)
        said(teacher, "release", "toy")
        for student, answer in ANSWERS.items():
            hand_in(folder, toy_lab, student, answer, HOURS[student])
        assert "Graded 4 in" in said(teacher, "grade", "toy", "--workers", "2")
        grade_by_hand(teacher)
        hand_in(folder, toy_lab, "wrong", RIGHT, 1.0)
        said(teacher, "grade", "toy", "--workers", "2")
        assert "Graded 4 in" in said(teacher, "grade", "toy", "--workers", "2", "--regrade")
    yield found
    close_gradings()


def test_all_tables_say_the_same(classes):
    tables = {name: dump(teacher.db_url) for name, teacher in classes.items()}
    assert tables["postgres"] == tables["sqlite"]
    assert len(tables["postgres"]["submitted_assignment"]) == 4
    assert not (classes["postgres"].folder / "gradebook.db").exists()


def test_scores_and_exports_are_the_same(classes, tmp_path):
    wanted = SCORES | {"half": 3.75, "wrong": 4.0}
    exports: dict[str, Any] = {}
    for name, teacher in classes.items():
        assert {row.student: row.score for row in teacher.results("toy")} == wanted
        said(teacher, "export", "--to", str(tmp_path / name))
        with (tmp_path / name).open() as file:
            exports[name] = sorted(csv.DictReader(file), key=lambda row: row["student_id"])
    assert exports["postgres"] == exports["sqlite"]
    assert {row["student_id"]: float(row["score"]) for row in exports["postgres"]} == wanted


def test_a_second_run_changes_nothing(classes):
    teacher = classes["postgres"]
    before = dump(teacher.db_url)
    assert "unchanged since they were graded: 4" in said(teacher, "grade", "toy", "--workers", "2")
    assert dump(teacher.db_url) == before


def test_feedback_and_report_are_made_from_it(classes):
    for teacher in classes.values():
        assert said(teacher, "feedback", "toy", "--keep").count("toy.html") == 4
        said(teacher, "report", "toy")
    page = classes["postgres"].folder / "feedback" / "half" / "toy" / "toy.html"
    assert "Nearly – très près." in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [["grade", "toy"], ["release", "toy", "--force"], ["export"]], ids=" ".join)
def test_a_server_that_is_down_is_a_sentence(classes, server, line):
    server.stop()
    try:
        result = command(classes["postgres"], *line)
    finally:
        server.start()
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output
