"""Find courses, labs and exercises on disk. Nothing is registered: what is there, is found."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autograder.errors import UserError
from autograder.exercise import Case, Tolerance, observe_call
from autograder.source import closure, definition

if TYPE_CHECKING:
    from autograder.call import Outcome
    from autograder.judge import Rules

ROOT_VARIABLE = "WINNING_TICKET_ROOT"


@dataclass(frozen=True)
class Course:
    """A folder with `course/`; `labs/` and `solutions/` stand beside it where there are any."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """Find the course: named by WINNING_TICKET_ROOT, around `start`, or the installed one."""
        named = os.environ.get(ROOT_VARIABLE)
        if named:
            return cls.at(Path(named))
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if any(folder.glob("course/*/lab.md")):
                return cls(folder)
        return cls(Path(__file__).resolve().parent.parent)

    @classmethod
    def at(cls, root: Path) -> Course:
        if not any(root.glob("course/*/lab.md")):
            raise UserError(f"No course at {root}: it has no course/<lab>/lab.md. Name the folder that holds course/.")
        return cls(root.resolve())

    @cached_property
    def labs(self) -> list[Lab]:
        """All labs, in the order of their front matter."""
        found = [Lab(self, path.parent.name) for path in self.root.glob("course/*/lab.md")]
        return sorted(found, key=lambda lab: (lab.front_matter.get("order", 99), lab.name))

    def lab(self, name: str) -> Lab:
        for lab in self.labs:
            if lab.name == name:
                return lab
        if "." in name and any(lab.name == name.partition(".")[0] for lab in self.labs):
            raise UserError(f"'{name}' names an exercise; the lab is '{name.partition('.')[0]}'.")
        raise UserError(f"There is no lab named '{name}'. {_suggest(name, [lab.name for lab in self.labs])}")

    def exercise(self, exercise_id: str) -> Exercise:
        lab, dot, name = exercise_id.partition(".")
        if not dot:
            raise UserError(
                f"'{exercise_id}' is no exercise id: an id is LAB.EXERCISE, for example {self._example_id()}."
            )
        return self.lab(lab).exercise(name)

    def _example_id(self) -> str:
        return next((e.id for lab in self.labs for e in lab.exercises), "lab.exercise")

    @property
    def labs_folder(self) -> Path:
        """Where the student edition stands: beside `course/`, or inside it when installed."""
        installed = self.root / "course" / "_labs"
        return installed if installed.is_dir() else self.root / "labs"

    @property
    def solutions_folder(self) -> Path:
        return self.root / "solutions"


@dataclass(frozen=True)
class Lab:
    course: Course
    name: str

    @property
    def folder(self) -> Path:
        return self.course.root / "course" / self.name

    @property
    def master(self) -> Path:
        """The one text that the lab's notebook is composed from."""
        return self.folder / "lab.md"

    @property
    def edition(self) -> Path:
        """The folder of the student edition: the notebook and its pack."""
        return self.course.labs_folder / self.name

    @cached_property
    def front_matter(self) -> dict[str, Any]:
        import yaml

        text = self.master.read_text(encoding="utf-8")
        _, _, rest = text.partition("---\n")
        try:
            return yaml.safe_load(rest.partition("\n---")[0]) or {}
        except yaml.YAMLError as error:
            raise UserError(f"The front matter of {self.master} is not valid YAML: {error}") from None

    @property
    def title(self) -> str:
        return str(self.front_matter.get("title", self.name))

    @cached_property
    def exercises(self) -> list[Exercise]:
        """The lab's exercises in the order in which its text names them; unnamed ones last."""
        names = [path.stem for path in sorted(self.folder.glob("exercises/*.py")) if path.stem != "__init__"]
        text = self.master.read_text(encoding="utf-8")
        lines = [line.strip().removeprefix("# ") for line in text.splitlines()]
        position = {
            line.partition(".")[2]: i
            for i, line in reversed(list(enumerate(lines)))
            if line.startswith(f"{self.name}.")
        }
        return [Exercise(self, name) for name in sorted(names, key=lambda name: (position.get(name, len(lines)), name))]

    def exercise(self, name: str) -> Exercise:
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        known = [exercise.name for exercise in self.exercises]
        raise UserError(f"Lab '{self.name}' has no exercise '{name}'. {_suggest(name, known)}")


@dataclass(frozen=True)
class Exercise:
    """A contract everybody may read and, for graders, an answer of the same name."""

    lab: Lab
    name: str

    @property
    def id(self) -> str:
        return f"{self.lab.name}.{self.name}"

    @property
    def slug(self) -> str:
        """The id as a cell id may spell it."""
        return f"{self.lab.name}-{self.name}".replace("_", "-")

    @property
    def contract_path(self) -> Path:
        return self.lab.folder / "exercises" / f"{self.name}.py"

    @property
    def answer_path(self) -> Path:
        return self.lab.course.solutions_folder / self.lab.name / f"{self.name}.py"

    @cached_property
    def contract(self) -> Contract:
        return Contract(self, _load(self.contract_path, f"contract of {self.id}"))

    @property
    def has_answer(self) -> bool:
        return self.answer_path.is_file()

    @cached_property
    def answer(self) -> Answer:
        if not self.has_answer:
            raise UserError(f"The answer to {self.id} is not here ({self.answer_path}): solutions/ belongs to graders.")
        return Answer(self, _load(self.answer_path, f"answer to {self.id}"))

    def call(self, answer: Callable[..., Any], case: Case) -> Outcome:
        """Call an answer on a case as the contract observes it, within the memory that it allows."""
        from autograder.call import call

        return call(self.contract.observe, answer, case, self.contract.memory)

    def rules(self, with_facts: bool) -> Rules:
        from autograder.judge import Rules

        facts = self.answer.facts if with_facts else None
        return Rules(self.contract.tolerance, self.contract.holds, facts)


class _Module:
    """What one file of an exercise declares."""

    def __init__(self, exercise: Exercise, module: ModuleType) -> None:
        self.exercise = exercise
        self.module = module

    def _need(self, name: str) -> Any:
        try:
            return getattr(self.module, name)
        except AttributeError:
            raise UserError(f"{self.module.__file__} must define {name} (exercise {self.exercise.id}).") from None

    @cached_property
    def source(self) -> str:
        return Path(str(self.module.__file__)).read_text(encoding="utf-8")

    def source_of(self, name: str) -> str:
        """The source text of one top-level function or class, without its decorators."""
        return self._found(definition(self.source, name), name)

    def closure_of(self, name: str) -> str:
        """The source of one top-level name with the imports, constants and helpers that it needs."""
        return self._found("\n\n\n".join(closure(self.source, name)), name)

    def _found(self, text: str, name: str) -> str:
        if not text:
            raise UserError(f"{self.module.__file__} must define {name} (exercise {self.exercise.id}).")
        return text


class Contract(_Module):
    """The public half: signature, docstring, tolerance, points, examples, `observe`, `holds`."""

    @property
    def title(self) -> str:
        return (self.module.__doc__ or self.exercise.name).strip().splitlines()[0].rstrip(".")

    @property
    def points(self) -> float:
        return float(self._need("POINTS"))

    @property
    def minutes(self) -> int:
        return int(self._need("MINUTES"))

    @property
    def level(self) -> int:
        return int(self._need("LEVEL"))

    @property
    def tolerance(self) -> Tolerance:
        return self._need("TOLERANCE")

    @property
    def memory(self) -> int | None:
        """The bytes that one call may add, what `observe` builds included; None: as it likes."""
        return getattr(self.module, "MEMORY", None)

    @property
    def examples(self) -> list[Case]:
        return list(self._need("EXAMPLES"))

    @property
    def stub(self) -> Callable[..., Any]:
        return self._need(self.exercise.name)

    @property
    def stub_source(self) -> str:
        return self.source_of(self.exercise.name)

    @property
    def observe(self) -> Callable[[Callable[..., Any], Case], Any]:
        return getattr(self.module, "observe", observe_call)

    @property
    def holds(self) -> Callable[[Case, Any], dict[str, bool]] | None:
        return getattr(self.module, "holds", None)


class Answer(_Module):
    """The secret half: reference, hidden cases, named wrong answers, right variants, hints."""

    @property
    def reference(self) -> Callable[..., Any]:
        return self._need(self.exercise.name)

    def cases(self, seed: int) -> list[Case]:
        import torch

        return list(self._need("cases")(torch.Generator().manual_seed(seed)))

    @property
    def facts(self) -> Callable[[Case, Any], dict[str, bool]] | None:
        return getattr(self.module, "facts", None)

    @property
    def hints(self) -> list[str]:
        return [str(hint) for hint in self._need("HINTS")]

    def marked(self, role: str) -> dict[str, Callable[..., Any]]:
        """The answers marked @wrong ("wrong"), @right ("right") or @second_source ("source")."""
        return {name: value for name, value in vars(self.module).items() if getattr(value, "role", None) == role}

    def sentence(self, mistake: str) -> str:
        return " ".join((self.marked("wrong")[mistake].__doc__ or "").split())


def _load(path: Path, what: str) -> ModuleType:
    name = "winning_ticket_" + "_".join((*path.parts[-4:-1], path.stem)).replace(".", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"The {what} is missing: there is no file {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"The {what} does not import ({path}): {type(error).__name__}: {error}") from error
    return module


def _suggest(name: str, known: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name.lower(), known, 1)
    return f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(known) or 'none'}."
