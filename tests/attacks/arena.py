"""Grade a class of attacks and honest neighbours by the real command, and see what became of it."""

from __future__ import annotations

import os
import re
import secrets
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from typing import Any

import nbformat

from autograder.compose import build
from autograder.course import ROOT_VARIABLE
from tests.attacks.attack import LOOT, Attack, Target
from tests.marks import hashes, notes_of, score_of
from tests.test_bookkeeping import HALF, WRONG
from tests.toy import RIGHT, add_toy_lab

LIMITS = {
    "case_seconds": 2, "cell_seconds": 4, "notebook_seconds": 10, "memory_gib": 2, "file_mib": 64, "disk_mib": 256,
}  # fmt: skip
NEIGHBOURS = {"right": (RIGHT, 4.0), "half": (HALF, 2.0), "wrong": (WRONG, 0.0)}
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Ending:
    """What became of one attack: why it succeeded, if it did, and what the grader says of it."""

    attack: Attack
    points: float | None
    said: str
    faults: list[str] = field(default_factory=list)


@dataclass
class Arena:
    """What a run of attacks left: each one's ending, and what is wrong with everything around them."""

    endings: list[Ending]
    neighbours: int
    faults: list[str]


def fight(attacks: Sequence[Attack], folder: Path, workers: int = 2) -> Arena:
    """Grade the attacks, each followed by a neighbour, in a class under `folder`."""
    lab = add_toy_lab(folder / "course")
    build(lab, lab.course.root / "build")
    classroom, canary = folder / "class", secrets.token_hex(16)
    hostile = {f"{number:03}-{attack.name}": attack for number, attack in enumerate(attacks)}
    honest = {f"{student}-neighbour": kind for student, kind in zip(hostile, cycle(NEIGHBOURS), strict=False)}
    with listening(classroom) as (places, heard):
        places |= {"COURSE": str(lab.course.root), "FOLDER": str(classroom), "HOME": str(folder / "home")}
        target = Target({**places, "CANARY": canary[::-1], "REPOSITORY": str(REPOSITORY)})
        for student, attack in hostile.items():
            _hand_in(classroom, student, target.notebook(lab, attack), attack.files)
        for student, kind in honest.items():
            _hand_in(classroom, student, target.notebook(lab, Attack("", "", answer=NEIGHBOURS[kind][0])), {})
        before = hashes(classroom / "submitted", lab.course.root), _littered()
        faults = _graded(folder, lab.course.root, canary, workers)
        after = hashes(classroom / "submitted", lab.course.root), _littered()
    if before[0] != after[0]:
        faults.append(f"files changed: {sorted(set(after[0].items()) ^ set(before[0].items()))[:5]}")
    faults += [f"left behind: {place}" for place in sorted(after[1] - before[1])]
    faults += [f"connected: {what}" for what in heard]
    secret = (classroom / "secrets" / "toy").read_text().strip()
    endings = [_ending(classroom, student, attack, (secret, canary)) for student, attack in hostile.items()]
    for student, kind in honest.items():
        faults += _neighbours_faults(classroom, student, kind, (secret, canary))
    return Arena(endings, len(honest), faults)


def _graded(folder: Path, course: Path, canary: str, workers: int) -> list[str]:
    """Grade the class under `folder`, make feedback and a report; returns what went wrong."""
    for name in ("home", "exchange"):
        (folder / name).mkdir()
    (folder / "exchange").chmod(0o777)  # nbgrader wants it so
    environment = os.environ | {"HOME": str(folder / "home"), ROOT_VARIABLE: str(course), "GRADER_SECRET": canary}
    limits = [part for name, number in LIMITS.items() for part in ("--limit", f"{name}={number}")]
    commands = {
        "grade": ["--workers", str(workers), *limits],
        "feedback": ["--exchange", str(folder / "exchange")],
        "report": [],
    }
    place = ["--class-folder", str(folder / "class")]
    return [
        fault
        for name, options in commands.items()
        for fault in _run([name, "toy", *options, *place], environment, folder)
    ]


def _neighbours_faults(classroom: Path, student: str, kind: str, secret: Sequence[str]) -> list[str]:
    found = _ending(classroom, student, Attack("", "", points=NEIGHBOURS[kind][1]), secret)
    faults = [f"{student}: {fault}" for fault in found.faults]
    if (kind == "right" and found.said) or "limit" in found.said:
        faults.append(f"{student}, whose answer is {kind}, was told: {found.said}")
    return faults


def _hand_in(classroom: Path, student: str, notebook: bytes, files: dict[str, bytes]) -> None:
    place = classroom / "submitted" / student / "toy"
    place.mkdir(parents=True)
    for name, content in {"toy.ipynb": notebook, **files}.items():
        (place / name).write_bytes(content)


def _run(arguments: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        env=environment, cwd=folder, capture_output=True, text=True, errors="replace", timeout=1800,
    )  # fmt: skip
    said = done.stdout + done.stderr
    faults = [f"autograder {arguments[0]} ended with {done.returncode}: {said[-1500:]}"] if done.returncode else []
    if "Traceback" in said:
        faults.append(f"autograder {arguments[0]} printed a traceback: {said[-1500:]}")
    return faults


@contextmanager
def listening(folder: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Sockets of this machine that nobody may reach; gives where they are and what reached them."""
    folder.mkdir(parents=True)
    heard: list[str] = []
    tcp = socket.create_server(("0.0.0.0", 0))
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", port))
    abstract, path = f"winning-ticket-{secrets.token_hex(4)}", str(folder / "socket")
    unix = []
    for place in (f"\0{abstract}", path):
        unix.append(socket.socket(socket.AF_UNIX))
        unix[-1].bind(place)
        unix[-1].listen()
    os.chmod(path, 0o777)
    ends = [tcp, udp, *unix]
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            for end in select.select(ends, [], [], 0.2)[0]:
                if end is udp:
                    end.recv(100)
                else:
                    end.accept()[0].close()
                heard.append(str(end.getsockname()))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield {"PORT": str(port), "ADDRESS": _own_address(), "ABSTRACT": abstract}, heard
    finally:
        over.set()
        thread.join()
        for end in ends:
            end.close()


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        try:
            end.connect(("192.0.2.1", 9))
            return str(end.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _littered() -> set[str]:
    """Shared places of the machine in which a submission could leave something."""
    found = {str(path) for place in ("/dev/shm", "/dev/mqueue", "/var/tmp") for path in Path(place).glob("*")}
    for name in ("shm", "msg", "sem"):
        found |= {f"{name} {line}" for line in Path("/proc/sysvipc", name).read_text().splitlines()[1:]}
    return found | {name for name in Path("/proc/self/mounts").read_text().splitlines() if "winning" in name}


def _ending(classroom: Path, student: str, attack: Attack, secret: Sequence[str]) -> Ending:
    """Read a student's graded notebook and feedback, and compare them with what is deserved."""
    place = classroom / "autograded" / student / "toy" / "toy.ipynb"
    if not place.is_file():
        return Ending(attack, None, "", ["it was not graded"])
    graded: Any = nbformat.read(place, as_version=4)
    verdict = graded.metadata.winning_ticket.verdicts["toy.scale"]
    ending = Ending(attack, verdict["points"], " ".join([verdict["reason"], *notes_of(graded)]).strip())
    score = score_of(classroom, student)
    if verdict["points"] != attack.points or score != attack.points:
        ending.faults.append(f"{verdict['points']:g} points, {score} in the grades, {attack.points:g} deserved")
    if attack.says not in ending.said:
        ending.faults.append(f"it is not told '{attack.says}' but: {ending.said}")
    for cell in graded.cells:
        cell.pop("source", None)
    page = next((classroom / "feedback" / student / "toy").glob("*.html"), None)
    html = page.read_text(encoding="utf-8") if page else ""
    if not page:
        ending.faults.append("it has no feedback")
    texts = html, nbformat.v4.writes(graded)
    if any(LOOT in text for text in texts):
        ending.faults.append("it carried something out")
    if any(word in text for word in secret for text in texts):
        ending.faults.append("a secret is in its feedback")
    ending.faults += [f"its feedback holds {found}" for found in active(html)[:3]]
    return ending


class _Page(HTMLParser):
    """What a browser would run or load of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "form", "base"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            address = re.sub(r"[\s\x00-\x1f]", "", value or "").lower()
            if name.startswith("on") or address.startswith(("javascript:", "vbscript:", "data:text/html")):
                self.found.append(f"<{tag} {name}={value!r}>")


def active(html: str) -> list[str]:
    """Whatever a browser would run of a page, in order."""
    page = _Page()
    page.feed(html)
    return page.found
