"""Does a Dask cluster of real processes grade as this machine does, whatever happens to its workers?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autograder import wall
from autograder.bridge.classroom import Classroom
from autograder.compose import build
from autograder.course import Course
from tests.cluster import Cluster
from tests.processes import family, processes, soon
from tests.test_bookkeeping import HALF, WRONG, hand_in
from tests.test_grading import notebook, scores
from tests.toy import RIGHT, add_toy_lab
from tests.walls import need_wall

pytest.importorskip("distributed", reason="dask.distributed is not installed")
pytestmark = pytest.mark.slow

SLOWLY = "import time\ntime.sleep(1)\n"
CLASS = {"half": HALF, "right": RIGHT, "untouched": None, "wrong": WRONG}
CLASS |= {"slow1": f"{SLOWLY}{RIGHT}", "slow2": f"{SLOWLY}{HALF}"}
SCORES = {"half": 2.0, "right": 4.0, "untouched": 0.0, "wrong": 0.0, "slow1": 4.0, "slow2": 2.0}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    need_wall()
    root = tmp_path_factory.mktemp("course")
    build(add_toy_lab(root), root / "build")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), root)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def teacher(cluster: Cluster) -> Classroom:
    """One class for all tests, so that its seed and with it the workers' parents are the same."""
    return Classroom(Course.at(cluster.root))


def start(teacher: Classroom, address: str, *options: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "autograder", "grade", "toy", "--dask", address, *options]
    environment = {**os.environ, "WINNING_TICKET_ROOT": str(teacher.course.root), "COLUMNS": "300"}
    return subprocess.Popen(
        line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@contextmanager
def grading(teacher: Classroom, address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run of the command, which is over afterwards."""
    process = start(teacher, address, *options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def hand_in_all(teacher: Classroom, answers: dict[str, str | None]) -> None:
    for student, answer in answers.items():
        hand_in(teacher.folder, teacher.course.lab("toy"), student, answer, None)


def test_where_nothing_answers_it_is_a_sentence(teacher):
    hand_in_all(teacher, CLASS)
    with grading(teacher, "tcp://127.0.0.1:9") as process:
        output, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said.startswith("Error: No Dask scheduler answers at tcp://127.0.0.1:9")
    assert "Traceback" not in output + said


def test_a_cluster_grades_as_this_machine_does(cluster, teacher):
    """And both workers take part: each has a wall of its own."""
    hand_in_all(teacher, CLASS)
    with grading(teacher, cluster.address) as process:
        output, said = process.communicate(timeout=120)
    assert process.returncode == 0, output + said
    assert "Graded 6 in" in output
    assert said == ""
    assert scores(teacher) == SCORES
    assert all(notebook(teacher, student).metadata.winning_ticket.wall for student in CLASS)
    walls = [p.parent for p in processes() if p.line.startswith(wall.BWRAP)]
    assert [walls.count(worker.pid) for worker in cluster.workers] == [1, 1]


def test_workers_notice_that_the_lab_has_changed(cluster, teacher):
    hand_in_all(teacher, CLASS)
    answer = teacher.course.lab("toy").exercise("scale").answer_path
    answer.write_text(answer.read_text().replace("k=-1.5", "k=1.5"))
    with grading(teacher, cluster.address, "--regrade") as process:
        output, said = process.communicate(timeout=120)
    assert process.returncode == 0, output + said
    assert scores(teacher) == SCORES | {"half": 4.0, "slow2": 4.0}


def test_a_worker_that_is_killed_costs_no_submission(cluster, teacher):
    names = [f"student{number}" for number in range(6)]
    hand_in_all(teacher, {name: f"{SLOWLY}{RIGHT}\n# {name}" for name in names})
    killed, stored = cluster.workers[0], teacher.folder / "verdicts" / "toy"
    before = set(stored.glob("*"))
    with grading(teacher, cluster.address) as process:
        assert soon(lambda: set(stored.glob("*.json")) - before, 60.0)
        time.sleep(0.5)
        members = family(killed.pid)
        killed.kill()
        killed.wait()
        output, said = process.communicate(timeout=120)
    assert process.returncode == 0, output + said
    assert {name: scores(teacher)[name] for name in names} == dict.fromkeys(names, 4.0)
    assert soon(lambda: not members & {p.identity for p in processes()})
