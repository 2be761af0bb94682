"""Tell from names who handed in what: file names, Moodle's and Canvas's downloads, labs.

- Moodle writes `Ada Lovelace_12345_assignsubmission_file_/lora.ipynb`. The number is another one
  in every assignment, so the id is `Ada-Lovelace`; the number tells namesakes apart in one lab.
- Canvas writes `lovelaceada_1234_56789_lora.ipynb`, with the number that its gradebook has as ID:
  the id is `lovelaceada-1234`.
- Everything else is `<student>_<lab>.zip` or `<student>.zip`: likewise notebooks and folders.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.unpack import Entry, Refusal, shown

MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<rest>.*))?")
CANVAS = re.compile(r"(?P<name>anon_(?:LATE_)?[0-9A-Za-z]+|[^_]+_(?:LATE_)?\d+)_\d+_(?P<rest>.+)")
COPY = re.compile(r"( \(\d+\)|-\d+)$")
ANONYMOUS = "participant"
MAX_ID_BYTES = 100


@dataclass(frozen=True)
class Handin:
    """One student's files, as yet unread.

    `name` is as its source spells it, "" if nothing says whose it is. `number` is Moodle's, `lab`
    what the archive's name says, `zips` how many zips were opened to get there.
    """

    name: str
    number: str
    lab: str
    source: str
    entries: tuple[Entry, ...]
    zips: int = 0
    fault: str = ""


Owned = tuple[str, str, Entry]


def student_id(name: str) -> str:
    """An id that nbgrader and every file system take: letters, digits, '-', '_', '.'; raises Refusal if none is left.

    Letters keep their script and case. Different names may give one id: compare names, too.
    """
    kept = "".join(letter if _fits(letter) else "-" for letter in unicodedata.normalize("NFC", name))
    found = re.sub(r"-{2,}", "-", kept).strip("-.")
    if not found:
        raise Refusal("Its name does not say whose it is. Rename it to STUDENT_LAB, for example ada_lora.zip.")
    if len(found.encode()) > MAX_ID_BYTES:
        raise Refusal("Its name is too long for a student's id. Rename it to STUDENT_LAB, for example ada_lora.zip.")
    return found


def _fits(letter: str) -> bool:
    return letter in "-_." or unicodedata.category(letter)[0] in "LM" or unicodedata.category(letter) == "Nd"


def named(stem: str, labs: Sequence[str]) -> tuple[str, str]:
    """Student and lab of a name like `ada_lora`, `ada`, `lora`, `ada_lora-2`, `ada_lora (1)`; "" for what it lacks."""
    known = {lab.lower(): lab for lab in labs}
    pattern = rf"(?:(?P<name>.+?)_)?(?P<lab>{'|'.join(map(re.escape, known))})(?:{COPY.pattern})?"
    found = re.fullmatch(pattern, stem, re.IGNORECASE) if known else None
    if found:
        return found["name"] or "", known[found["lab"].lower()]
    return re.sub(r" \(\d+\)$", "", stem), ""


def is_moodle(name: str) -> bool:
    return MOODLE.fullmatch(name) is not None


def is_canvas(name: str) -> bool:
    return CANVAS.fullmatch(name) is not None


def split(source: str, entries: Iterable[Entry], labs: Sequence[str], zips: int) -> list[Handin]:
    """Tell whose files these are: a class's, if the names inside say so, else one student's."""
    all_entries = tuple(entries)
    stem = re.sub(r"\.(zip|ipynb)$", "", source, flags=re.IGNORECASE)
    owned = _moodle(all_entries) or _canvas(all_entries)
    handins = _grouped(source, owned, zips) if owned else _zips_of_a_class(source, stem, all_entries, labs, zips)
    if not handins:
        name, lab = named(stem, labs)
        return [Handin(name, "", lab, source, all_entries, zips)]
    taken = {entry.open for handin in handins for entry in handin.entries}
    rest = [e for e in all_entries if e.open not in taken and (e.fault or e.suffix in (".ipynb", ".zip"))]
    return handins + [_nobodys(source, entry) for entry in rest]


def _moodle(entries: Sequence[Entry]) -> list[Owned]:
    found = []
    for entry in entries:
        for depth, part in enumerate(entry.path.parts):
            match = MOODLE.fullmatch(part)
            if match:
                anonymous = match["name"].lower() == ANONYMOUS
                name = f"{match['name']}-{match['number']}" if anonymous else match["name"]
                rest = [match["rest"]] if match["rest"] else []
                found.append((name, match["number"], _moved(entry, [*rest, *entry.path.parts[depth + 1 :]])))
                break
    return found


def _canvas(entries: Sequence[Entry]) -> list[Owned]:
    """Canvas packs flat; any other name among them means that a student chose these names."""
    matches = [CANVAS.fullmatch(entry.path.name) for entry in entries]
    if len({entry.path.parent for entry in entries}) > 1 or not all(matches):
        return []
    return [
        (match["name"].replace("_LATE_", "_").replace("_", "-"), "", _moved(entry, [match["rest"]]))
        for match, entry in zip(matches, entries, strict=True)
        if match
    ]


def _moved(entry: Entry, parts: Sequence[str]) -> Entry:
    return Entry(PurePosixPath(*parts or [entry.path.name]), entry.time, entry.open, entry.fault)


def _grouped(source: str, owned: Iterable[Owned], zips: int) -> list[Handin]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for name, number, entry in owned:
        groups.setdefault((name, number), []).append(entry)
    return [
        Handin(name, number, "", f"{source}: {name}{f' ({number})' if number else ''}", tuple(found), zips)
        for (name, number), found in groups.items()
    ]


def _zips_of_a_class(source: str, stem: str, entries: Sequence[Entry], labs: Sequence[str], zips: int) -> list[Handin]:
    """A zip (or folder) of zips named `<student>_<lab>.zip`, without a notebook of its own."""
    if any(entry.suffix == ".ipynb" for entry in entries):
        return []
    owned = [(*named(entry.path.stem, labs), entry) for entry in entries if entry.suffix == ".zip"]
    owned = [(name, lab, entry) for name, lab, entry in owned if name and lab]
    students = {name for name, _, _ in owned}
    if not students or (len(students) == 1 and named(stem, labs)[1]):
        return []
    return [Handin(name, "", lab, f"{source}: {entry.path}", (entry,), zips) for name, lab, entry in owned]


def _nobodys(source: str, entry: Entry) -> Handin:
    what = entry.fault or (
        f"{shown(entry.path)} lies in a class's archive, but its name does not say whose it is. "
        "Put it into the folder by itself, named STUDENT_LAB."
    )
    return Handin("", "", "", f"{source}: {entry.path}", (entry,), fault=what)


def choose(
    notebooks: Mapping[PurePosixPath, str], labs: Sequence[str], wanted: str, archive_lab: str
) -> dict[str, PurePosixPath]:
    """Choose the notebook of each lab that was handed in; raises Refusal if there is no telling.

    Parameters
    ----------
    notebooks : mapping
        The notebooks' paths, and the lab that each one's metadata names, or "".
    wanted : str
        The one lab to look for; "" for all.
    archive_lab : str
        What the archive's name says, for notebooks that say nothing; or "".
    """
    claims = {path: lab or named(path.stem, labs)[1] for path, lab in notebooks.items()}
    found = [wanted] if wanted else sorted(set(filter(None, claims.values()))) or [archive_lab]
    if found == [""]:
        raise Refusal(
            f"Nothing says which lab {_list(notebooks)} belongs to: neither the notebook nor a name does. "
            "Name the lab with --lab."
        )
    return {lab: _pick(lab, _pool(lab, notebooks, claims, wanted, archive_lab), notebooks) for lab in found}


def _pool(
    lab: str, notebooks: Mapping[PurePosixPath, str], claims: Mapping[PurePosixPath, str], wanted: str, by_default: str
) -> list[PurePosixPath]:
    pool = [
        path
        for path, by_metadata in notebooks.items()
        if by_metadata == lab or (not by_metadata and (wanted or (claims[path] or by_default) == lab))
    ]
    if not pool:
        others = ", ".join(sorted(set(notebooks.values())))
        raise Refusal(f"{_list(notebooks)} is of another lab ({others}), not of {lab}. Ask for the notebook of {lab}.")
    return pool


def _pick(lab: str, pool: Sequence[PurePosixPath], notebooks: Mapping[PurePosixPath, str]) -> PurePosixPath:
    rules: tuple[Callable[[PurePosixPath], bool], ...] = (
        lambda path: path.stem.lower() == lab.lower(),
        lambda path: COPY.sub("", path.stem).lower() == lab.lower(),
        lambda path: notebooks[path] == lab,
        lambda path: True,
    )
    fits = next(fits for rule in rules if (fits := [path for path in pool if rule(path)]))
    top = min(len(path.parts) for path in fits)
    fits = [path for path in fits if len(path.parts) == top]
    if len(fits) > 1:
        raise Refusal(
            f"It holds several notebooks ({_list(fits)}), so which one counts is unclear. "
            f"Ask for one, named {lab}.ipynb."
        )
    return fits[0]


def _list(paths: Iterable[PurePosixPath]) -> str:
    names = sorted(shown(path) for path in paths)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
