"""The pack beside a student's notebook: public examples with frozen values, sentences and hints.

A pack holds values and text only. It is what lets `check` explain mistakes where `solutions/` is
not: it stores what the reference and each named wrong answer made of the public examples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.call import Outcome
from autograder.compare import difference
from autograder.course import Exercise, Lab
from autograder.errors import UserError
from autograder.exercise import Case
from autograder.expect import expectations
from autograder.judge import Expectation
from autograder.plain import PlainError, dumps, loads, plain

FORMAT = 1


@dataclass(frozen=True)
class PackedExercise:
    """What a pack knows about one exercise."""

    examples: tuple[Expectation, ...]
    sentences: dict[str, str]
    hints: tuple[str, ...]


def pack_path(folder: Path, lab_name: str) -> Path:
    return folder / f"{lab_name}.pack"


def build_pack(lab: Lab) -> dict[str, Any]:
    """Compute a lab's pack from its answers, as a plain value."""
    return {"format": FORMAT, "lab": lab.name, "exercises": {e.id: _pack_exercise(e) for e in lab.exercises}}


def _pack_exercise(exercise: Exercise) -> dict[str, Any]:
    answer = exercise.answer
    return {
        "examples": [_pack_example(e) for e in expectations(exercise, exercise.contract.examples)],
        "sentences": {name: answer.sentence(name) for name in answer.marked("wrong")},
        "hints": answer.hints,
    }


def _pack_example(expectation: Expectation) -> dict[str, Any]:
    return {
        "group": expectation.case.group,
        "inputs": plain(expectation.case.inputs),
        "value": expectation.value,
        # The place would quote a line of an answer.
        "mistakes": {name: replace(outcome, place="").to_plain() for name, outcome in expectation.mistakes.items()},
    }


def same_pack(lab: Lab, old: Any, new: Any) -> bool:
    """Whether two packs say the same, floats compared within each exercise's tolerance."""
    try:
        if {**old, "exercises": sorted(old["exercises"])} != {**new, "exercises": sorted(new["exercises"])}:
            return False
        pairs = [(e.contract.tolerance, old["exercises"][e.id], new["exercises"][e.id]) for e in lab.exercises]
    except (KeyError, TypeError, AttributeError):
        return False
    return all(difference(a, b, tolerance) is None for tolerance, a, b in pairs)


def write_pack(lab: Lab, path: Path) -> bool:
    """Write a lab's pack unless the one that is there says the same; returns whether it wrote."""
    new = build_pack(lab)
    if path.is_file():
        try:
            if same_pack(lab, loads(path.read_bytes()), new):
                return False
        except PlainError:
            pass
    path.write_bytes(dumps(new))
    return True


def find_pack(exercise: Exercise) -> Path:
    """The pack in the current folder, where a notebook runs, else the course's own."""
    here = pack_path(Path.cwd(), exercise.lab.name)
    return here if here.is_file() else pack_path(exercise.lab.edition, exercise.lab.name)


def read_pack(path: Path, exercise: Exercise) -> PackedExercise:
    """Read one exercise from a pack.

    Raises
    ------
    UserError
        If the pack is missing, damaged, of a newer format, or does not know the exercise.
    """
    lab = exercise.lab.name
    authors = exercise.has_answer and path == pack_path(exercise.lab.edition, lab)
    mend = f"`autograder build {lab}`" if authors else f"`autograder start {lab} --update`"
    if not path.is_file():
        where = "" if authors else ": it must lie beside the notebook"
        raise UserError(f"{path.name} is missing{where}. Get it with {mend}.")
    try:
        content = loads(path.read_bytes())
        if content["format"] > FORMAT:
            raise UserError(
                f"{path} was made by a newer Winning Ticket. Update with: pip install --upgrade winning-ticket"
            )
        entry = content["exercises"].get(exercise.id)
        if entry is None:
            raise UserError(f"{path} does not know {exercise.id}: it belongs to another version. Run {mend}.")
        return _unpack_exercise(entry)
    except (PlainError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is damaged and cannot be read. Replace it with {mend}.") from None


def _unpack_exercise(entry: dict[str, Any]) -> PackedExercise:
    examples = tuple(
        Expectation(
            Case(example["group"], example["inputs"]),
            example["value"],
            {name: Outcome.from_plain(outcome) for name, outcome in example["mistakes"].items()},
        )
        for example in entry["examples"]
    )
    return PackedExercise(examples, dict(entry["sentences"]), tuple(entry["hints"]))
