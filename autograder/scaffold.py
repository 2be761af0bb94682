"""Write the first files of a lab or an exercise: a small one that verifies, for an author to edit."""

from __future__ import annotations

import keyword
import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.course import Course

FIRST_EXERCISE = "first"
# Cell ids are made of both names and hold 64 characters.
LONGEST_NAME = 28
# What the files of an exercise import or define already.
TAKEN = {"case", "cases", "facts", "holds", "math", "observe", "q", "k", "right", "second_source", "torch", "wrong"}


@dataclass(frozen=True)
class Made:
    """The files that were written, and what is left for the author to do ("" for nothing)."""

    paths: tuple[Path, ...]
    advice: str


def new_exercise(course: Course, exercise_id: str) -> Made:
    """Write the contract and the answer of a new exercise that verifies as it stands.

    Raises
    ------
    UserError
        If there is no such lab, the name cannot be used, or a file is there already.
    """
    _refuse_installed(course)
    lab_name, _, name = exercise_id.partition(".")
    lab = course.lab(lab_name)
    _check_name("exercise", name)
    paths = _write_new(_exercise_files(course, lab_name, name))
    lines = [line.strip() for line in lab.master.read_text(encoding="utf-8").splitlines()]
    return Made(paths, "" if f"# {exercise_id}" in lines else _where_to_name(lab.master, exercise_id))


def new_lab(course: Course, name: str) -> Made:
    """Write the text of a new lab, the last one in order, with a first exercise that verifies.

    `course` has looked at its labs by then: find it anew to see the new one.

    Raises
    ------
    UserError
        If the name cannot be used or there are files of that name already.
    """
    _refuse_installed(course)
    _check_name("lab", name)
    folder = course.root / "course" / name
    if any(path.is_file() for path in folder.rglob("*")):
        raise UserError(f"{folder} is there already; nothing was written. Choose another name for the lab.")
    order = max((int(lab.front_matter.get("order", 0)) for lab in course.labs), default=0) + 1
    names = {"title": _title(name), "order": str(order), "exercise_id": f"{name}.{FIRST_EXERCISE}"}
    files = {folder / "lab.md": _filled("lab.md.tmpl", names), **_exercise_files(course, name, FIRST_EXERCISE)}
    return Made(_write_new(files), f"Edit them, then run `autograder verify {name}` and `autograder build {name}`.")


def _exercise_files(course: Course, lab: str, name: str) -> dict[Path, str]:
    names = {"name": name, "title": _title(name), "exercise_id": f"{lab}.{name}"}
    return {
        course.root / "course" / lab / "exercises" / f"{name}.py": _filled("contract.py.tmpl", names),
        course.solutions_folder / lab / f"{name}.py": _filled("answer.py.tmpl", names),
    }


def _filled(template: str, names: dict[str, str]) -> str:
    text = (resources.files("autograder") / "templates" / template).read_text(encoding="utf-8")
    return Template(text).substitute(names)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _where_to_name(master: Path, exercise_id: str) -> str:
    cell = f"```{{code-cell}} ipython3\n:tags: [exercise]\n\n# {exercise_id}\n```"
    return f"{master} does not name {exercise_id} yet. Put this cell where the exercise belongs:\n\n{cell}"


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        problem = "is no lower-case Python name (letters a to z, digits and _, a letter first, no keyword)"
    elif len(name) > LONGEST_NAME:
        problem = f"is longer than {LONGEST_NAME} characters"
    elif what == "exercise" and name in TAKEN:
        problem = "has a meaning of its own in the files of an exercise"
    elif what == "exercise" and name.endswith(("_check", "_text")):
        problem = "ends like the names of the cells around an exercise"
    else:
        return
    raise UserError(f"'{name}' cannot be the name of {'an' if what == 'exercise' else 'a'} {what}: it {problem}.")


def _refuse_installed(course: Course) -> None:
    if (course.root / "course" / "_labs").is_dir():
        raise UserError(
            f"The course at {course.root} is an installed copy, which the next update replaces. "
            "Clone the repository and write there."
        )


def _write_new(files: dict[Path, str]) -> tuple[Path, ...]:
    """Write all files or none, and never over a file."""
    there = [path for path in files if os.path.lexists(path)]
    if there:
        raise UserError(f"{there[0]} is there already; nothing was written. Choose another name, or edit that file.")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UserError(f"{path} could not be written ({error}); nothing was written. Check the folder.") from error
    return tuple(written)
