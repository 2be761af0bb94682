"""Are notebooks composed from public text alone, the same each time, with ids that stay?"""

from __future__ import annotations

import shutil

import nbformat
import pytest
import torch

from autograder.compose import build, compose, solve
from autograder.course import Course
from autograder.errors import UserError
from autograder.pack import build_pack, pack_path, same_pack
from autograder.plain import dumps, loads
from tests.toy import RIGHT


def test_the_notebook_needs_no_solutions(own_toy_lab):
    with_answers = compose(own_toy_lab)
    shutil.rmtree(own_toy_lab.course.root / "solutions")
    assert compose(Course.at(own_toy_lab.course.root).lab("toy")) == with_answers


def test_without_solutions_a_build_keeps_the_pack_and_solves_nothing(own_toy_lab):
    root = own_toy_lab.course.root
    pack = pack_path(own_toy_lab.edition, "toy")
    before = pack.read_bytes()
    shutil.rmtree(root / "solutions")
    shutil.rmtree(root / "build")
    build(Course.at(root).lab("toy"), root / "build")
    assert pack.read_bytes() == before
    assert not (root / "build" / "solved").exists()


def test_a_rebuild_changes_nothing_and_a_new_sentence_only_the_pack(own_toy_lab):
    root = own_toy_lab.course.root
    assert build(Course.at(root).lab("toy"), root / "build") == []
    path = own_toy_lab.exercise("scale").answer_path
    path.write_text(path.read_text().replace("do not divide.", "never divide."))
    assert build(Course.at(root).lab("toy"), root / "build") == [pack_path(own_toy_lab.edition, "toy")]


def test_a_pack_is_kept_while_its_floats_differ_within_tolerance(own_toy_lab):
    old = build_pack(own_toy_lab)
    new = loads(dumps(old))
    value = new["exercises"]["toy.scale"]["examples"][0]["value"]
    value += 1e-7
    assert same_pack(own_toy_lab, old, new)
    value += 1e-2
    assert not same_pack(own_toy_lab, old, new)


def test_a_pack_holds_values_and_text_and_no_code(own_toy_lab):
    data = pack_path(own_toy_lab.edition, "toy").read_bytes()
    assert b"def " not in data
    assert b"return k" not in data
    kinds = set()

    def walk(value):
        kinds.add(type(value))
        if isinstance(value, dict):
            value = [*value.keys(), *value.values()]
        if isinstance(value, (list, tuple)):
            for item in value:
                walk(item)

    walk(loads(data))
    assert kinds <= {dict, list, str, int, float, torch.Tensor}


def test_cell_ids_derive_from_names_and_survive_new_text(own_toy_lab):
    before = [cell.id for cell in compose(own_toy_lab).cells]
    master = own_toy_lab.master
    master.write_text(master.read_text().replace("Multiply a vector", "Multiply each entry of a vector"))
    lab = Course.at(own_toy_lab.course.root).lab("toy")
    assert [cell.id for cell in compose(lab).cells] == before
    assert {"toy-scale-text", "toy-scale", "toy-scale-check"} <= set(before)


def test_the_solved_notebook_holds_the_reference_with_what_it_needs(own_toy_lab):
    notebook = solve(own_toy_lab, compose(own_toy_lab))
    source = next(cell.source for cell in notebook.cells if cell.id == "toy-scale")
    assert source == "def scale(x, k):\n    return k * x"
    assert compose(own_toy_lab) != notebook


def test_an_exercise_that_the_text_does_not_name_is_refused(own_toy_lab):
    folder = own_toy_lab.folder / "exercises"
    shutil.copy(folder / "scale.py", folder / "lost.py")
    with pytest.raises(UserError, match=r"toy\.lost"):
        compose(Course.at(own_toy_lab.course.root).lab("toy"))


def test_the_master_opens_as_a_notebook_and_comes_back_unchanged(own_toy_lab):
    import jupytext

    text = own_toy_lab.master.read_text()
    notebook = jupytext.reads(text, fmt="md:myst")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "code"]
    back = jupytext.writes(notebook, fmt="md:myst")
    assert back.partition("\n---\n")[2].rstrip() == text.partition("\n---\n")[2].rstrip()
    own_toy_lab.master.write_text(back)
    again = Course.at(own_toy_lab.course.root).lab("toy").front_matter
    assert {key: again[key] for key in ("title", "order", "minutes", "limits", "kernelspec")} == {
        key: own_toy_lab.front_matter[key] for key in ("title", "order", "minutes", "limits", "kernelspec")
    }


def test_check_cells_are_locked_and_worth_the_contracts_points(toy_lab):
    notebook = nbformat.read(toy_lab.edition / "toy.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    check, answer = cells["toy-scale-check"], cells["toy-scale"]
    assert check.source == 'check("toy.scale", scale)'
    assert (check.metadata.nbgrader.points, check.metadata.nbgrader.grade, check.metadata.nbgrader.locked) == (
        4.0,
        True,
        True,
    )
    assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.grade) == (True, False)
    assert "checksum" in check.metadata.nbgrader
    assert RIGHT not in nbformat.writes(notebook)
