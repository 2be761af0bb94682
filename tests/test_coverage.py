"""Does course/coverage.md lead where it says, and does every reading run?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.questions import anchors
from tests.conftest import ROOT
from tests.test_questions import readable

COURSE = Course.at(ROOT)
COVERAGE = ROOT / "course" / "coverage.md"
QUESTIONS = {question.key for lab in COURSE.labs for question in readable(lab)}
READINGS = [lab for lab in COURSE.labs if (lab.folder / "chapter.md").is_file()]


@dataclass(frozen=True)
class Row:
    """One statement of the notes and where the course treats it."""

    number: str
    statement: str
    reading: str
    exercises: str
    questions: str

    @property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^)]+)\)", self.reading)

    @property
    def planned(self) -> list[str]:
        return re.findall(r"planned: (\w+)", self.reading)

    def problems(self) -> list[str]:
        """What of this row leads nowhere, or is no longer true."""
        found = [f"nothing at {link}" for link in self.links if not leads_somewhere(link)]
        found += [f"no exercise {name}" for name in ticked(self.exercises) if not is_exercise(name)]
        found += [f"no question {key}" for key in ticked(self.questions) if key not in QUESTIONS]
        found += [f"{name} is there: link to it" for name in self.planned if (COVERAGE.parent / name).is_dir()]
        if not self.links and not self.planned:
            found.append("neither a link nor a plan")
        left = re.sub(
            r"\[[^]]+\]\([^)]+\)|planned: \w+|`[^`]+`|[, ]", "", self.reading + self.exercises + self.questions
        )
        return found + ([f"'{left}' is no link, id or plan"] if left else [])


def leads_somewhere(link: str) -> bool:
    file, _, anchor = link.partition("#")
    return (COVERAGE.parent / file).is_file() and anchor in anchors(COVERAGE.parent / file)


def is_exercise(name: str) -> bool:
    try:
        return COURSE.exercise(name).id == name
    except UserError:
        return False


def ticked(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def rows() -> list[Row]:
    lines = [line for line in COVERAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| *\d", line)]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_every_statement_leads_somewhere(row: Row):
    assert row.problems() == []


def test_statements_are_numbered_without_a_gap_and_counted_in_the_text():
    numbers = [int(row.number) for row in rows()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert f"each of its {len(numbers)} statements" in " ".join(COVERAGE.read_text(encoding="utf-8").split())
    assert all(row.statement for row in rows())


def test_every_lab_that_is_there_is_covered():
    """A lab that treats no statement is either new (add a row) or not about the notes."""
    linked = {link.partition("/")[0] for row in rows() for link in row.links}
    assert {lab.name for lab in READINGS} <= linked


THERE = COURSE.labs[0].name
BROKEN = {
    "anchor": (Row("1", "s", f"[x]({THERE}/chapter.md#nowhere)", "", ""), "nothing at"),
    "file": (Row("1", "s", f"[x]({THERE}/nothing.md#x)", "", ""), "nothing at"),
    "exercise": (Row("1", "s", "planned: future", f"`{THERE}.nothing`", ""), "no exercise"),
    "question": (Row("1", "s", "planned: future", "", f"`{THERE}/nothing`"), "no question"),
    "plan": (Row("1", "s", f"planned: {THERE}", "", ""), "is there: link to it"),
    "nothing": (Row("1", "s", "", f"`{COURSE.labs[0].exercises[0].id}`", ""), "neither a link nor a plan"),
    "words": (Row("1", "s", "planned: future", "see above", ""), "is no link, id or plan"),
}


@pytest.mark.parametrize(("row", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_found(row: Row, words: str):
    (problem,) = row.problems()
    assert words in problem


@pytest.mark.parametrize("lab", READINGS, ids=lambda lab: lab.name)
def test_cells_of_a_reading_stay_short(lab: Lab):
    for cell in reading(lab).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 14, cell.source


@pytest.mark.slow
@pytest.mark.parametrize("lab", READINGS, ids=lambda lab: lab.name)
def test_a_reading_runs_without_an_error_or_a_warning(lab: Lab, tmp_path: Path):
    notebook = reading(lab)
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def reading(lab: Lab) -> nbformat.NotebookNode:
    return jupytext.reads((lab.folder / "chapter.md").read_text(encoding="utf-8"), fmt="md:myst")
