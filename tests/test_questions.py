"""Is every interview question well formed, and every number in it right?"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.questions import Question, anchors, evaluate, load_questions
from tests.conftest import ROOT
from tests.toy import add_toy_lab

LABS = Course.at(ROOT).labs


def readable(lab: Lab) -> list[Question]:
    """A lab's questions; none where the file is malformed, which has a test of its own."""
    try:
        return load_questions(lab)
    except UserError:
        return []


QUESTIONS = [question for lab in LABS for question in readable(lab)]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
each_number = pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q.kind == "numeric"], ids=lambda question: question.key
)
FUNCTIONS = {"sqrt": math.sqrt, "ceil": math.ceil, "floor": math.floor, "log2": math.log2}

ENTRIES: list[dict[str, Any]] = [
    {
        "id": "area",
        "kind": "numeric",
        "topic": "counting",
        "level": 1,
        "question": "How many entries has a {d} × {k} matrix?",
        "draw": {"d": [3, 5], "k": [4, 7]},
        "compute": "d * k",
        "answer": 12,
        "why": "{d} rows of {k}.",
        "links": ["toy.scale", "chapter.md#the-reading"],
        "source": "counted here",
        "follow_ups": ["pick"],
    },
    {
        "id": "pick",
        "kind": "choice",
        "topic": "counting",
        "level": 2,
        "question": "Which is larger?",
        "choices": ["one", "two"],
        "answer": "b",
        "why": "2 > 1.",
        "links": ["toy.scale"],
        "source": "arXiv:2106.09685, Table 4",
    },
    {
        "id": "say",
        "kind": "short",
        "topic": "words",
        "level": 3,
        "question": "Why?",
        "answer": "Because.",
        "facts": ["A cause.", "An effect."],
        "why": "Both are needed.",
        "links": ["chapter.md#the-reading"],
        "source": "measured here: torch",
    },
]


def python_value(question: Question, values: Any) -> float:
    """What Python itself makes of the expression."""
    return eval(question.compute, {"__builtins__": {}}, {**FUNCTIONS, **values})


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = add_toy_lab(tmp_path)
    (lab.folder / "chapter.md").write_text("# Toy\n\n## The reading\n\n```python\n# No heading\n```\n", "utf-8")
    return lab


def load(lab: Lab, entries: Any) -> list[Question]:
    (lab.folder / "questions.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return load_questions(lab)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_every_lab_s_questions_are_well_formed(lab: Lab):
    load_questions(lab)


@each_number
def test_the_printed_answer_is_what_the_expression_yields(question: Question):
    first = {name: values[0] for name, values in question.parameters.items()}
    assert question.answer == pytest.approx(python_value(question, first), rel=max(question.tolerance, 1e-12))


@each_question
def test_variants_drawn_by_seed_agree_with_python_and_leave_no_gap(question: Question):
    for seed in range(20):
        drawn = question.draw(random.Random(seed))
        assert drawn == question.draw(random.Random(seed))
        if question.kind == "numeric":
            assert drawn.answer == pytest.approx(python_value(question, drawn.values), rel=1e-12)
        for name, value in drawn.values.items():
            assert "{" + name + "}" not in drawn.text + drawn.why
            assert str(value) in drawn.text
        if question.kind == "choice":
            assert sorted(drawn.choices) == sorted(question.choices)
            assert drawn.choices["abcdefgh".index(str(drawn.answer))] == right_choice(question)


def right_choice(question: Question) -> str:
    return question.choices["abcdefgh".index(str(question.answer))]


@each_number
def test_every_combination_has_an_answer(question: Question):
    count = math.prod(len(values) for values in question.parameters.values())
    assert len([drawn.answer for drawn in question.variants()]) == count


def test_keys_are_unique_over_all_labs():
    keys = [question.key for question in QUESTIONS]
    assert len(keys) == len(set(keys))


def test_a_question_of_each_kind_is_read_and_drawn(lab: Lab):
    area, pick, say = load(lab, ENTRIES)
    assert area.key == "toy/area"
    drawn = [area.draw(random.Random(seed)) for seed in range(20)]
    assert {d.answer for d in drawn} == {12, 20, 21, 35}
    assert next(area.variants()).text == "How many entries has a 3 × 4 matrix?"
    assert {d.choices for d in (pick.draw(random.Random(seed)) for seed in range(20))} == {
        ("one", "two"),
        ("two", "one"),
    }
    assert say.draw(random.Random(0)).answer == "Because."


def test_braces_of_formulas_stay_where_nothing_is_drawn(lab: Lab):
    entries = copy.deepcopy(ENTRIES)
    entries[2]["question"] = r"Why $\frac{d}{k}$?"
    assert load(lab, entries)[2].draw(random.Random(0)).text == r"Why $\frac{d}{k}$?"


def test_a_lab_without_questions_has_none(lab: Lab):
    assert load_questions(lab) == []


def put(index: int, name: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda entries: entries[index].__setitem__(name, value)


def drop(index: int, name: str) -> Callable[[list[dict[str, Any]]], None]:
    return lambda entries: entries[index].pop(name)


MALFORMED = {
    "no id": (drop(0, "id"), "'1': the field 'id' is missing"),
    "no why": (drop(1, "why"), "'pick': the field 'why' is missing"),
    "no compute": (drop(0, "compute"), "'area': the field 'compute' is missing"),
    "no choices": (drop(1, "choices"), "'pick': the field 'choices' is missing"),
    "no facts": (drop(2, "facts"), "'say': the field 'facts' is missing"),
    "unknown kind": (put(0, "kind", "essay"), "'area': the kind must be numeric or choice or short"),
    "unknown field": (put(0, "colour", "red"), "'area': the field 'colour' is not known to this kind"),
    "field of another kind": (put(1, "draw", {"d": [1]}), "'pick': the field 'draw' is not known to this kind"),
    "wrong type": (put(0, "answer", "twelve"), "'area': the field 'answer' must be a int or float, not empty"),
    "yes is no number": (put(0, "level", True), "'area': the field 'level' must be a int"),
    "empty": (put(2, "answer", ""), "'say': the field 'answer' must be a str, not empty"),
    "no text in a list": (put(1, "choices", [1, 2]), "'pick': every item of 'choices' must be text"),
    "no links": (put(0, "links", []), "'area': the field 'links' must be a list, not empty"),
    "id in capitals": (put(0, "id", "The_Area"), "'The_Area': the id must be lower-case words joined by hyphens"),
    "same id twice": (put(2, "id", "pick"), "'pick': an earlier question has the same id"),
    "level 4": (put(0, "level", 4), "'area': the level must be 1, 2 or 3"),
    "no source": (put(0, "source", "somebody"), "'area': the source must be arXiv:"),
    "unknown exercise": (put(0, "links", ["toy.skale"]), "'area': Lab 'toy' has no exercise 'skale'. Did you mean"),
    "unknown lab": (put(0, "links", ["tyo.scale"]), "'area': There is no lab named 'tyo'"),
    "unknown heading": (put(0, "links", ["chapter.md#no-heading"]), "'area': chapter.md has no heading for '#no-head"),
    "no such file": (put(0, "links", ["page.md#toy"]), "'area': there is no file"),
    "unknown follow-up": (put(0, "follow_ups", ["peck"]), "'area': there is no other question 'peck'"),
    "follows itself": (put(0, "follow_ups", ["area"]), "'area': there is no other question 'area'"),
    "easier follow-up": (put(2, "follow_ups", ["area"]), "'say': the follow-up 'area' must not be of a lower level"),
    "one choice": (put(1, "choices", ["one"]), "'pick': it needs 2 to 8 choices, all different"),
    "equal choices": (put(1, "choices", ["one", "one"]), "'pick': it needs 2 to 8 choices, all different"),
    "too many choices": (put(1, "choices", list("123456789")), "'pick': it needs 2 to 8 choices, all different"),
    "answer out of range": (put(1, "answer", "c"), "'pick': the answer must be the letter of a choice: a, b"),
    "two letters": (put(1, "answer", "ab"), "'pick': the answer must be the letter of a choice: a, b"),
    "one fact": (put(2, "facts", ["A cause."]), "'say': it needs 2 to 4 facts"),
    "no list to draw": (put(0, "draw", {"d": 3, "k": [4]}), "'area': 'draw' must hold a list of numbers"),
    "text to draw": (put(0, "draw", {"d": ["3"], "k": [4]}), "'area': 'draw' must hold a list of numbers"),
    "unnamed parameter": (put(0, "question", "A 3 × {k}?"), "'area': the question must name what 'draw' draws"),
    "undrawn name": (put(0, "why", "{n} of them."), "'area': the question must name what 'draw' draws"),
    "wrong answer": (put(0, "answer", 13), "'area': the answer is 13, but 'compute' yields 12"),
    "no arithmetic": (put(0, "compute", "__import__('os')"), "'area': '__import__('os')' is no arithmetic"),
    "unknown name": (put(0, "compute", "d * n"), "'area': 'd * n' is no arithmetic that has a value for"),
    "no value for a variant": (
        put(0, "compute", "12 / (7 - k)"),
        "is no arithmetic that has a value for {'d': 3, 'k': 7}",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_entry_is_named_in_a_sentence(lab: Lab, spoil, words: str):
    entries = copy.deepcopy(ENTRIES)
    spoil(entries)
    with pytest.raises(UserError) as caught:
        load(lab, entries)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{lab.folder / 'questions.yaml'}, question '")


@pytest.mark.parametrize(
    ("text", "words"),
    [("- id: [", "is not valid YAML"), ("id: area", "must be a list of questions"), ("- area", "must be a list of")],
)
def test_a_file_that_is_no_list_of_entries_is_named(lab: Lab, text: str, words: str):
    (lab.folder / "questions.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=f"questions.yaml {words}"):
        load_questions(lab)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("-2**2", -4),
        ("7 // 2 - 1 / 4", 2.75),
        ("ceil(2.1) + floor(2.9) + sqrt(9) + log2(8)", 11),
        ("r * (d + k)", 40960),
        ("2**60 + 1", 2**60 + 1),
    ],
)
def test_expressions_are_worked_out_exactly(expression: str, value: float):
    assert evaluate(expression, {"r": 8, "d": 4096, "k": 1024}) == value


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "1 / 0",
        "sqrt(-1)",
        "(-8) ** 0.5",
        "log2(0)",
        "9**9**9**9",
        "2.0**64 * 10**64**2",
        "True + 1",
        "'a' * 3",
        "[1, 2]",
        "1 if 1 else 2",
        "abs(1)",
        "sqrt(1, 2)",
        "sqrt(x=1)",
        "d.real",
        "(lambda: 1)()",
        "().__class__",
        "x := 1",
        "1 < 2",
        "1j",
        "(" * 5000,
        "-" * 50_000 + "1",
        "1\0",
    ],
    ids=lambda text: repr(text)[:24],
)
def test_anything_but_finite_arithmetic_is_refused(expression: str):
    with pytest.raises(ValueError, match="is no arithmetic that has a value"):
        evaluate(expression, {"d": 3})


def test_anchors_are_spelled_as_github_spells_them(tmp_path: Path):
    path = tmp_path / "page.md"
    path.write_text(
        "# LoRA: the reading\n\n## One in 6144?\n\n```\n# code\n```\n\n### `snake_case`, and-more \n", "utf-8"
    )
    assert anchors(path) == {"lora-the-reading", "one-in-6144", "snake_case-and-more"}
