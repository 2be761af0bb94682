"""Does an update bring the new release in, and does it ever lose what the learner wrote?"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.work import start, update

STUB = "def merge(W, A):\n    raise NotImplementedError"


def prose(cell_id: str, source: str) -> NotebookNode:
    return new_markdown_cell(source, id=cell_id)


def locked(cell_id: str, source: str) -> NotebookNode:
    return new_markdown_cell(source, id=cell_id, metadata={"editable": False, "exercise": "lora.merge"})


def experiment(cell_id: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=cell_id, metadata={"tags": ["experiment"]})


def graded(cell_id: str, source: str, **marks: object) -> NotebookNode:
    marks = {"grade": False, "solution": False, "locked": False, "grade_id": cell_id, "schema_version": 3, **marks}
    return new_code_cell(source, id=cell_id, metadata={"nbgrader": marks, "exercise": "lora.merge", "deletable": False})


def stub(source: str = STUB, cell_id: str = "lora-merge") -> NotebookNode:
    return graded(cell_id, source, solution=True)


def check(source: str = 'check("lora.merge", merge)', cell_id: str = "lora-merge-check") -> NotebookNode:
    cell = graded(cell_id, source, grade=True, locked=True, points=2)
    cell.metadata["editable"] = False
    return cell


def first_release() -> list[NotebookNode]:
    return [
        prose("lora-start-1", "# LoRA"),
        locked("lora-merge-text", "### Exercise: merge"),
        stub(),
        check(),
        experiment("lora-rank-1", "ranks = [1, 2]"),
        prose("lora-rank-2", "What do you see?"),
    ]


def changed(cells: list[NotebookNode], cell_id: str, source: str) -> list[NotebookNode]:
    return [nbformat.from_dict({**cell, "source": source}) if cell.id == cell_id else cell for cell in cells]


def without(cells: list[NotebookNode], *ids: str) -> list[NotebookNode]:
    return [cell for cell in cells if cell.id not in ids]


class Desk:
    """A fake course, a learner's folder, and what both sides do with them."""

    def __init__(self, root: Path) -> None:
        (root / "course" / "lora").mkdir(parents=True)
        (root / "course" / "lora" / "lab.md").write_text("---\ntitle: LoRA\norder: 1\n---\n", encoding="utf-8")
        self.lab = Lab(Course(root), "lora")
        self.work = root / "work"
        self.folder = self.work / "lora"
        self.notebook = self.folder / "lora.ipynb"

    def release(self, cells: list[NotebookNode], pack: bytes = b"pack 1") -> None:
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "winning_ticket": {"lab": "lora"}}
        write(self.lab.edition / "lora.ipynb", new_notebook(cells=cells, metadata=metadata))
        (self.lab.edition / "lora.pack").write_bytes(pack)

    def begin(self, cells: list[NotebookNode] | None = None) -> None:
        self.release(cells or first_release())
        start(self.lab, self.work)

    def update(self):
        return update(self.lab, self.work)

    def read(self) -> NotebookNode:
        return nbformat.read(self.notebook, as_version=4)

    def edit(self, change: Callable[[NotebookNode], object]) -> None:
        notebook = self.read()
        change(notebook)
        write(self.notebook, notebook)

    def type(self, cell_id: str, source: str) -> None:
        self.edit(lambda notebook: self.cell(cell_id, notebook).update(source=source))

    def cell(self, cell_id: str, notebook: NotebookNode | None = None) -> NotebookNode:
        return next(cell for cell in (notebook or self.read()).cells if cell.id == cell_id)

    def ids(self) -> list[str]:
        return [cell.id for cell in self.read().cells]

    def sources(self) -> list[str]:
        return [cell.source for cell in self.read().cells]

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.work)): p.read_bytes() for p in sorted(self.work.rglob("*")) if p.is_file()}


def write(path: Path, notebook: NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# start


def test_start_copies_the_edition_and_keeps_the_release(desk: Desk) -> None:
    desk.release(first_release())
    (desk.lab.edition / ".ipynb_checkpoints").mkdir()
    (desk.lab.edition / ".ipynb_checkpoints" / "lora-checkpoint.ipynb").write_text("{}")
    started = start(desk.lab, desk.work)
    released = (desk.lab.edition / "lora.ipynb").read_bytes()
    assert started.notebook == desk.notebook
    assert set(started.files) == {desk.notebook, desk.folder / "lora.pack"}
    assert desk.files() == {
        os.path.join("lora", "lora.ipynb"): released,
        os.path.join("lora", "lora.pack"): b"pack 1",
        os.path.join("lora", ".release", "lora.ipynb"): released,
        os.path.join("lora", ".release", "lora.pack"): b"pack 1",
    }


def test_start_never_writes_over_existing_work(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "mine")
    desk.release(changed(first_release(), "lora-start-1", "# New"), pack=b"pack 2")
    before = desk.files()
    with pytest.raises(UserError, match="--update"):
        start(desk.lab, desk.work)
    assert desk.files() == before


@pytest.mark.parametrize("command", [start, update])
def test_a_renamed_notebook_is_named_and_nothing_is_written(desk: Desk, command: Callable) -> None:
    desk.begin()
    desk.notebook.rename(desk.folder / "lora-final (2).ipynb")
    before = desk.files()
    with pytest.raises(UserError, match=r"lora-final \(2\)\.ipynb"):
        command(desk.lab, desk.work)
    assert desk.files() == before


@pytest.mark.parametrize("command", [start, update])
def test_an_edition_that_is_not_built_is_a_sentence(desk: Desk, command: Callable) -> None:
    with pytest.raises(UserError, match="make build"):
        command(desk.lab, desk.work)
    assert not desk.work.exists()


def test_a_start_that_was_cut_off_can_be_run_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.release(first_release())
    for _ in range(3):
        with monkeypatch.context() as patch:
            break_replace(patch, 1, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt):
                start(desk.lab, desk.work)
        assert not desk.notebook.exists()
    start(desk.lab, desk.work)
    assert sorted(desk.files()) == sorted(
        os.path.join("lora", *name)
        for name in [("lora.ipynb",), ("lora.pack",), (".release", "lora.ipynb"), (".release", "lora.pack")]
    )


def test_a_file_of_the_learners_that_is_in_the_way_of_start_is_kept(desk: Desk) -> None:
    desk.release(first_release())
    desk.folder.mkdir(parents=True)
    (desk.folder / "lora.pack").write_bytes(b"my own")
    start(desk.lab, desk.work)
    assert (desk.folder / "lora.pack").read_bytes() == b"pack 1"
    assert [path.read_bytes() for path in (desk.folder / "backups").iterdir()] == [b"my own"]


# update, rule by rule


def test_an_update_without_a_new_release_writes_nothing(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return W + A")
    before = desk.files()
    updated = desk.update()
    assert desk.files() == before
    assert (updated.changed, updated.new, updated.moved, updated.files, updated.backup) == ((), (), (), (), None)
    assert updated.kept == ("lora-merge",)


def test_untouched_cells_take_the_new_text_and_answers_stay(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return W + A  # naïve, λ = 1 🎟")
    desk.release(changed(changed(first_release(), "lora-start-1", "# LoRA, ΔW"), "lora-rank-1", "ranks = [4]"))
    updated = desk.update()
    assert desk.cell("lora-start-1").source == "# LoRA, ΔW"
    assert desk.cell("lora-rank-1").source == "ranks = [4]"
    assert desk.cell("lora-merge").source == "def merge(W, A): return W + A  # naïve, λ = 1 🎟"
    assert desk.ids() == [cell.id for cell in first_release()]
    assert (updated.changed, updated.kept) == (("lora-start-1", "lora-rank-1"), ("lora-merge",))


def test_an_answer_nobody_began_takes_the_new_stub(desk: Desk) -> None:
    desk.begin()
    desk.release(changed(first_release(), "lora-merge", "def merge(W, A, alpha):\n    raise NotImplementedError"))
    desk.update()
    assert "alpha" in desk.cell("lora-merge").source
    assert desk.ids() == [cell.id for cell in first_release()]


@pytest.mark.parametrize("cell_id", ["lora-merge-check", "lora-merge-text"])
def test_a_locked_cell_is_always_the_releases(desk: Desk, cell_id: str) -> None:
    desk.begin()
    desk.type(cell_id, "pass  # I need no check")
    desk.update()
    assert desk.cell(cell_id).source == next(cell.source for cell in first_release() if cell.id == cell_id)
    desk.type(cell_id, "still none")
    desk.release(changed(first_release(), cell_id, "new text"))
    desk.update()
    assert desk.cell(cell_id).source == "new text"


def test_the_order_is_the_new_releases_and_new_cells_are_brought(desk: Desk) -> None:
    desk.begin()
    cells = first_release()
    order = [cells[4], cells[0], prose("lora-new-1", "New."), *cells[1:4], cells[5]]
    desk.release(order)
    updated = desk.update()
    assert desk.ids() == [cell.id for cell in order]
    assert updated.new == ("lora-new-1",)


def test_a_deleted_check_comes_back(desk: Desk) -> None:
    desk.begin()
    desk.edit(lambda notebook: notebook.cells.pop(3))
    assert desk.update().new == ("lora-merge-check",)
    assert desk.ids() == [cell.id for cell in first_release()]


def test_cells_the_learner_added_stay_behind_the_same_cell(desk: Desk) -> None:
    desk.begin()
    desk.edit(lambda notebook: notebook.cells.insert(0, prose("top", "my first line")))
    desk.edit(lambda notebook: notebook.cells.insert(4, new_code_cell("helper = 1", id="one")))
    desk.edit(lambda notebook: notebook.cells.insert(5, new_code_cell("helper += 1", id="two")))
    cells = first_release()
    desk.release([cells[4], prose("lora-new-1", "New."), *cells[:4], cells[5]])
    desk.update()
    assert desk.ids() == [
        "top", "lora-rank-1", "lora-new-1", "lora-start-1", "lora-merge-text", "lora-merge",
        "one", "two", "lora-merge-check", "lora-rank-2",
    ]  # fmt: skip


@pytest.mark.parametrize("cell_id", ["lora-merge", "lora-rank-1", "lora-rank-2"])
def test_a_removed_cell_with_the_learners_text_stays_as_an_ordinary_cell(desk: Desk, cell_id: str) -> None:
    desk.begin()
    before = desk.ids()
    desk.type(cell_id, "what I wrote")
    desk.release(without(first_release(), cell_id))
    updated = desk.update()
    assert updated.moved == (cell_id,)
    assert desk.ids() == before
    assert desk.cell(cell_id).source == "what I wrote"
    assert not {"nbgrader", "exercise", "deletable", "editable"} & set(desk.cell(cell_id).metadata)


def test_removed_cells_without_the_learners_text_go(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge-check", "a check cannot be mine")
    desk.release(without(first_release(), "lora-merge", "lora-merge-check", "lora-merge-text"))
    assert desk.update().moved == ()
    assert desk.ids() == ["lora-start-1", "lora-rank-1", "lora-rank-2"]


def test_an_exercise_that_returns_finds_the_answer_that_was_kept(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return W + A")
    desk.release(without(first_release(), "lora-merge"))
    desk.update()
    desk.release(first_release())
    desk.update()
    assert desk.cell("lora-merge").source == "def merge(W, A): return W + A"
    assert desk.cell("lora-merge").metadata.nbgrader.solution
    assert desk.ids() == [cell.id for cell in first_release()]


@pytest.mark.parametrize("cell_id", ["lora-rank-1", "lora-rank-2"])
def test_a_text_that_both_changed_is_the_learners_with_the_new_one_behind_it(desk: Desk, cell_id: str) -> None:
    desk.begin()
    desk.type(cell_id, "my_version = 1")
    desk.release(changed(first_release(), cell_id, "their_version = 1"))
    updated = desk.update()
    cells = desk.read().cells
    at = desk.ids().index(cell_id)
    assert updated.kept == (cell_id,)
    assert cells[at].source == "my_version = 1"
    assert cells[at + 1].cell_type == cells[at].cell_type
    first, rest = cells[at + 1].source.split("\n", 1)
    assert "New in this release" in first
    assert rest.strip() == "their_version = 1"
    assert cells[at + 1].metadata.get("tags") == cells[at].metadata.get("tags")


def test_the_same_change_on_both_sides_is_no_conflict(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-rank-1", "ranks = [8]\nrank = 8")
    desk.release(changed(first_release(), "lora-rank-1", "ranks = [8]  \nrank = 8\n"))
    assert desk.update().kept == ()
    assert desk.ids() == [cell.id for cell in first_release()]


def test_a_cell_magic_stays_on_top(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-rank-1", "mine = 1")
    desk.release(changed(first_release(), "lora-rank-1", "%%time\nranks = [8]"))
    desk.update()
    assert sum(source.startswith("%%time\nranks = [8]\n#") for source in desk.sources()) == 1


def test_a_changed_contract_is_told_behind_the_answer(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return W + A")
    new_stub = "def merge(W, A, alpha):\n    raise NotImplementedError"
    desk.release(changed(first_release(), "lora-merge", new_stub))
    desk.update()
    cells = desk.read().cells
    assert [cell.id for cell in cells][:3] == ["lora-start-1", "lora-merge-text", "lora-merge"]
    assert cells[2].source == "def merge(W, A): return W + A"
    assert cells[3].cell_type == "markdown"
    assert new_stub in cells[3].source
    assert cells[4].id == "lora-merge-check"


def test_outputs_stay_where_the_code_stays(desk: Desk) -> None:
    cells = [*first_release(), experiment("lora-rank-3", "print(2)")]
    desk.begin(cells)
    outputs = [new_output("stream", text="seen")]
    for cell_id in ("lora-merge", "lora-rank-1", "lora-rank-3"):
        desk.edit(lambda notebook, name=cell_id: desk.cell(name, notebook).update(outputs=outputs, execution_count=7))
    desk.type("lora-merge", "def merge(W, A): return W + A")
    desk.release(changed(cells, "lora-rank-1", "ranks = [3]"))
    desk.update()
    assert [len(desk.cell(name).outputs) for name in ("lora-merge", "lora-rank-1", "lora-rank-3")] == [1, 0, 1]
    assert desk.cell("lora-rank-3").execution_count == 7


def test_metadata_is_the_releases_and_the_view_is_the_learners(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "mine")
    desk.edit(lambda notebook: desk.cell("lora-merge", notebook).metadata.update(collapsed=True, nbgrader={}))
    desk.edit(lambda notebook: notebook.metadata.update(kernelspec={"name": "mine", "display_name": "Mine"}))
    cells = first_release()
    cells[2].metadata["nbgrader"]["points"] = 5
    desk.release(cells)
    desk.update()
    assert desk.cell("lora-merge").metadata.nbgrader.points == 5
    assert desk.cell("lora-merge").metadata.nbgrader.solution
    assert desk.cell("lora-merge").metadata.collapsed
    assert desk.read().metadata.kernelspec.name == "mine"


def test_an_edited_cell_that_becomes_locked_or_of_another_type_is_kept_beside_it(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-rank-1", "my_ranks = 1")
    desk.type("lora-rank-2", "I see a line.")
    desk.release([*first_release()[:4], prose("lora-rank-1", "Text now."), locked("lora-rank-2", "Fixed now.")])
    updated = desk.update()
    assert updated.moved == ("lora-rank-1", "lora-rank-2")
    assert desk.sources()[4:] == ["Text now.", "my_ranks = 1", "Fixed now.", "I see a line."]


def test_an_edited_cell_is_followed_when_prose_above_it_shifts_the_ids(desk: Desk) -> None:
    cells = [
        prose("lora-a-1", "# A"),
        experiment("lora-a-2", "x = 1"),
        experiment("lora-a-3", "y = 1"),
        prose("lora-a-4", "End."),
    ]
    desk.begin(cells)
    desk.type("lora-a-2", "x = 100")
    desk.edit(lambda notebook: notebook.cells.insert(2, new_code_cell("x += 1", id="added")))
    desk.release([
        prose("lora-a-1", "# A"), experiment("lora-a-2", "w = 1"), experiment("lora-a-3", "x = 1"),
        experiment("lora-a-4", "y = 1"), prose("lora-a-5", "End."),
    ])  # fmt: skip
    updated = desk.update()
    assert desk.sources() == ["# A", "w = 1", "x = 100", "x += 1", "y = 1", "End."]
    assert updated.new == ("lora-a-2",)
    assert desk.update().backup is None


def test_an_edited_cell_whose_id_another_cell_takes_is_kept(desk: Desk) -> None:
    desk.begin([prose("lora-a-1", "# A"), experiment("lora-a-2", "x = 1"), experiment("lora-a-3", "y = 1")])
    desk.type("lora-a-3", "y = 100")
    desk.release([prose("lora-a-1", "# A"), experiment("lora-a-2", "w = 1"), experiment("lora-a-3", "x = 1")])
    desk.update()
    assert desk.sources() == ["# A", "w = 1", "x = 1", "y = 100"]
    assert desk.update().backup is None


def test_a_byte_order_mark_is_no_damage(desk: Desk) -> None:
    desk.begin()
    desk.notebook.write_bytes(b"\xef\xbb\xbf" + desk.notebook.read_bytes())
    assert desk.update().backup is None


def test_an_answer_that_is_graded_by_hand_is_the_learners(desk: Desk) -> None:
    essay = graded("lora-essay", "Write here.", solution=True, grade=True, points=3)
    desk.begin([*first_release(), essay])
    desk.type("lora-essay", "Because of the rank.")
    desk.release([*changed(first_release(), "lora-start-1", "# New"), essay])
    desk.update()
    assert desk.cell("lora-essay").source == "Because of the rank."


def test_a_copied_check_loses_its_marks_so_that_nbgrader_accepts_the_notebook(desk: Desk) -> None:
    desk.begin()
    copy = check()
    desk.edit(lambda notebook: notebook.cells.append(nbformat.from_dict({**copy, "id": "pasted"})))
    desk.update()
    assert "nbgrader" not in desk.cell("pasted").metadata
    assert desk.cell("pasted").source == copy.source


def test_a_notebook_whose_editor_dropped_the_ids_is_recognised(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return W + A")
    content = json.loads(desk.notebook.read_text(encoding="utf-8"))
    content["nbformat_minor"] = 4
    for cell in content["cells"]:
        del cell["id"]
    desk.notebook.write_text(json.dumps(content), encoding="utf-8")
    desk.release(changed(first_release(), "lora-start-1", "# New"))
    desk.update()
    assert desk.ids() == [cell.id for cell in first_release()]
    assert desk.cell("lora-merge").source == "def merge(W, A): return W + A"
    assert desk.cell("lora-start-1").source == "# New"


# an unknown base: fetched from a class exchange


def fetched(desk: Desk) -> None:
    desk.begin()
    for path in (desk.folder / ".release").iterdir():
        path.unlink()
    (desk.folder / ".release").rmdir()


def test_without_a_release_copy_what_differs_is_the_learners(desk: Desk) -> None:
    fetched(desk)
    desk.type("lora-rank-1", "ranks = [99]")
    desk.type("lora-merge", "def merge(W, A): return W + A")
    desk.edit(lambda notebook: notebook.cells.append(prose("added", "my note")))
    cells = changed(first_release(), "lora-rank-1", "ranks = [3]")
    desk.release([*changed(cells, "lora-merge-text", "### New text"), prose("lora-end-1", "End.")])
    updated = desk.update()
    assert set(updated.kept) == {"lora-rank-1", "lora-merge"}
    assert desk.cell("lora-rank-1").source == "ranks = [99]"
    assert desk.cell("lora-merge-text").source == "### New text"
    assert desk.ids() == [*(cell.id for cell in first_release()), "added", "lora-end-1"]
    assert desk.update().backup is None


def test_without_a_release_copy_other_arguments_are_told(desk: Desk) -> None:
    fetched(desk)
    desk.type("lora-merge", "def merge(W, A): return W + A")
    desk.release(changed(first_release(), "lora-merge", "def merge(W, A, alpha):\n    raise NotImplementedError"))
    desk.update()
    assert sum("merge(W, A, alpha)" in source for source in desk.sources()) == 1


def test_without_a_release_copy_the_same_news_is_told_once(desk: Desk) -> None:
    fetched(desk)
    desk.type("lora-merge", "def merge(W, A): return W + A")
    cells = changed(first_release(), "lora-merge", "def merge(W, A, alpha):\n    raise NotImplementedError")
    desk.release(cells)
    desk.update()
    (desk.folder / ".release" / "lora.ipynb").unlink()
    desk.release(changed(cells, "lora-start-1", "# New"))
    desk.update()
    assert sum("merge(W, A, alpha)" in source for source in desk.sources()) == 1


def test_without_a_release_copy_cells_are_followed_by_their_text(desk: Desk) -> None:
    fetched(desk)
    cells = first_release()
    desk.release([*cells[:4], prose("lora-rank-1", "New."), experiment("lora-rank-2", cells[4].source)])
    desk.update()
    assert desk.sources()[4:] == ["New.", "ranks = [1, 2]", "What do you see?"]


def test_without_a_release_copy_locked_cells_of_an_old_release_go(desk: Desk) -> None:
    fetched(desk)
    desk.type("lora-merge", "def merge(W, A): return W + A")
    desk.release(without(first_release(), "lora-merge-text", "lora-merge", "lora-merge-check"))
    desk.update()
    assert desk.ids() == ["lora-start-1", "lora-merge", "lora-rank-1", "lora-rank-2"]
    assert "nbgrader" not in desk.cell("lora-merge").metadata


def test_a_damaged_release_copy_counts_as_none(desk: Desk) -> None:
    desk.begin()
    (desk.folder / ".release" / "lora.ipynb").write_bytes(b'{"cells": [')
    desk.type("lora-rank-1", "ranks = [99]")
    desk.release(changed(first_release(), "lora-rank-1", "ranks = [3]"))
    desk.update()
    assert desk.cell("lora-rank-1").source == "ranks = [99]"


# files


def test_the_old_notebook_is_in_the_backups_byte_for_byte(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "mine")
    old = desk.notebook.read_bytes()
    desk.release(changed(first_release(), "lora-start-1", "# New"))
    backup = desk.update().backup
    assert backup is not None
    assert backup.parent == desk.folder / "backups"
    assert backup.read_bytes() == old


def test_a_second_update_writes_nothing(desk: Desk) -> None:
    desk.begin()
    desk.type("lora-merge", "def merge(W, A): return 1")
    desk.type("lora-rank-1", "mine = 1")
    desk.type("lora-rank-2", "I see a line.")
    new = changed(first_release(), "lora-merge", "def merge(W, A, alpha):\n    raise NotImplementedError")
    desk.release(without(changed(new, "lora-rank-1", "theirs = 1"), "lora-rank-2"), pack=b"pack 2")
    desk.update()
    before = desk.files()
    times = {path: path.stat().st_mtime_ns for path in desk.work.rglob("*")}
    updated = desk.update()
    assert desk.files() == before
    assert {path: path.stat().st_mtime_ns for path in desk.work.rglob("*")} == times
    assert (updated.changed, updated.new, updated.moved, updated.files, updated.backup) == ((), (), (), (), None)


def test_the_pack_is_replaced_and_only_a_changed_one_is_backed_up(desk: Desk) -> None:
    desk.begin()
    desk.release(first_release(), pack=b"pack 2")
    assert desk.update().files == ("lora.pack",)
    assert (desk.folder / "lora.pack").read_bytes() == b"pack 2"
    assert not (desk.folder / "backups").exists()
    (desk.folder / "lora.pack").write_bytes(b"I was curious")
    desk.update()
    assert (desk.folder / "lora.pack").read_bytes() == b"pack 2"
    assert [path.read_bytes() for path in (desk.folder / "backups").iterdir()] == [b"I was curious"]


def test_the_learners_other_files_are_not_touched(desk: Desk) -> None:
    desk.begin()
    (desk.folder / "notes.md").write_text("mine")
    desk.release(changed(first_release(), "lora-start-1", "# New"))
    desk.update()
    assert (desk.folder / "notes.md").read_text() == "mine"


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": [{"cell_ty',
        b"",
        b"[1]",
        b'{"nbformat": 4}',
        b"\xff\xfe",
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {}}]}',
        b"<<<<<<< HEAD\n{}",
    ],
)
def test_a_damaged_notebook_is_a_sentence_and_nothing_is_touched(desk: Desk, content: bytes) -> None:
    desk.begin()
    desk.notebook.write_bytes(content)
    desk.release(changed(first_release(), "lora-start-1", "# New"), pack=b"pack 2")
    before = desk.files()
    with pytest.raises(UserError, match="no valid notebook"):
        desk.update()
    assert desk.files() == before


def test_an_update_before_the_start_says_how_to_start(desk: Desk) -> None:
    desk.release(first_release())
    with pytest.raises(UserError, match="autograder start lora"):
        desk.update()
    assert not desk.work.exists()


def test_files_keep_their_mode(desk: Desk) -> None:
    desk.begin()
    desk.notebook.chmod(0o640)
    mode = desk.notebook.stat().st_mode
    desk.release(changed(first_release(), "lora-start-1", "# New"))
    desk.update()
    assert desk.notebook.stat().st_mode == mode


# accidents


def break_replace(patch: pytest.MonkeyPatch, survived: int, error: BaseException) -> None:
    replace, calls = os.replace, iter(range(1000))

    def broken(source: Path, target: Path) -> None:
        if next(calls) >= survived:
            raise error
        replace(source, target)

    patch.setattr(os, "replace", broken)


@pytest.mark.parametrize("survived", range(5))
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_an_update_that_was_cut_off_loses_nothing_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int, error: BaseException
) -> None:
    desks = [Desk(tmp_path / name) for name in ("whole", "broken")]
    for desk in desks:
        desk.begin()
        desk.type("lora-merge", "def merge(W, A): return 1")
        desk.type("lora-rank-1", "mine = 1")
        desk.edit(lambda notebook: notebook.cells.append(prose("added", "my note")))
        shifted = [
            prose("lora-rank-1", "Inserted."),
            experiment("lora-rank-2", "ranks = [1, 2]"),
            prose("lora-rank-3", "New."),
        ]
        new = changed(first_release()[:4], "lora-merge", "def merge(W, A, alpha):\n    raise NotImplementedError")
        desk.release([*new, *shifted], pack=b"pack 2")
    whole, broken = desks
    old = broken.notebook.read_bytes()
    whole.update()
    with monkeypatch.context() as patch:
        break_replace(patch, survived, error)
        with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt):
            broken.update()
    kept = [broken.notebook, *broken.folder.glob("backups/*.ipynb")]
    assert old in [path.read_bytes() for path in kept]
    assert not list(broken.folder.rglob("*.draft"))
    broken.update()
    assert broken.read() == whole.read()
    assert broken.update().backup is None


def test_a_folder_that_cannot_be_written_is_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begin()
    desk.release(changed(first_release(), "lora-start-1", "# New"))
    before = desk.files()
    opened = Path.open

    def refuse(path: Path, mode: str = "r", **options: object):
        if "w" in mode:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        desk.update()
    assert desk.files() == before


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root (and Windows) write in read-only folders"
)
@pytest.mark.parametrize("command", [start, update])
def test_a_read_only_folder_is_a_sentence(desk: Desk, command: Callable) -> None:
    desk.begin()
    if command is start:
        desk.notebook.unlink()
    desk.release(changed(first_release(), "lora-start-1", "# New"), pack=b"pack 2")
    before = desk.files()
    desk.folder.chmod(0o500)
    try:
        with pytest.raises(UserError, match="Permission denied"):
            command(desk.lab, desk.work)
    finally:
        desk.folder.chmod(0o700)
    assert desk.files() == before


def test_work_that_is_a_file_is_a_sentence(desk: Desk) -> None:
    desk.release(first_release())
    desk.work.write_text("in the way")
    with pytest.raises(UserError, match="writable"):
        start(desk.lab, desk.work)
    assert desk.work.read_text() == "in the way"


# whatever both sides do


def random_cell(rng: random.Random, cell_id: str) -> NotebookNode:
    make = rng.choice([prose, locked, experiment, lambda i, s: stub(s, i), lambda i, s: check(s, i)])
    return make(cell_id, f"text {rng.randrange(10**6)}")


def random_release(rng: random.Random, old: list[NotebookNode]) -> list[NotebookNode]:
    cells = [cell for cell in old if rng.random() > 0.15]
    cells = [
        changed([cell], cell.id, f"released {rng.randrange(10**6)}")[0] if rng.random() < 0.3 else cell
        for cell in cells
    ]
    for _ in range(rng.randrange(3)):
        cells.insert(rng.randint(0, len(cells)), random_cell(rng, f"lora-new-{rng.randrange(10**6)}"))
    if rng.random() < 0.3:
        rng.shuffle(cells)
    return cells or [prose("lora-only-1", "All that is left.")]


def random_work(rng: random.Random, notebook: NotebookNode) -> list[str]:
    """Edit a notebook as a learner would; returns the texts that must never be lost."""
    texts = []
    for cell in notebook.cells:
        if rng.random() < 0.4 and cell.metadata.get("editable") is not False:
            cell.source = f"learned {rng.randrange(10**9)}"
            texts.append(cell.source)
    for _ in range(rng.randrange(4)):
        texts.append(f"added {rng.randrange(10**9)}")
        notebook.cells.insert(rng.randint(0, len(notebook.cells)), prose(f"added-{rng.randrange(10**9)}", texts[-1]))
    if rng.random() < 0.3:
        del notebook.cells[rng.randrange(len(notebook.cells))]
    return texts


@pytest.mark.parametrize("seed", range(12))
def test_no_release_loses_a_text_of_the_learner(desk: Desk, seed: int) -> None:
    rng = random.Random(seed)
    release = [random_cell(rng, f"lora-{i}") for i in range(8)]
    desk.begin(release)
    texts: list[str] = []
    for _ in range(3):
        notebook = desk.read()
        texts += random_work(rng, notebook)
        write(desk.notebook, notebook)
        texts = [text for text in texts if text in desk.sources()]
        release = random_release(rng, release)
        desk.release(release)
        if rng.random() < 0.2:
            (desk.folder / ".release" / "lora.ipynb").unlink()
        desk.update()
        assert set(texts) <= set(desk.sources())
        assert [name for name in desk.ids() if name in {cell.id for cell in release}] == [cell.id for cell in release]
        for cell in release:
            assert desk.cell(cell.id).metadata == cell.metadata
            if cell.metadata.get("editable") is False:
                assert desk.cell(cell.id).source == cell.source
        nbformat.validate(desk.read())
        assert desk.update().backup is None
