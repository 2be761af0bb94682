"""Does every lab that is found keep its promises? New labs are tested without a line here."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch import Tensor

from autograder.bridge.verdicts import steps_of
from autograder.compose import compose, solve
from autograder.course import Course, Exercise, Lab
from autograder.demo import STUDENTS, plain_mistake, play, renamed
from autograder.expect import hidden_expectations
from autograder.grade import Grader
from autograder.home import check_examples
from autograder.judge import Expectation, report
from autograder.pack import pack_path, read_pack
from tests.conftest import ROOT
from tests.walls import start_behind_wall

LABS = Course.at(ROOT).labs
EXERCISES = [exercise for lab in LABS for exercise in lab.exercises]
each_lab = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@each_lab
def test_the_text_names_every_exercise_once_and_ids_are_unique(lab: Lab):
    cells = compose(lab).cells
    ids = [cell.id for cell in cells]
    assert len(ids) == len(set(ids))
    checks = [cell.metadata.exercise for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert checks == [exercise.id for exercise in lab.exercises]


@each_lab
def test_cells_stay_short(lab: Lab):
    for cell in compose(lab).cells:
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            assert len(cell.source.splitlines()) <= 14, cell.source


@each_lab
def test_the_student_edition_holds_no_line_of_an_answer(lab: Lab):
    """Every line of code that only the answers have must be absent from notebook and pack."""
    edition = b"".join(path.read_bytes() for path in sorted(lab.edition.iterdir())).decode("utf-8", "replace")
    public = "\n".join(path.read_text() for path in lab.folder.rglob("*") if path.suffix in (".md", ".py"))
    for exercise in lab.exercises:
        texts = {*exercise.answer.hints, *(exercise.answer.sentence(name) for name in exercise.answer.marked("wrong"))}
        for line in exercise.answer.source.splitlines():
            code = line.strip()
            if len(code) > 30 and code not in public and not any(code.strip("\"'(),") in text for text in texts):
                assert code not in edition, f"{exercise.id}: {code}"


@each_lab
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_solved_notebook_runs_without_an_error_or_a_warning(lab: Lab, tmp_path: Path):
    notebook = solve(lab, compose(lab))
    shutil.copy(pack_path(lab.edition, lab.name), tmp_path)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.text


@each_lab
def test_no_two_answers_of_a_lab_share_a_helpers_name(lab: Lab):
    """In a solved notebook all cells share one namespace: the later helper would serve both exercises."""
    helpers: Counter[str] = Counter()
    for exercise in lab.exercises:
        tree = ast.parse(exercise.answer.source)
        helpers.update(n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("_"))
    assert [name for name, count in helpers.items() if count > 1] == []


@each_lab
@pytest.mark.slow
def test_the_untouched_notebook_scores_nothing(lab: Lab):
    notebook = nbformat.read(lab.edition / f"{lab.name}.ipynb", as_version=4)
    graded = Grader(lab, "secret").grade(steps_of(notebook, lab), None, start_behind_wall)
    assert {key: verdict.points for key, verdict in graded.verdicts.items()} == {e.id: 0.0 for e in lab.exercises}
    assert all("Not started" in verdict.reason for verdict in graded.verdicts.values())


@each_exercise
def test_at_home_every_named_mistake_reads_its_own_sentence(exercise: Exercise):
    packed = read_pack(pack_path(exercise.lab.edition, exercise.lab.name), exercise)
    assert check_examples(exercise, packed, exercise.answer.reference).passed
    for name, wrong in exercise.answer.marked("wrong").items():
        result = check_examples(exercise, packed, wrong)
        assert not result.passed
        assert packed.sentences[result.mistake] == exercise.answer.sentence(name)


@each_exercise
@pytest.mark.slow
def test_right_answers_pass_under_any_seed(exercise: Exercise):
    """More secrets than `verify` tries: no right answer may ever be lost to rounding or chance."""
    right = {**exercise.answer.marked("right"), **exercise.answer.marked("source")}
    for seed in range(1000, 1008):
        cases = exercise.answer.cases(seed)
        known = [Expectation(case, exercise.call(exercise.answer.reference, case).value) for case in cases]
        for name, answer in right.items():
            result = report(exercise.rules(with_facts=True), known, [exercise.call(answer, e.case) for e in known])
            assert result.passed, f"{name} with seed {seed}: {result.first_failure()}"


@each_lab
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_three_students_score_exactly_what_their_errors_deserve(lab: Lab, tmp_path: Path):
    graded = {row.student: row for row in play(lab, tmp_path / "class")}
    secret = (tmp_path / "class" / "secrets" / lab.name).read_text().strip()
    roles = {role: graded[student] for student, role in STUDENTS.items()}
    full = {e.id: e.contract.points for e in lab.exercises}
    assert points(roles["right"]) == full
    expected = dict(full)
    for exercise in lab.exercises[:-1:2]:
        if plain_mistake(exercise):
            expected[exercise.id] = deserved(exercise, secret)
            assert roles["mistaken"].verdicts[exercise.id]["mistake"] in exercise.answer.marked("wrong")
    expected[lab.exercises[-1].id] = 0.0
    assert points(roles["mistaken"]) == pytest.approx(expected)
    middle = len(lab.exercises) // 2
    reached = {e.id for e in lab.exercises[:middle]}
    assert points(roles["crashing"]) == {key: value if key in reached else 0.0 for key, value in full.items()}


def points(row) -> dict[str, float]:
    assert row.score == pytest.approx(sum(verdict["points"] for verdict in row.verdicts.values()))
    return {key: verdict["points"] for key, verdict in row.verdicts.items()}


def deserved(exercise: Exercise, secret: str) -> float:
    """The share of groups in which the exercise's first plain mistake does as the reference does."""
    known = hidden_expectations(exercise, secret)
    wrong = exercise.answer.marked("wrong")[plain_mistake(exercise)]
    outcomes = [exercise.call(wrong, e.case) for e in known]
    findings = report(exercise.rules(with_facts=True), known, outcomes).findings
    failed = {e.case.group for e, finding in zip(known, findings, strict=True) if finding}
    groups = {e.case.group for e in known}
    return exercise.contract.points * (len(groups) - len(failed)) / len(groups)


def test_a_mistake_is_renamed_and_loses_the_docstring_that_names_it():
    source = renamed('def Forgets(x):\n    """Says what is wrong."""\n    return x', "Forgets", "scale")
    assert source == "def scale(x):\n    return x"


def test_a_mistake_that_rounding_decides_in_part_is_recognised_where_it_does_not():
    """Which of the directions outside a span eigh returns first depends on the machine."""
    exercise = Course.find().exercise("lora.similarity")
    packed = read_pack(pack_path(exercise.lab.edition, exercise.lab.name), exercise)

    def ascending(A1: Tensor, A2: Tensor, i: int, j: int) -> float:
        V1, V2 = (torch.linalg.eigh(A.T @ A).eigenvectors for A in (A1, A2))
        return ((V1[:, :i].T @ V2[:, :j]).square().sum() / min(i, j)).item()

    assert check_examples(exercise, packed, ascending).mistake == "TakesTheWeakest"
