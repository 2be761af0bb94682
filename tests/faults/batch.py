"""Grade a class of malformed submissions and honest neighbours by the real command."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.ground import Class, Ground, Outcome
from tests.faults.malformed import malformed

FULL = 4.0


@dataclass
class Batch:
    """What became of a class: how many scored what, and what went wrong."""

    scores: Counter[float] = field(default_factory=Counter)
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def grade_malformed(ground: Ground, count: int, seed: int) -> Batch:
    """Grade `count` mutations of a right answer beside the ground's class, then make all feedback."""
    graded, found = ground.fresh(), Batch()
    right = (graded.place / "submitted" / "student000" / "toy" / "toy.ipynb").read_bytes()
    bad = {}
    for number, (kind, content) in enumerate(malformed(right, count, seed)):
        student = f"{kind}{number:04}"
        bad[student] = content
        place = graded.place / "submitted" / student / "toy"
        place.mkdir(parents=True)
        (place / "toy.ipynb").write_bytes(content)
    before = graded.hashes()
    ending = graded.run("grade", "toy", "--workers", "2")
    found.faults += ending.faults
    if ending.status not in (0, 1):
        found.faults.append(f"the command ended with {ending.status}: {ending.said[-1500:]}")
        return found
    outcomes = graded.outcomes()
    for student in bad:
        found.faults += [f"{student}: {fault}" for fault in _faults(outcomes[student], student, ending.said)]
        outcome = outcomes.pop(student)
        found.refused += outcome is None
        if outcome:
            found.scores[outcome.score] += 1
    found.faults += [
        f"neighbour {name} got {outcomes[name]}" for name, e in ground.expected.items() if outcomes[name] != e
    ]
    found.faults += [] if graded.hashes() == before else ["a submission was changed"]
    found.faults += _feedback(graded, found.refused) + graded.leftovers()
    return found


def _faults(outcome: Outcome | None, student: str, said: str) -> list[str]:
    if outcome is None:
        return [] if f"Not graded: {student}. " in said else ["no grade and no sentence"]
    verdict = outcome.verdicts["toy.scale"]
    told = " ".join([verdict["reason"], *outcome.notes])
    faults = ["a traceback"] if "Traceback" in told else []
    return faults + ([] if outcome.score == FULL or told.strip() else ["points lost without a word"])


def _feedback(graded: Class, refused: int) -> list[str]:
    exchange = graded.folder / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)  # nbgrader wants it so
    ending = graded.run("feedback", "toy", "--exchange", str(exchange))
    pages = len(list((graded.place / "feedback").glob("*/toy/toy.html")))
    students = len(list((graded.place / "submitted").iterdir()))
    faults = [] if pages == students - refused else [f"{pages} pages of feedback for {students} students"]
    return (
        faults
        + ending.faults
        + ([] if not ending.status else [f"feedback ended with {ending.status}: {ending.said[-1500:]}"])
    )
