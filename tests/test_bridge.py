"""Does a class come through real nbgrader as it should, whatever was done to the notebooks?"""

from __future__ import annotations

import copy
import csv
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from autograder.bridge.classroom import Classroom
from autograder.bridge.config import configure
from autograder.bridge.feedback import NBGRADER_TEMPLATES
from autograder.bridge.grading import Options
from autograder.bridge.submission import reassemble
from autograder.compose import compose, solve
from autograder.course import Lab
from autograder.errors import UserError
from tests.attacks.arena import active
from tests.toy import RIGHT

pytestmark = pytest.mark.slow


def student_of(lab: Lab, name: str, folder: Path) -> Classroom:
    return Classroom(lab.course, folder, student=name, work=folder / "students" / name)


def set_answer(notebook, source: str):
    return solve_with(notebook, {"toy.scale": source})


def solve_with(notebook, answers):
    done = copy.deepcopy(notebook)
    for cell in done.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers[cell.metadata.exercise]
    return done


def without(notebook, grade_id: str):
    done = copy.deepcopy(notebook)
    done.cells = [c for c in done.cells if c.metadata.get("nbgrader", {}).get("grade_id") != grade_id]
    return done


def doubled(notebook, grade_id: str):
    done = copy.deepcopy(notebook)
    index = next(i for i, c in enumerate(done.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)
    extra = copy.deepcopy(done.cells[index])
    extra.id = "a-copy"
    done.cells.insert(index, extra)
    return done


def stripped(notebook):
    done = copy.deepcopy(notebook)
    for number, cell in enumerate(done.cells):
        cell.metadata = nbformat.NotebookNode()
        cell.id = f"colab-{number}"
    return done


def greedy(notebook):
    done = copy.deepcopy(notebook)
    for cell in done.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.points = 400
            cell.source = "4.0"
    return done


def with_cell(notebook, source: str):
    done = copy.deepcopy(notebook)
    done.cells.insert(0, new_code_cell(source))
    return done


def with_kernel(notebook, name: str):
    done = copy.deepcopy(notebook)
    done.metadata = nbformat.from_dict({"kernelspec": {"name": name, "display_name": name}, "winning_ticket": 3})
    return done


def hostile(notebook):
    done = with_cell(
        notebook,
        "from IPython.display import HTML, Javascript, display\n"
        "display(HTML('<script>bad()</script><b onclick=bad()>bold</b>'), Javascript('bad()'))\n"
        "'<script>bad()</script>'",
    )
    text = "<script>bad()</script> [x](javascript:bad()) $x<y$"
    done.cells.insert(0, new_markdown_cell(text, metadata={"tags": ['"><script>bad()</script>']}))
    done.metadata.title = "</title><script>bad()</script>"
    return done


SUBMISSIONS = {
    "right": (lambda nb: set_answer(nb, RIGHT), 4.0),
    "half": (lambda nb: set_answer(nb, "def scale(x, k): return abs(k) * x"), 2.0),
    "untouched": (lambda nb: nb, 0.0),
    "check-deleted": (lambda nb: without(set_answer(nb, RIGHT), "toy-scale-check"), 4.0),
    "check-doubled": (lambda nb: doubled(set_answer(nb, RIGHT), "toy-scale-check"), 4.0),
    "answer-doubled": (lambda nb: doubled(set_answer(nb, RIGHT), "toy-scale"), 4.0),
    "metadata-lost": (lambda nb: stripped(set_answer(nb, RIGHT)), 4.0),
    "metadata-lost-wrong": (lambda nb: stripped(nb), 0.0),
    "points-forged": (greedy, 0.0),
    "check-redefined": (lambda nb: with_cell(nb, "check = lambda *a: 4.0"), 0.0),
    "stderr": (
        lambda nb: with_cell(
            set_answer(nb, RIGHT), "import sys, warnings; print('x', file=sys.stderr); warnings.warn('w')"
        ),
        4.0,
    ),
    "score-printed": (lambda nb: with_cell(nb, "print('Score: 4.0')\n4.0"), 0.0),
    "other-kernel": (lambda nb: with_kernel(set_answer(nb, RIGHT), "julia-1.9"), 4.0),
    "hostile": (lambda nb: hostile(set_answer(nb, RIGHT)), 4.0),
    "dies": (lambda nb: with_cell(set_answer(nb, RIGHT), "import os; os._exit(1)"), 0.0),
}
BROKEN_FILES = {
    "truncated": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "not-json": lambda text: "hello",
    "not-a-notebook": lambda text: '{"cells": 3}',
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One class with every kind of submission, graded once."""
    from autograder.compose import build
    from tests.toy import add_toy_lab

    lab = add_toy_lab(tmp_path_factory.mktemp("course"))
    build(lab, lab.course.root / "build")
    folder = lab.course.root / "build"
    teacher = Classroom(lab.course, folder)
    teacher.release("toy")
    for name, (change, _) in SUBMISSIONS.items():
        pupil = student_of(lab, name, folder)
        path = pupil.fetch("toy") / "toy.ipynb"
        nbformat.write(change(nbformat.read(path, as_version=4)), path)
        pupil.submit("toy")
    for name, change in BROKEN_FILES.items():
        pupil = student_of(lab, name, folder)
        path = pupil.fetch("toy") / "toy.ipynb"
        path.write_text(change(path.read_text()))
        pupil.submit("toy")
    teacher.collect("toy")
    one_file = folder / "submitted" / "renamed" / "toy"
    one_file.mkdir(parents=True)
    (one_file / "toy final.ipynb").write_bytes((folder / "submitted" / "right" / "toy" / "toy.ipynb").read_bytes())
    no_file = folder / "submitted" / "nothing" / "toy"
    no_file.mkdir(parents=True)
    (no_file / "essay.txt").write_text("sorry")
    (folder / "submitted" / "folder" / "toy" / "toy.ipynb").mkdir(parents=True)
    rows = {row.student: row for row in teacher.grade("toy", Options(workers=2))[0]}
    teacher.feedback("toy")
    return lab, folder, teacher, rows


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_every_submission_scores_what_it_deserves(graded, name):
    rows = graded[3]
    assert rows[name].score == SUBMISSIONS[name][1]
    assert rows[name].max_score == 4.0
    assert rows[name].note == ""


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_an_unreadable_file_gets_zero_and_a_sentence(graded, name):
    row = graded[3][name]
    assert row.score == 0.0
    assert "not a readable notebook" in row.verdicts["toy.scale"]["reason"]


def test_a_renamed_notebook_is_graded_and_said(graded):
    row = graded[3]["renamed"]
    assert row.score == 4.0
    assert "toy final.ipynb" in row.note


def test_a_submission_without_a_notebook_gets_zero_and_a_sentence(graded):
    row = graded[3]["nothing"]
    assert row.score == 0.0
    assert "no notebook at all" in row.note


def test_a_folder_in_the_notebooks_place_costs_only_itself(graded):
    row = graded[3]["folder"]
    assert row.score == 0.0
    assert "is a folder" in row.note


def test_a_second_grading_changes_nothing(graded):
    _, folder, teacher, rows = graded
    before = {path: path.stat().st_mtime_ns for path in (folder / "autograded").rglob("*.ipynb")}
    rows_again, summary = teacher.grade("toy")
    again = {row.student: row.score for row in rows_again}
    assert (summary.graded, summary.recalled, summary.unchanged) == (0, 0, len(rows))
    assert again == {name: row.score for name, row in rows.items()}
    assert {path: path.stat().st_mtime_ns for path in (folder / "autograded").rglob("*.ipynb")} == before


def test_grading_leaves_submissions_as_they_were(graded):
    _, folder, _, _ = graded
    for name in SUBMISSIONS:
        mine = folder / "students" / name / "toy" / "toy.ipynb"
        assert (folder / "submitted" / name / "toy" / "toy.ipynb").read_bytes() == mine.read_bytes()


def page(folder: Path, name: str) -> str:
    return (folder / "feedback" / name / "toy" / "toy.html").read_text(encoding="utf-8")


def test_feedback_names_the_mistake_and_shows_mathematics_without_scripts(graded):
    html = page(graded[1], "half")
    assert "2 of 4" in html
    assert "negative" in html
    assert "<math" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


@pytest.mark.parametrize("name", [*SUBMISSIONS, *BROKEN_FILES])
def test_no_feedback_page_holds_a_script_or_a_secret(graded, name):
    html = page(graded[1], name)
    assert "<script" not in html
    assert "onclick" not in html.replace("onclick=bad()&gt;", "").replace("onclick=bad()>bold</b>&#39;", "")
    assert 'href="javascript' not in html
    assert "-1.5" not in html
    assert "in_double" not in html
    assert "Content-Security-Policy" in html


def formgrader_page(path: Path, root: Path, **names: str) -> str:
    """What Formgrader shows an instructor of a graded notebook, made as its server makes it."""
    config = configure(Config(), root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [str(NBGRADER_TEMPLATES)]
    resources = {"assignment_id": "toy", "notebook_id": "toy", "submission_id": "1", "index": 0, "total": 1}
    resources |= {"base_url": "", "notebook_path": "toy.ipynb", "student": "ann", **names}
    return HTMLExporter(config=config).from_filename(str(path), resources=resources)[0]


def test_formgrader_runs_nothing_that_a_student_wrote(graded):
    """Neither outputs nor Markdown nor a student's name add anything active to its own scripts."""
    lab, folder, _, _ = graded
    root = lab.course.root
    pages = [
        formgrader_page(folder / "autograded" / name / "toy" / "toy.ipynb", root, first_name=first, last_name="Lee")
        for name, first in (("right", "Ann"), ("hostile", "<img src=x onerror=bad()><script>bad()</script>"))
    ]
    honest, hostile = (active(page) for page in pages)
    assert honest == hostile
    assert "&lt;img src=x onerror=bad()&gt;" in pages[1]
    assert "<b>bold</b>" in pages[1]
    assert "<math" in pages[1]


def test_feedback_reaches_only_its_student(graded):
    lab, folder, teacher, _ = graded
    for name in ("renamed", "nothing"):
        assert (folder / "feedback" / name).is_dir()
    teacher.release_feedback("toy")
    for name in ("right", "half"):
        pages = student_of(lab, name, folder).fetch_feedback("toy")
        assert len(pages) == 1
        assert pages[0].read_text(encoding="utf-8") == page(folder, name)


def test_grades_are_exported_as_csv(graded, tmp_path):
    teacher = graded[2]
    with teacher.export(tmp_path / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert {name: rows[name] for name in SUBMISSIONS} == {name: score for name, (_, score) in SUBMISSIONS.items()}


def test_seeds_lie_beside_the_gradebook_and_only_the_owner_reads_them(graded):
    path = graded[1] / "secrets" / "toy"
    assert len(path.read_text().strip()) == 64
    assert path.stat().st_mode & 0o077 == 0


def test_fetching_never_touches_work_that_is_there(graded):
    lab, folder, _, _ = graded
    pupil = student_of(lab, "right", folder)
    before = (pupil.work / "toy" / "toy.ipynb").read_bytes()
    with pytest.raises(UserError, match="nothing was changed"):
        pupil.fetch("toy")
    assert (pupil.work / "toy" / "toy.ipynb").read_bytes() == before


def test_a_renamed_file_is_not_submitted(graded):
    lab, folder, _, _ = graded
    pupil = student_of(lab, "late", folder)
    path = pupil.fetch("toy") / "toy.ipynb"
    path.rename(path.with_name("mine.ipynb"))
    with pytest.raises(UserError, match=r"Rename mine\.ipynb back to toy\.ipynb"):
        pupil.submit("toy")


def test_a_receipt_names_what_was_handed_in(graded):
    import hashlib

    lab, folder, _, _ = graded
    pupil = student_of(lab, "punctual", folder)
    path = pupil.fetch("toy") / "toy.ipynb"
    receipt = pupil.submit("toy")
    assert receipt.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    kept = [json.loads(p.read_text()) for p in (pupil.work / "receipts").iterdir()]
    assert kept == [receipt.__dict__]


def test_what_was_not_released_cannot_be_fetched(graded, tmp_path):
    lab = graded[0]
    with pytest.raises(UserError, match="has not been released"):
        Classroom(lab.course, graded[1], student="x", work=tmp_path, exchange=_empty_exchange(tmp_path)).fetch("toy")


def _empty_exchange(folder: Path) -> Path:
    (folder / "exchange" / "winning-ticket" / "outbound").mkdir(parents=True)
    return folder / "exchange"


def test_reassembling_is_idempotent(toy_lab):
    release = compose(toy_lab).cells
    once = reassemble(solve(toy_lab, compose(toy_lab)).cells, release)
    assert reassemble(once, release) == once


@pytest.mark.parametrize(("source", "score"), [(RIGHT, 4.0), ("def scale(x, k): return x + k", 0.0)])
def test_stock_nbgrader_gives_all_or_nothing_from_the_public_examples(own_toy_lab, tmp_path, source, score):
    """No configuration of ours: nbgrader executes the released notebook itself."""
    from nbgrader.api import Gradebook

    from autograder.bridge.cells import register

    lab = own_toy_lab
    release = nbformat.read(lab.edition / "toy.ipynb", as_version=4)
    database = f"sqlite:///{tmp_path / 'gradebook.db'}"
    register(release, "toy", database, "stock")
    for step, notebook in (("source/toy", release), ("submitted/eve/toy", set_answer(release, source))):
        folder = tmp_path / step
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "toy.ipynb")
        (folder / "toy.pack").write_bytes((lab.edition / "toy.pack").read_bytes())
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'stock'\n")
    environment = {"WINNING_TICKET_ROOT": str(lab.course.root)}
    import os

    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "toy"],
        cwd=tmp_path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with Gradebook(database, "stock") as gradebook:
        assert gradebook.find_submission("toy", "eve").score == score


def test_nbgraders_own_command_grades_with_our_judge(own_toy_lab):
    """With the course's nbgrader_config.py, `nbgrader autograde` gives partial credit and reasons."""
    from nbgrader.api import Gradebook

    lab = own_toy_lab
    root = lab.course.root
    (root / "nbgrader_config.py").write_bytes((Path(__file__).parent.parent / "nbgrader_config.py").read_bytes())
    teacher = Classroom(lab.course)
    teacher.release("toy")
    folder = root / "build" / "submitted" / "eve" / "toy"
    folder.mkdir(parents=True)
    nbformat.write(
        set_answer(nbformat.read(lab.edition / "toy.ipynb", as_version=4), "def scale(x, k): return abs(k) * x"),
        folder / "toy.ipynb",
    )
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "toy"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with Gradebook(teacher.db_url, "winning-ticket") as gradebook:
        assert gradebook.find_submission("toy", "eve").score == 2.0


def test_validate_reports_a_wrong_answer_and_accepts_a_right_one(own_toy_lab):
    lab = own_toy_lab
    path = lab.edition / "toy.ipynb"
    texts = {}
    for name, source in {"wrong": "def scale(x, k): return x + k", "right": RIGHT}.items():
        notebook = set_answer(nbformat.read(path, as_version=4), source)
        notebook.cells = [cell for cell in notebook.cells if "experiment" not in cell.metadata.get("tags", [])]
        work = lab.course.root / name
        work.mkdir()
        nbformat.write(notebook, work / "toy.ipynb")
        (work / "toy.pack").write_bytes((lab.edition / "toy.pack").read_bytes())
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "validate", "toy.ipynb"], cwd=work, capture_output=True, text=True
        )
        texts[name] = done.stdout
    assert "Multiply by k, do not add it." in texts["wrong"]
    assert "Success" in texts["right"]
