"""Does the class report count what the class did, and does it name nobody?"""

from __future__ import annotations

import csv
import io
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.text import Text
from rich.console import Console

from autograder.bridge.classroom import Classroom
from autograder.bridge.submission import SubmissionExporter, unreadable_reason
from autograder.bridge.verdicts import summary
from autograder.call import Outcome
from autograder.cli import SpeakingGroup
from autograder.cli.reporting import print_report, report
from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.expect import hidden_expectations
from autograder.grade import Verdict
from autograder.judge import Expectation, Report
from autograder.judge import report as judge
from autograder.pack import pack_path, read_pack
from autograder.report import JUDGED, NOT_STARTED, PARTIAL, RIGHT, UNGRADED, UNGRADED_ENDINGS, WRONG, ClassReport
from autograder.report_files import picture, write
from tests.conftest import ROOT
from tests.toy import CONTRACT, add_toy_lab

UNTOUCHED = "Not started: the function still raises NotImplementedError."
VALUES = "Some values differ from the expected ones."
SENTENCES = {"Adds": "Multiply by k, do not add it.", "Divides": "Multiply by k, do not divide.", "Squares": "Once."}


@dataclass(frozen=True)
class Student:
    student: str
    score: float
    max_score: float
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    note: str = ""


def lab_of(root: Path, count: int) -> Lab:
    """A lab of several exercises, in an order that is not that of their names; not built."""
    lab = add_toy_lab(root)
    for number in range(1, count):
        text = CONTRACT.replace("scale", f"part_{number}").replace("Scale a vector", f"Part {number}")
        (lab.folder / "exercises" / f"part_{number}.py").write_text(text)
    named = "".join(f"\n# toy.part_{number}\n" for number in reversed(range(1, count)))
    lab.master.write_text(lab.master.read_text() + named)
    return Course.at(root).lab("toy")


def verdict(points: float, mistake: str = "", reason: str = "", most: float = 4.0) -> dict[str, Any]:
    return {
        "points": points,
        "max_points": most,
        "mistake": mistake,
        "reason": SENTENCES.get(mistake, reason),
        "groups": {},
    }


def student(name: str, verdicts: dict[str, dict[str, Any]]) -> Student:
    points = sum(v["points"] for v in verdicts.values())
    return Student(name, points, sum(v["max_points"] for v in verdicts.values()), verdicts)


def alone(*verdicts: dict[str, Any]) -> list[Student]:
    """One student for each verdict on toy.scale."""
    return [student(f"student-{i}", {"toy.scale": v}) for i, v in enumerate(verdicts)]


def drawn(lab: Lab, count: int, seed: int = 0) -> list[Student]:
    """A class at random: all states, named mistakes, reasons without a name, lost notebooks."""
    rng = random.Random(seed)
    kinds = {
        RIGHT: lambda: verdict(4.0),
        PARTIAL: lambda: verdict(rng.choice([1.0, 2.0]), rng.choice([*SENTENCES, ""]), VALUES),
        WRONG: lambda: verdict(0.0, rng.choice([*SENTENCES, ""]), VALUES),
        NOT_STARTED: lambda: verdict(0.0, "", UNTOUCHED),
        UNGRADED: lambda: verdict(0.0, "", "Time ran out. This check was not reached."),
    }
    found = []
    for number in range(count):
        verdicts = {e.id: kinds[rng.choice([RIGHT, *kinds])]() for e in lab.exercises}
        found.append(student(f"zoe-{number}", verdicts if rng.random() > 0.1 else {}))
    return found


def test_counts_shares_and_means_are_those_of_the_class(tmp_path):
    lab = lab_of(tmp_path, 4)
    graded = drawn(lab, 200)
    found = ClassReport(lab, graded)
    assert [e.id for e in found.exercises] == ["toy.scale", "toy.part_3", "toy.part_2", "toy.part_1"]
    for exercise in found.exercises:
        all_of_it = [s.verdicts.get(exercise.id) for s in graded]
        judged = [v for v in all_of_it if v and "not reached" not in v["reason"]]
        points = Counter(v["points"] for v in judged)
        untouched = sum(v["reason"] == UNTOUCHED for v in judged)
        assert exercise.counts == {
            "right": points[4.0],
            "partial": points[1.0] + points[2.0],
            "wrong": points[0.0] - untouched,
            "not_started": untouched,
            "ungraded": len(graded) - len(judged),
        }
        assert exercise.mean_points == pytest.approx(np.mean([v["points"] for v in judged]))
        assert sum(exercise.share(state) for state in JUDGED) == pytest.approx(100)
        mistakes = Counter(v["mistake"] for v in judged if v["mistake"])
        assert {r.mistake: r.students for r in exercise.mistakes} == mistakes
        assert [r.students for r in exercise.mistakes] == sorted(mistakes.values(), reverse=True)
        assert all(r.sentence == SENTENCES[r.mistake] for r in exercise.mistakes)
        assert all(r.share == pytest.approx(100 * r.students / len(judged)) for r in exercise.reasons)
        assert [(r.sentence, r.students) for r in exercise.unnamed] == [
            (VALUES, sum(v["reason"] == VALUES for v in judged))
        ]


def test_scores_are_those_of_the_notebooks_that_could_be_graded(tmp_path):
    lab = lab_of(tmp_path, 3)
    graded = drawn(lab, 150)
    found = ClassReport(lab, graded)
    judged = [s for s in graded if any("not reached" not in v["reason"] for v in s.verdicts.values())]
    scores = [100 * s.score / s.max_score for s in judged]
    assert 0 < found.ungraded == len(graded) - len(judged)
    assert found.students == 150
    assert found.quartiles == pytest.approx(np.percentile(scores, [25, 50, 75]), abs=1e-5)
    assert found.histogram == np.histogram(scores, bins=10, range=(0, 100))[0].tolist()


@pytest.mark.parametrize("count", [1, 3])
def test_a_lost_notebook_is_not_wrong_in_everything(toy_lab, count):
    lost = [Student(f"lost-{i}", 0.0, 0.0, {}, "nbgrader stopped on this submission") for i in range(count)]
    (exercise,) = ClassReport(toy_lab, lost + alone(verdict(4.0))).exercises
    assert (exercise.counts[RIGHT], exercise.counts[WRONG], exercise.counts[UNGRADED]) == (1, 0, count)
    assert (exercise.share(RIGHT), exercise.mean_points) == (100, 4.0)
    nobody = ClassReport(toy_lab, lost)
    assert (nobody.ungraded, nobody.quartiles, nobody.exercises[0].mean_points) == (count, None, None)
    assert nobody.go_over_again() == []


def test_extreme_scores_fall_into_the_outer_steps(toy_lab):
    found = ClassReport(toy_lab, alone(verdict(0.0, "Adds"), verdict(4.0)))
    assert found.histogram == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    extra = Student("extra", 5.0, 4.0, {"toy.scale": verdict(4.0)})
    one = ClassReport(toy_lab, [extra])
    assert (one.histogram[-1], one.quartiles) == (1, (125, 125, 125))


def judged_by_the_grader(lab: Lab, answer: Callable[..., Any] | None, lost: str = "") -> dict[str, Any]:
    """The verdict that the grader's own parts give toy.scale, as the gradebook's notebooks keep it."""
    exercise = lab.exercise("scale")
    packed, hidden = read_pack(pack_path(lab.edition, lab.name), exercise), hidden_expectations(exercise, "secret")

    def reported(expectations: Sequence[Expectation], with_facts: bool) -> Report:
        outcomes = [Outcome(lost=lost) if answer is None else exercise.call(answer, e.case) for e in expectations]
        return judge(exercise.rules(with_facts), expectations, outcomes)

    return summary(Verdict(exercise, reported(packed.examples, False), reported(hidden, True), packed))


ANSWERS = {
    "a right answer": (lambda x, k: k * x, RIGHT, ""),
    "one group of two": (lambda x, k: abs(k) * x, PARTIAL, ""),
    "a named mistake": (lambda x, k: x + k, WRONG, "Adds"),
    "no known mistake": (lambda x, k: x - 17, WRONG, ""),
    "an error": (lambda x, k: x[99], WRONG, ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_real_verdicts_are_understood(toy_lab, name):
    answer, state, mistake = ANSWERS[name]
    (exercise,) = ClassReport(toy_lab, alone(judged_by_the_grader(toy_lab, answer))).exercises
    assert exercise.counts == {s: int(s == state) for s in (*JUDGED, UNGRADED)}
    assert [r.mistake for r in exercise.reasons] == ([mistake] if state in (PARTIAL, WRONG) else [])


def test_an_untouched_stub_is_not_wrong(toy_lab):
    stub = toy_lab.exercise("scale").contract.stub
    (exercise,) = ClassReport(toy_lab, alone(judged_by_the_grader(toy_lab, stub))).exercises
    assert (exercise.counts[NOT_STARTED], exercise.reasons) == (1, ())


def test_an_unreadable_file_counts_as_not_graded(toy_lab, tmp_path):
    path = tmp_path / "toy.ipynb"
    path.write_text("{ cut")
    exporter = SubmissionExporter(labs_folder=str(toy_lab.course.labs_folder))
    notebook = nbformat.reads(exporter.from_filename(str(path))[0], as_version=4)
    found = ClassReport(toy_lab, alone(judged_by_the_grader(toy_lab, None, unreadable_reason(notebook))))
    assert (found.ungraded, found.exercises[0].counts[UNGRADED]) == (1, 1)


def test_what_means_not_graded_is_still_what_the_grader_says():
    others = [path for path in (ROOT / "autograder").rglob("*.py") if path.name != "report.py"]
    said = "".join(path.read_text(encoding="utf-8") for path in others)
    assert all(ending in said for ending in UNGRADED_ENDINGS)


def test_hardest_first_and_none_that_need_not_be_gone_over(tmp_path):
    lab = lab_of(tmp_path, 5)
    good, bad, untouched = verdict(4.0), verdict(0.0, "Adds"), verdict(0.0, "", UNTOUCHED)
    columns = {
        "toy.scale": [good, good, bad, good],
        "toy.part_4": [good, good, good, good],
        "toy.part_3": [untouched] * 4,
        "toy.part_2": [bad, verdict(2.0, "Divides"), bad, untouched],
        "toy.part_1": [verdict(0.0, "", VALUES)] * 3 + [verdict(0.0, "Adds")],
    }
    graded = [student(f"s{i}", {key: column[i] for key, column in columns.items()}) for i in range(4)]
    found = ClassReport(lab, graded)
    hard = found.go_over_again()
    assert [e.id for e in hard] == ["toy.part_1", "toy.part_2", "toy.scale"]
    assert [(e.foremost.mistake, e.foremost.students) for e in hard] == [("Adds", 1), ("Adds", 2), ("Adds", 1)]
    assert [e.id for e in found.go_over_again(1)] == ["toy.part_1"]


def test_a_message_is_told_only_when_several_students_code_raised_it(toy_lab):
    common = "It raised ValueError: too\x1b[31m  many\n(really) (line {}: return zip(x, k))"
    reasons = [common.format(1), common.format(22), "It raised KeyError: 'ann smith' (line 2: d['ann'])", VALUES]
    (exercise,) = ClassReport(toy_lab, alone(*(verdict(0.0, "", r) for r in reasons))).exercises
    assert [(r.sentence, r.students) for r in exercise.reasons] == [
        ("It raised ValueError: too [31m many (really)", 2),
        ("It raised KeyError", 1),
        (VALUES, 1),
    ]


def read(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_hold_the_counts_sorted_and_nobodys_name(tmp_path):
    lab = lab_of(tmp_path, 4)
    found = ClassReport(lab, drawn(lab, 120))
    paths = write(found, tmp_path / "new" / "class")
    assert [path.name for path in paths] == ["report-toy.png", "report-toy-exercises.csv", "report-toy-mistakes.csv"]
    assert sorted(os.listdir(tmp_path / "new" / "class")) == sorted(path.name for path in paths)
    exercises, mistakes = read(paths[1]), read(paths[2])
    for row, exercise in zip(exercises, found.exercises, strict=True):
        assert {state: int(row[state]) for state in exercise.counts} == exercise.counts
        assert (row["id"], row["title"], float(row["points"])) == (exercise.id, exercise.title, 4.0)
        assert int(row["students"]) == 120 == sum(exercise.counts.values())
        assert float(row["mean_points"]) == pytest.approx(exercise.mean_points, abs=1e-4)
        assert (row["most_frequent_mistake"], int(row["count"])) == (
            exercise.mistakes[0].mistake,
            exercise.mistakes[0].students,
        )
    assert len(mistakes) == sum(len(e.reasons) for e in found.exercises)
    counts = [int(row["students"]) for row in mistakes]
    assert counts == sorted(counts, reverse=True)
    texts = [path.read_text(encoding="utf-8") for path in paths[1:]] + [printed(found)]
    texts += [text.get_text() for text in picture(found).findobj(Text)]
    assert not any("zoe" in text for text in texts)


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\uff1d"])
def test_no_cell_is_a_formula_and_no_text_breaks_the_table(own_toy_lab, tmp_path, beginning):
    path = own_toy_lab.exercise("scale").contract_path
    path.write_text(path.read_text().replace("Scale a vector", "=1+1"))
    lab = Course.at(own_toy_lab.course.root).lab("toy")
    evil = verdict(0.0, "", f'\t {beginning}cmd|"calc"!A1,\r\n\ud800 end')
    paths = write(ClassReport(lab, alone(evil, evil)), tmp_path)
    cells = [cell for path in paths[1:] for row in read(path) for cell in row.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")) for cell in cells)
    assert "'=1+1" in cells
    assert f'\'{beginning}cmd|"calc"!A1, end' in cells


def test_a_file_is_replaced_whole_or_not_at_all(toy_lab, tmp_path, monkeypatch):
    paths = write(ClassReport(toy_lab, alone(verdict(4.0))), tmp_path)
    before = {path: path.read_bytes() for path in paths}

    def fail(*args: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            write(ClassReport(toy_lab, alone(verdict(0.0, "Adds"))), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("students", "exercises"), [(1, 1), (3, 18), (512, 18)])
def test_every_bar_is_whole_and_all_text_is_inside_the_picture(tmp_path, students, exercises, monkeypatch):
    import matplotlib.pyplot

    monkeypatch.setitem(SENTENCES, "TakesTheWholeOfItForWhatIsOnlyOnePartAmongSeveral", "A part.")
    lab = lab_of(tmp_path, exercises)
    found = ClassReport(lab, drawn(lab, students, seed=4))
    figure = picture(found)
    figure.canvas.draw()
    scores, bars = figure.axes
    assert [patch.get_height() for patch in scores.patches] == found.histogram
    parts = np.array([(bar.get_x(), bar.get_width()) for bar in bars.patches]).reshape(len(JUDGED), exercises, 2)
    lefts, widths = parts[..., 0], parts[..., 1].sum(0)
    assert np.allclose(lefts, np.cumsum(parts[..., 1], 0) - parts[..., 1])
    assert widths == pytest.approx([100.0 if e.judged else 0.0 for e in found.exercises])
    assert found.quartiles[1] in [line.get_xdata()[0] for line in scores.lines]
    drawn_box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn_box.x0, drawn_box.y0) >= 0
    assert drawn_box.x1 <= width
    assert drawn_box.y1 <= height
    assert matplotlib.pyplot.get_fignums() == []


def test_a_picture_of_nothing_is_drawn_too(toy_lab, tmp_path):
    assert all(path.is_file() for path in write(ClassReport(toy_lab, [Student("lost", 0.0, 0.0)]), tmp_path))


def printed(found: ClassReport, width: int = 80) -> str:
    file = io.StringIO()
    print_report(Console(file=file, width=width), found)
    return file.getvalue()


@pytest.mark.parametrize(("students", "exercises"), [(1, 1), (3, 18), (512, 18)])
def test_the_terminal_text_fits_80_columns_and_holds_all_exercises(tmp_path, students, exercises):
    lab = lab_of(tmp_path, exercises)
    markup = [student("zoe-m", {"toy.scale": verdict(0.0, "", "It got [/bold] [red]x[/red].")})]
    text = printed(ClassReport(lab, drawn(lab, students - 1) + markup))
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "[/bold] [red]x[/red]" in text
    words = text.split()
    assert all(exercise.id in words for exercise in lab.exercises)


def test_a_class_of_nobody_is_a_sentence(toy_lab):
    with pytest.raises(UserError, match="autograder grade toy"):
        ClassReport(toy_lab, [])


@pytest.fixture
def run(toy_lab, tmp_path, monkeypatch):
    monkeypatch.setenv("WINNING_TICKET_ROOT", str(toy_lab.course.root))
    folder = tmp_path / "class"

    def invoke(graded: list[Student], lab: str = "toy"):
        monkeypatch.setattr(Classroom, "results", lambda self, lab: graded, raising=False)
        group = SpeakingGroup(commands=[report])
        return CliRunner().invoke(group, ["report", lab, "--class-folder", str(folder)]), folder

    return invoke


def test_the_command_writes_into_the_class_folder_and_prints_where(run):
    result, folder = run(alone(verdict(4.0), verdict(0.0, "Adds")))
    assert result.exit_code == 0, result.output
    assert sorted(result.stdout.splitlines()[-3:]) == sorted(str(path) for path in folder.iterdir())
    assert read(folder / "report-toy-exercises.csv")[0]["most_frequent_mistake"] == "Adds"


@pytest.mark.parametrize(("lab", "words"), [("toy", "autograder grade toy"), ("toi", "Did you mean 'toy'?")])
def test_without_grades_or_lab_the_command_says_what_to_do(run, lab, words):
    result, folder = run([], lab)
    assert result.exit_code == 2
    assert words in result.output
    assert not folder.exists()
