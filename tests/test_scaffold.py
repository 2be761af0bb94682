"""Does an author begin from files that verify, and are files that are there left alone?"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from autograder.compose import build, compose
from autograder.course import ROOT_VARIABLE, Course
from autograder.errors import UserError
from autograder.scaffold import Made, new_exercise, new_lab
from autograder.verify import MINIMUM_RIGHT, MINIMUM_WRONG, verify

OLD_LAB = "---\ntitle: Old\norder: 7\n---\n\n# Old\n"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    folder = tmp_path / "course" / "old"
    folder.mkdir(parents=True)
    (folder / "lab.md").write_text(OLD_LAB, encoding="utf-8")
    return Course(tmp_path)


def files(course: Course) -> dict[str, bytes]:
    return {str(p.relative_to(course.root)): p.read_bytes() for p in course.root.rglob("*") if p.is_file()}


def test_a_new_exercise_verifies_as_it_stands(course: Course) -> None:
    new_exercise(course, "old.scores_of_keys")
    proof = verify(Course(course.root).exercise("old.scores_of_keys"))
    assert proof.doubts == []
    assert proof.wrong >= MINIMUM_WRONG
    assert proof.right >= MINIMUM_RIGHT


def test_a_new_exercise_is_its_two_files(course: Course) -> None:
    made = new_exercise(course, "old.scores")
    assert made.paths == (
        course.root / "course" / "old" / "exercises" / "scores.py",
        course.root / "solutions" / "old" / "scores.py",
    )
    assert (course.root / "course" / "old" / "lab.md").read_text(encoding="utf-8") == OLD_LAB


def test_the_advice_is_a_cell_that_places_the_exercise(course: Course) -> None:
    made = new_exercise(course, "old.scores")
    assert str(course.root / "course" / "old" / "lab.md") in made.advice
    cell = made.advice[made.advice.index("```") :]
    (course.root / "course" / "old" / "lab.md").write_text(OLD_LAB + "\n" + cell + "\n", encoding="utf-8")
    ids = [found.id for found in compose(Course(course.root).lab("old")).cells]
    assert {"old-scores", "old-scores-check"} <= set(ids)


def test_an_exercise_that_the_lab_names_already_needs_no_advice(course: Course) -> None:
    (course.root / "course" / "old" / "lab.md").write_text(OLD_LAB + "\n# old.scores\n", encoding="utf-8")
    assert new_exercise(course, "old.scores").advice == ""
    assert new_exercise(course, "old.score").advice != ""


def test_a_new_lab_comes_last_and_verifies(course: Course) -> None:
    new_lab(course, "reward_models")
    labs = Course(course.root).labs
    assert [lab.name for lab in labs] == ["old", "reward_models"]
    assert labs[1].title == "Reward models"
    assert labs[1].front_matter["order"] == 8
    assert set(labs[1].front_matter["limits"]) == {"notebook_seconds", "case_seconds"}
    assert [verify(exercise).doubts for exercise in labs[1].exercises] == [[]]


def test_the_first_lab_of_all_has_order_1(tmp_path: Path) -> None:
    new_lab(Course(tmp_path), "rlhf")
    assert Course(tmp_path).lab("rlhf").front_matter["order"] == 1


def test_the_new_labs_notebook_runs_with_its_answer(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    new_lab(course, "rlhf")
    lab = Course(course.root).lab("rlhf")
    build(lab, course.root / "build")
    monkeypatch.setenv(ROOT_VARIABLE, str(course.root))
    monkeypatch.chdir(lab.edition)
    notebook = nbformat.read(course.root / "build" / "solved" / "rlhf.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names: dict[str, object] = {}
    for cell in code:
        exec(cell.source, names)
    tags = [tag for cell in code for tag in cell.metadata.get("tags", [])]
    assert "check" in names
    assert "rlhf-first-check" in [cell.id for cell in code]
    assert tags == ["experiment"]


@pytest.mark.parametrize("name", ["", "Scores", "2nd", "class", "a-b", "é", "a.b", "../up", "a b", "a" * 29])
def test_a_name_that_python_or_a_cell_id_refuses_is_refused(course: Course, name: str) -> None:
    before = files(course)
    with pytest.raises(UserError, match="cannot be the name of an exercise"):
        new_exercise(course, f"old.{name}")
    with pytest.raises(UserError, match="cannot be the name of a lab"):
        new_lab(course, name)
    assert files(course) == before


@pytest.mark.parametrize("name", ["cases", "torch", "wrong", "merge_check", "merge_text"])
def test_a_name_that_would_hide_another_is_refused(course: Course, name: str) -> None:
    with pytest.raises(UserError, match=name):
        new_exercise(course, f"old.{name}")


def test_an_exercise_of_no_lab_is_a_sentence(course: Course) -> None:
    with pytest.raises(UserError, match="old"):
        new_exercise(course, "odl.scores")
    assert not (course.root / "course" / "odl").exists()


@pytest.mark.parametrize("there", ["course/old/exercises/scores.py", "solutions/old/scores.py"])
def test_an_exercise_never_writes_over_a_file(course: Course, there: str) -> None:
    path = course.root / there
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    before = files(course)
    with pytest.raises(UserError, match=path.name):
        new_exercise(course, "old.scores")
    assert files(course) == before


@pytest.mark.parametrize("there", ["course/old/lab.md", "course/common/__init__.py", "solutions/rlhf/first.py"])
def test_a_lab_never_joins_a_folder_that_is_there(course: Course, there: str) -> None:
    path = course.root / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OLD_LAB)
    before = files(course)
    with pytest.raises(UserError, match="there already"):
        new_lab(course, path.parts[-2])
    assert files(course) == before


def test_what_cannot_be_written_whole_is_not_written_at_all(course: Course) -> None:
    (course.root / "solutions").write_text("a file in the way")
    before = files(course)
    with pytest.raises(UserError, match="nothing was written"):
        new_exercise(course, "old.scores")
    with pytest.raises(UserError, match="nothing was written"):
        new_lab(course, "rlhf")
    assert files(course) == before
    (course.root / "solutions").unlink()
    assert isinstance(new_lab(course, "rlhf"), Made)


def test_an_installed_course_is_not_written_to(course: Course) -> None:
    (course.root / "course" / "_labs").mkdir()
    with pytest.raises(UserError, match="installed"):
        new_lab(course, "rlhf")
    with pytest.raises(UserError, match="installed"):
        new_exercise(course, "old.scores")
