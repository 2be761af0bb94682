"""Interview questions: `course/<lab>/questions.yaml`, read, checked and drawn."""

from __future__ import annotations

import ast
import itertools
import math
import operator
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from autograder.course import Lab
from autograder.errors import UserError

Number = int | float
LETTERS = "abcdefgh"
TEXT, NUMBER, LIST = (str,), (int, float), (list,)
COMMON = {"id": TEXT, "topic": TEXT, "level": (int,), "question": TEXT, "why": TEXT, "links": LIST, "source": TEXT}
KINDS: dict[str, dict[str, Any]] = {
    "numeric": {**COMMON, "answer": NUMBER, "compute": TEXT},
    "choice": {**COMMON, "answer": TEXT, "choices": LIST},
    "short": {**COMMON, "answer": TEXT, "facts": LIST},
}
OPTIONAL: dict[str, Any] = {"numeric": {"draw": (dict,), "unit": TEXT, "tolerance": NUMBER}}
SOURCE = re.compile(r"(arXiv:\d{4}\.\d{4,5}|measured here|counted here|https://\S+)(?!\w)")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
OPERATORS: dict[type, Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
OPERATORS |= {ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow}
FUNCTIONS = {"sqrt": math.sqrt, "ceil": math.ceil, "floor": math.floor, "log2": math.log2}


@dataclass(frozen=True)
class Drawn:
    """A question as it is asked: placeholders filled, choices in the order of their letters."""

    text: str
    answer: Number | str
    why: str
    choices: tuple[str, ...] = ()
    values: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """One entry of a lab's questions.yaml; `kind` is numeric, choice or short, `parameters` its field `draw`."""

    lab: str
    id: str
    kind: str
    topic: str
    level: int
    question: str
    answer: Number | str
    why: str
    links: tuple[str, ...]
    source: str
    follow_ups: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    compute: str = ""
    parameters: Mapping[str, list[Number]] = field(default_factory=dict)
    unit: str = ""
    tolerance: float = 0.0

    @property
    def key(self) -> str:
        """The id that no question of another lab has."""
        return f"{self.lab}/{self.id}"

    def draw(self, rng: random.Random) -> Drawn:
        """Draw a variant: other numbers for a numeric question, another order of the choices where there are any."""
        if not self.choices:
            return self.variant({name: rng.choice(values) for name, values in self.parameters.items()})
        order = rng.sample(range(len(self.choices)), len(self.choices))
        letter = LETTERS[order.index(LETTERS.index(str(self.answer)))]
        return Drawn(self.question, letter, self.why, tuple(self.choices[i] for i in order))

    def variants(self) -> Iterator[Drawn]:
        """Every combination of the parameters' values; the first is the question as printed."""
        for values in itertools.product(*self.parameters.values()):
            yield self.variant(dict(zip(self.parameters, values, strict=True)))

    def variant(self, values: Mapping[str, Number]) -> Drawn:
        text, why = (PLACEHOLDER.sub(lambda m: str(values.get(m[1], m[0])), part) for part in (self.question, self.why))
        return Drawn(text, evaluate(self.compute, values) if self.compute else self.answer, why, self.choices, values)


def load_questions(lab: Lab) -> list[Question]:
    """Read and check a lab's questions; a lab without the file has none.

    Raises
    ------
    UserError
        At the first malformed entry, naming the file and the question.
    """
    path = lab.folder / "questions.yaml"
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else []
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path} must be a list of questions: begin each with '- id: some-name'.")
    levels = {str(entry.get("id")): entry.get("level") for entry in entries}
    found: dict[str, Question] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            question = _question(lab.name, entry)
            for holds, sentence in _checks(lab, question, found, levels):
                if not holds:
                    raise ValueError(sentence)
        except (ValueError, UserError) as error:
            raise UserError(f"{path}, question '{entry.get('id', number)}': {str(error).rstrip('.')}.") from None
        found[question.id] = question
    return list(found.values())


def _question(lab: str, entry: dict[str, Any]) -> Question:
    """Make a question of an entry whose fields are all there, known, and of their type."""
    if str(entry.get("kind")) not in KINDS:
        raise ValueError(f"the kind must be {' or '.join(KINDS)}")
    types = KINDS[entry["kind"]] | {"kind": TEXT, "follow_ups": LIST} | OPTIONAL.get(entry["kind"], {})
    for name in (*KINDS[entry["kind"]], *entry):
        value = entry.get(name)
        if name not in types or value is None:
            raise ValueError(f"the field '{name}' is {'not known to this kind' if name in entry else 'missing'}")
        if not isinstance(value, types[name]) or isinstance(value, bool) or value in ("", [], {}):
            raise ValueError(f"the field '{name}' must be a {' or '.join(t.__name__ for t in types[name])}, not empty")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise ValueError(f"every item of '{name}' must be text: put it in quotes")
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.items()}
    return Question(lab=lab, parameters=fields.pop("draw", {}), **fields)


def _checks(lab: Lab, q: Question, earlier: Mapping[str, Any], levels: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """What must hold, in order, each with the sentence for when it does not."""
    yield re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", q.id), "the id must be lower-case words joined by hyphens"
    yield q.id not in earlier, "an earlier question has the same id; choose another"
    yield q.level in (1, 2, 3), "the level must be 1, 2 or 3"
    yield SOURCE.match(q.source), "the source must be arXiv:..., https://..., measured here or counted here"
    for link in q.links:
        file, hash_sign, anchor = link.partition("#")
        known = anchors(lab.folder / file) if hash_sign else {lab.course.exercise(link).id}
        yield not hash_sign or anchor in known, f"{file} has no heading for '#{anchor}': {', '.join(sorted(known))}"
    for name in q.follow_ups:
        yield name in levels and name != q.id, f"there is no other question '{name}' to follow up with"
        yield levels[name] in range(q.level, 4), f"the follow-up '{name}' must not be of a lower level"
    letters = tuple(LETTERS[: len(q.choices)])
    yield q.kind != "choice" or 2 <= len(set(q.choices)) == len(letters), "it needs 2 to 8 choices, all different"
    yield q.kind != "choice" or q.answer in letters, f"the answer must be the letter of a choice: {', '.join(letters)}"
    yield q.kind != "short" or 2 <= len(q.facts) <= 4, "it needs 2 to 4 facts"
    lists = all(isinstance(v, list) and v and all(type(n) in NUMBER for n in v) for v in q.parameters.values())
    yield lists, "'draw' must hold a list of numbers for each name"
    asked, named = (set(PLACEHOLDER.findall(text)) for text in (q.question, q.question + q.why))
    yield not q.parameters or asked == named == set(q.parameters), "the question must name what 'draw' draws, no more"
    exact, *_ = [drawn.answer for drawn in q.variants()]  # fails where any variant has no value
    close = q.kind != "numeric" or math.isclose(q.answer, exact, rel_tol=max(q.tolerance, 1e-12))  # type: ignore[arg-type]
    yield close, f"the answer is {q.answer}, but 'compute' yields {exact}"


def anchors(path: Path) -> set[str]:
    """The anchors of a Markdown file's headings, as GitHub spells them."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#{1,6} +(.*?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def evaluate(expression: str, values: Mapping[str, Number] | None = None) -> Number:
    """Work out an expression of numbers, parameters, + - * / // **, sqrt, ceil, floor and log2; else ValueError."""
    with suppress(SyntaxError, ArithmeticError, ValueError, TypeError, RecursionError, MemoryError):
        result = _value(ast.parse(expression, mode="eval").body, values or {})
        if math.isfinite(result):
            return result
    raise ValueError(f"'{expression}' is no arithmetic that has a value for {dict(values or {})}")


def _value(node: ast.AST, values: Mapping[str, Number]) -> Any:
    match node:
        case ast.Constant(value=number) if type(number) in NUMBER:
            return number
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            a, b = _value(left, values), _value(right, values)
            if isinstance(op, ast.Pow) and (abs(a) > 2**64 or abs(b) > 64):
                raise OverflowError
            return OPERATORS[type(op)](a, b)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_value(argument, values))
    raise SyntaxError
