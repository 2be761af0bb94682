"""Does the command answer every mistake with a sentence and the right exit status?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.course import Course, Lab
from tests.conftest import ROOT
from tests.toy import RIGHT, add_toy_lab


@pytest.fixture
def run(own_toy_lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(own_toy_lab.course.root)
    monkeypatch.setenv("WINNING_TICKET_ROOT", str(own_toy_lab.course.root))

    def invoke(*arguments: str):
        return CliRunner().invoke(main, list(arguments))

    return invoke


MISTAKES = [
    (["start", "tot"], "Did you mean 'toy'?"),
    (["stort", "toy"], "Did you mean `autograder start`?"),
    (["hint", "toy.skale"], "Did you mean 'scale'?"),
    (["hint", "toy"], "an id is LAB.EXERCISE"),
    (["try", "toy.nothing"], "There are: scale"),
    (["build", "nothing"], "There is no lab named 'nothing'"),
    (["verify", "toy.nothing"], "has no exercise 'nothing'"),
    (["start", "toy", "--update"], "autograder start toy"),
    (["submit", "toy", "--student", "ann"], "autograder fetch toy"),
    (["grade", "toy"], "autograder collect toy"),
    (["feedback", "toy"], "autograder grade toy"),
    (["fetch", "toy", "--student", "ann"], "exchange"),
    (["new", "toy.scale"], "there already"),
    (["new", "class"], "class"),
    (["hint", "toy.scale", "--level", "7"], "range"),
    (["start", "toy.scale"], "the lab is 'toy'"),
    (["start", "TOI"], "Did you mean 'toy'?"),
    (["progress", "toi"], "Did you mean 'toy'?"),
    (["fetch", "toy", "--student", "ann"], "WINNING_TICKET_EXCHANGE"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_ends_in_a_sentence_and_status_2(run, arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_help_teaches_and_names_every_command(run):
    text = run("--help").output
    for command in main.commands:
        assert command in text
        assert len(run(command, "--help").output) > 100


def test_hints_come_one_by_one_and_name_the_next_command(run):
    first, second, third = (run("hint", "toy.scale").output for _ in range(3))
    assert first.startswith("Hint 1 of 3: What is the product?")
    assert "autograder hint toy.scale" in second
    assert "autograder solution toy.scale" in third


def test_start_never_touches_work_that_is_there(run, own_toy_lab):
    assert run("start", "toy").exit_code == 0
    path = own_toy_lab.course.root / "work" / "toy" / "toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source = "mine"
    nbformat.write(notebook, path)
    before = path.read_bytes()
    assert run("start", "toy").exit_code == 2
    assert path.read_bytes() == before
    assert run("start", "toy", "--update").exit_code == 0
    assert path.read_bytes() == before


def test_no_permission_is_a_sentence(run, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = run("start", "toy")
    assert result.exit_code == 2
    assert "ermission" in result.output
    assert "Traceback" not in result.output


def test_verify_ends_with_counts_and_try_grades_a_file(run, tmp_path):
    result = run("verify", "toy")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].startswith(
        "1 exercises, 4 cases, 2 right variants, 0 second sources, 3 wrong"
    )
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(RIGHT)
    bad.write_text("def scale(x, k): return x + k")
    assert run("try", "toy.scale", str(good)).exit_code == 0
    failed = run("try", "toy.scale", str(bad))
    assert failed.exit_code == 1
    assert "do not add it" in failed.output


DOUBTS = {
    "a reference that fails": ("return k * x", "return [k][1] * x", "raises IndexError"),
    "a wrong answer that passes": ("return x + k", "return x * k", "Adds passes"),
    "twins": ("return x / k", "return x + k", "are the same on all cases"),
    "a right variant that fails": ("(x.double() * k).float()", "x.double() * k", "in_double fails"),
    "cases without a seed": ("torch.randn(5, generator=rng), k=2.5", "torch.ones(5), k=2.5", None),
    "a missing sentence": ('    """Multiply by k, do not add it."""\n', "", "Adds has no sentence"),
    "missing hints": ('"Use *.", ', "", "three hints"),
    "too few wrong answers": ("@wrong\ndef Adds", "def Adds", "fewer than 3"),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_verify_finds_what_is_doubtful(own_toy_lab, name):
    from autograder.verify import verify

    old, new, words = DOUBTS[name]
    path = own_toy_lab.exercise("scale").answer_path
    text = path.read_text()
    assert old in text
    if name == "cases without a seed":
        text = text.replace("torch.randn(4, generator=rng)", "torch.ones(4)")
        words = "do not depend on the seed"
    path.write_text(text.replace(old, new, 1))
    doubts = " ".join(verify(Course.at(own_toy_lab.course.root).exercise("toy.scale")).doubts)
    assert words in doubts


def test_doubts_make_verify_exit_1(run, own_toy_lab):
    path = own_toy_lab.exercise("scale").answer_path
    path.write_text(path.read_text().replace("return x + k", "return x * k"))
    result = run("verify", "toy")
    assert result.exit_code == 1
    assert "the wrong answer Adds passes" in result.output


def test_limits_that_are_no_numbers_are_a_sentence(own_toy_lab):
    from autograder.errors import UserError
    from autograder.limits import Limits

    master = own_toy_lab.master
    master.write_text(master.read_text().replace("cell_seconds: 5", "cell_second: 5"))
    with pytest.raises(UserError, match="cell_seconds"):
        Limits.of(Course.at(own_toy_lab.course.root).lab("toy"))


def test_progress_shows_what_was_solved(run):
    from autograder import check

    check("toy.scale", lambda x, k: k * x)
    text = run("progress").output
    assert "1 of 1 solved" in text


def autograder(root: Path, *arguments: str) -> str:
    """Run the command as a user would, in a course of their own."""
    environment = {**os.environ, "WINNING_TICKET_ROOT": str(root)}
    done = subprocess.run(
        [sys.executable, "-m", "autograder", *arguments], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_new_lab_touches_only_its_own_files_from_release_to_grade(tmp_path):
    """In a copy of this course: the lab's three files, its edition in labs/, nothing else."""
    root = tmp_path / "copy"
    for name in ("course", "solutions", "labs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    before = snapshot(root)
    add_toy_lab(root)
    autograder(root, "build", "toy")
    autograder(root, "verify", "toy")
    changed = {name for name, content in snapshot(root).items() if before.get(name) != content}
    own = {"course/toy/lab.md", "course/toy/exercises/scale.py", "solutions/toy/scale.py"}
    assert changed == own | {"labs/toy/toy.ipynb", "labs/toy/toy.pack"}
    assert before.keys() <= snapshot(root).keys()
    autograder(root, "release", "toy")
    autograder(root, "fetch", "toy", "--student", "ann")
    path = root / "work" / "toy" / "toy.ipynb"
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "toy-scale").source = RIGHT
    nbformat.write(notebook, path)
    assert "sha256" in autograder(root, "submit", "toy", "--student", "ann")
    assert "ann" in autograder(root, "collect", "toy")
    assert "4 of 4" in autograder(root, "grade", "toy")
    autograder(root, "feedback", "toy")
    assert "toy.html" in autograder(root, "fetch-feedback", "toy", "--student", "ann")
    assert "ann" in Path(autograder(root, "export").strip()).read_text()


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for folder in ("course", "solutions", "labs")
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_file_in_the_current_folder_is_not_taken_for_a_package(tmp_path):
    (tmp_path / "rich.py").write_text("open('taken', 'w').close()")
    line = [sys.executable, "-m", "autograder", "progress", "lora"]
    environment = os.environ | {"WINNING_TICKET_ROOT": str(ROOT), "WINNING_TICKET_HOME": str(tmp_path / "record")}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "taken").exists()
