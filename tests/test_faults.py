"""Does grading end well, and is no work lost, where machines fail? A quick size; `make faults` runs the full one."""

from __future__ import annotations

import errno
import json
import random
import shutil
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.bridge.jobs import Job, Setting, assemble, setting_of
from autograder.cli import _machine_sentence
from autograder.errors import UserError
from autograder.files import workshop
from tests.faults.batch import grade_malformed
from tests.faults.exhausted import can_mount, full_disks, locked_gradebooks
from tests.faults.ground import Ground
from tests.faults.kills import storm
from tests.faults.learner import Desk, losses
from tests.faults.malformed import MUTATIONS, malformed
from tests.walls import make_readable, need_wall

SEED = 1


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    need_wall()
    folder = tmp_path_factory.mktemp("ground")
    make_readable(folder)
    return Ground(folder, 7)


@pytest.mark.slow
def test_kills_change_no_grade(ground):
    found = storm(ground, 4, SEED)
    assert found.faults == []
    assert found.kills.total() == 4


@pytest.mark.slow
def test_malformed_submissions_cost_only_themselves(ground):
    found = grade_malformed(ground, 3 * len(MUTATIONS), SEED)
    assert found.faults == []
    assert found.scores.total() + found.refused == 3 * len(MUTATIONS)


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_loses_nothing(ground):
    if not can_mount():
        pytest.skip("only root may mount a disk")
    found = full_disks(ground, 1)
    assert (found.faults, found.told) == ([], 1)


@pytest.mark.slow
def test_a_locked_gradebook_is_a_sentence_and_loses_nothing(ground):
    found = locked_gradebooks(ground, 1)
    assert (found.faults, found.told) == ([], 1)


@pytest.mark.slow
def test_a_learners_kills_lose_nothing(tmp_path, monkeypatch):
    for name in ("WINNING_TICKET_ROOT", "WINNING_TICKET_HOME"):
        monkeypatch.setenv(name, "")  # restored afterwards
    found = losses(tmp_path / "learner", 2, SEED)
    assert found.faults == []
    assert set(found.kills) == {"start", "update", "submit", "check"}


def test_a_submission_that_was_cut_off_is_not_collected(toy_lab, tmp_path, monkeypatch):
    desk = Desk(tmp_path / "desk", toy_lab)
    desk.teacher.release("toy")
    desk.student.fetch("toy")

    def cut_off(source, target, **named):
        Path(target).mkdir()
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", cut_off)
        with pytest.raises(OSError, match="No space left on device"):
            desk.submit()
    assert desk.teacher.collect("toy") == []
    desk.submit()
    assert desk.collected() == desk.notebook.read_bytes()


def test_two_gradings_of_a_class_do_not_run_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.files.LOCK_SECONDS", 0.1)
    with (
        workshop(tmp_path / ".grading"),
        pytest.raises(UserError, match="Another grading is at work"),
        workshop(tmp_path / ".grading"),
    ):
        pass


def test_what_a_killed_grading_left_is_removed(tmp_path):
    left = tmp_path / ".grading" / "notebooks" / "ann" / "toy.ipynb"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    with workshop(tmp_path / ".grading"):
        assert not left.exists()
    assert [path.name for path in (tmp_path / ".grading").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), "The disk is full: /x/y could not be written."),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full. Nothing that was there is lost"),
        (shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]), "The disk is full: [Errno 28]"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "The system failed (Read-only file system): /x could"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "No permission to write /x."),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), ""),
        (ValueError("a bug"), ""),
    ],
)
def test_what_the_machine_fails_at_is_said(error, words):
    said = _machine_sentence(error)
    assert said.startswith(words)
    assert bool(said) == bool(words)


# --- anything at all in place of a notebook ---------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def setting(toy_lab, tmp_path_factory) -> Setting:
    return setting_of(toy_lab, tmp_path_factory.mktemp("secrets"))


def assert_on_the_frame(setting: Setting, content: bytes) -> None:
    """Whatever was handed in, what is graded is a valid notebook with the release's check cells, or says why not."""
    found = assemble(Job(setting, "ann", content, {}))
    nbformat.validate(found)
    checks = [cell for cell in found.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert [(cell.metadata.nbgrader.grade_id, cell.metadata.nbgrader.points) for cell in checks] == [
        ("toy-scale-check", 4)
    ]


@settings(max_examples=150, derandomize=True, deadline=None)
@given(data=st.data())
def test_any_json_in_a_notebook_is_read_or_refused_in_a_sentence(setting, toy_lab, data):
    notebook = nbformat.read(toy_lab.edition / "toy.ipynb", as_version=4)
    place = data.draw(st.sampled_from(["cell", "cells", "metadata", "source", "outputs", "id", "all"]))
    value = data.draw(ANY_JSON)
    if place == "all":
        notebook = value
    elif place in ("cells", "metadata"):
        notebook[place] = value
    else:
        number = data.draw(st.integers(0, len(notebook.cells) - 1))
        if place == "cell":
            notebook["cells"][number] = value
        else:
            notebook["cells"][number][place] = value
    assert_on_the_frame(setting, json.dumps(notebook).encode())


@settings(max_examples=100, derandomize=True, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_in_a_sentence(setting, content):
    assert_on_the_frame(setting, content)


@pytest.mark.parametrize("kind", MUTATIONS, ids=lambda kind: kind.__name__)
def test_every_kind_of_mutation_is_read_or_refused_in_a_sentence(setting, toy_lab, kind):
    right = (toy_lab.edition / "toy.ipynb").read_bytes()
    rng = random.Random(SEED)
    mutated = [kind(right, rng) for _ in range(20)]
    assert any(content != right for content in mutated)
    for content in mutated:
        assert_on_the_frame(setting, content)


def test_mutations_are_the_same_for_the_same_seed(toy_lab):
    right = (toy_lab.edition / "toy.ipynb").read_bytes()
    assert malformed(right, 30, SEED) == malformed(right, 30, SEED)
    assert malformed(right, 30, SEED) != malformed(right, 30, SEED + 1)
