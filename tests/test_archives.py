"""Does everybody's work arrive from downloaded files, whatever was packed how, and nobody else's?"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath

import nbformat
import pytest
from click.testing import CliRunner

from autograder import placing, unpack
from autograder.archives import Collected, collect, feedback_zips
from autograder.errors import UserError
from autograder.handins import choose, named, student_id
from autograder.unpack import Refusal
from tests.toy import RIGHT

LABS = ["lora", "toy", "q_lora"]
NOON = (2026, 3, 1, 12, 0, 0)
ONE = (2026, 3, 1, 13, 0, 0)


def notebook(text: str = "", lab: str | None = None) -> str:
    """The bytes of a notebook that names a lab in its metadata, or none."""
    metadata = {"winning_ticket": {"lab": lab}} if lab else {}
    return json.dumps({"cells": [], "metadata": {**metadata, "text": text}, "nbformat": 4, "nbformat_minor": 5})


def packed(files: dict[str, str | bytes], when=NOON, **attributes) -> bytes:
    """A zip in memory; `attributes` are set on every member."""
    buffer = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # that names are doubled
        for name, content in files.items():
            info = zipfile.ZipInfo("x", when)
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o100644 << 16
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return buffer.getvalue()


def patched(data: bytes, central: int, local: int | None, value: bytes) -> bytes:
    """A zip of one member with bytes overwritten, counted from its headers in the directory and before the file."""
    changed = bytearray(data)
    at = data.index(b"PK\x01\x02") + central
    changed[at : at + len(value)] = value
    if local is not None:
        changed[local : local + len(value)] = value
    return bytes(changed)


def encrypted(data: bytes) -> bytes:
    return patched(data, 8, 6, b"\x01\x00")


def badly_named() -> bytes:
    """A zip that promises UTF-8 and breaks it."""
    return packed({"l\u00f6ra.ipynb": notebook()}).replace("l\u00f6".encode(), b"l\xff\xff")


def lying(data: bytes) -> bytes:
    """Its directory says ten bytes."""
    return patched(data, 24, 22, struct.pack("<I", 10))


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def at_noon(folder: Path, seconds: int = 0) -> None:
    moment = datetime(*NOON, tzinfo=UTC).timestamp() + seconds
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def states(rows: list[Collected]) -> dict[str, str]:
    return {row.student or row.source: row.state for row in rows}


def text_of(submitted: Path, student: str, lab: str = "lora") -> str:
    return json.loads((submitted / student / lab / f"{lab}.ipynb").read_text())["metadata"]["text"]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch):
    """Zips hold wall-clock times; the tests' clock hangs in Greenwich."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def place(tmp_path: Path):
    """A folder of downloads and where it is collected to."""
    downloads, submitted = tmp_path / "downloads", tmp_path / "build" / "submitted"
    downloads.mkdir()
    return downloads, submitted


MOODLE = {
    "Ada Lovelace_123_assignsubmission_file_/lora.ipynb": notebook("Ada Lovelace"),
    "Ada Lovelace_123_assignsubmission_onlinetext_/onlinetext.html": "done",
    "Carl Gauß_124_assignsubmission_file_/lora.zip": packed({"lora/lora.ipynb": notebook("Carl Gauß")}),
    "Participant_125_assignsubmission_file_/lora.ipynb": notebook("Participant-125"),
    "Emmy Noether_126_assignsubmission_file_lora.ipynb": notebook("Emmy-Noether"),
    "Paul Erdos_127_assignsubmission_file_/essay.pdf": "no notebook",
    "John Doe_128_assignsubmission_file_/lora.ipynb": notebook("one"),
    "John Doe_129_assignsubmission_file_/lora.ipynb": notebook("other"),
    "Eve Evil_130_assignsubmission_file_/../../../lora.ipynb": notebook("evil"),
}
CANVAS = {
    "hopper_11_900_lora.ipynb": notebook("hopper-11"),
    "turing_LATE_12_901_lora-2.ipynb": notebook("turing-12"),
    "turing_LATE_12_902_helpers.py": "x = 1",
    "knuth_13_903_work.zip": packed({"lora.ipynb": notebook("knuth-13")}),
    "anon_LATE_a7Kp2_904_lora.ipynb": notebook("anon-a7Kp2"),
    "lamport_14_905_notes.txt": "no notebook",
}
GOOD = {
    "flat_lora.zip": packed({"lora.ipynb": notebook("flat"), "data/x.csv": "1", "helpers.py": "x = 1"}),
    "nested.zip": packed({"work/lora.ipynb": notebook("nested"), "work/helpers.py": "", "other/far.txt": ""}),
    "bare_lora.ipynb": notebook("bare"),
    "by-metadata.ipynb": notebook("by-metadata", "lora"),
    "renamed_lora.zip": packed({"my final answer.ipynb": notebook("renamed")}),
    "two_lora.zip": packed({"lora.ipynb": notebook("two"), "scratch.ipynb": notebook("scratch")}),
    "doubled (1).zip": packed({"inner.zip": packed({"lora.ipynb": notebook("doubled")})}),
    "folder/lora/lora.ipynb": notebook("folder"),
    "folder/lora/helpers.py": "",
    "folder-of-zip_lora/anything.zip": packed({"lora.ipynb": notebook("folder-of-zip")}),
    "mac.zip": packed({"lora.ipynb": notebook("mac"), "__MACOSX/._lora.ipynb": "junk", ".DS_Store": "junk"}),
    "old_lora.zip": packed({"lora.ipynb": notebook("old"), ".ipynb_checkpoints/lora-checkpoint.ipynb": notebook("no")}),
    "accents.zip": packed({"lora.ipynb": notebook("accents"), "donnees/été.csv": "1"}),
    "class.zip": packed(
        {
            "zip1_lora.zip": packed({"lora.ipynb": notebook("zip1")}),
            "zip2_lora.zip": packed({"lora.ipynb": notebook("zip2")}),
        }
    ),
    "moodle.zip": packed(MOODLE),
    "submissions.zip": packed(CANVAS),
    "Loose Moodle_77_assignsubmission_file_/lora.ipynb": notebook("Loose-Moodle"),
    "loosecanvas_88_99_lora.ipynb": notebook("loosecanvas-88"),
}
BAD = {
    "corrupt_lora.zip": (b"PK\x03\x04 no zip", "cut off or damaged"),
    "cut_lora.zip": (packed({"lora.ipynb": notebook()})[:-30], "cut off or damaged"),
    "crc_lora.zip": (patched(packed({"lora.ipynb": notebook()}), 16, 14, b"abcd"), "cannot be unpacked"),
    "locked_lora.zip": (encrypted(packed({"lora.ipynb": notebook()})), "password"),
    "nobytes_lora.zip": (b"", "empty file"),
    "nofiles_lora.zip": (packed({}), "empty zip"),
    "essay_lora.zip": (packed({"essay.pdf": "x"}), "no notebook"),
    "several_lora.zip": (packed({"a.ipynb": notebook(), "b.ipynb": notebook()}), "several notebooks"),
    "upwards_lora.zip": (packed({"../lora.ipynb": notebook(), "lora.ipynb": notebook()}), "leave the folder"),
    "absolute_lora.zip": (packed({"/tmp/lora.ipynb": notebook()}), "leave the folder"),
    "drive_lora.zip": (packed({"C:/lora.ipynb": notebook()}), "leave the folder"),
    "backslash_lora.zip": (packed({"..\\lora.ipynb": notebook()}), "leave the folder"),
    "link_lora.zip": (packed({"lora.ipynb": "/etc/passwd"}, external_attr=0o120777 << 16), "link"),
    "lies_lora.zip": (lying(packed({"lora.ipynb": notebook()})), "cannot be unpacked"),
    "method_lora.zip": (patched(packed({"lora.ipynb": notebook()}), 10, 8, b"\x09\x00"), "method"),
    "name_lora.zip": (badly_named(), "wrong encoding"),
    "control_lora.zip": (packed({"lora\x1b[2J.ipynb": notebook()}), "unreadable name"),
    "long_lora.zip": (packed({f"{'x' * 300}.ipynb": notebook()}), "short name"),
    "twice_lora.zip": (packed({"lora.ipynb": notebook(), "./lora.ipynb": notebook("2")}), "twice"),
    "deep_lora.zip": (packed({"a.zip": packed({"b.zip": packed({"lora.ipynb": notebook()})})}), "zip in a zip in"),
    "rar_lora.rar": (b"Rar!", "no zip"),
    "unknown.zip": (packed({"homework.ipynb": notebook()}), "--lab"),
    "lora.ipynb": (notebook(), "whose it is"),
    f"{'n' * 120}_lora.ipynb": (notebook(), "too long"),
}  # fmt: skip


def test_a_class_of_every_kind_lands_where_nbgrader_looks(place):
    """Every good hand-in arrives whole, every bad one costs only itself, and the downloads stay as they were."""
    downloads, submitted = place
    write(downloads, GOOD | {name: content for name, (content, _) in BAD.items()} | {"grades.csv": "no work"})
    (downloads / "linked_lora.ipynb").symlink_to("/etc/passwd")
    at_noon(downloads)
    before = snapshot(downloads)
    rows = collect(downloads, submitted, LABS)
    assert snapshot(downloads) == before

    own = {"Ada-Lovelace": "Ada Lovelace", "Carl-Gauß": "Carl Gauß", "Participant-125": None, "Emmy-Noether": None}
    others = (
        "hopper-11 turing-12 knuth-13 anon-a7Kp2 zip1 zip2 Loose-Moodle loosecanvas-88 flat nested bare renamed two"
    )
    more = "by-metadata doubled folder folder-of-zip mac old accents"
    expected = {name: own.get(name) or name for name in [*own, *others.split(), *more.split()]}
    assert {row.student for row in rows if row.state == "collected"} == set(expected)
    assert {path.name for path in submitted.iterdir()} == set(expected)
    for student, text in expected.items():
        assert text_of(submitted, student) == text
        assert (submitted / student / "lora" / "timestamp.txt").read_text() == "2026-03-01 12:00:00.000000 UTC"

    refused = {row.source: row.note for row in rows if row.state == "refused"}
    for name, (_, words) in BAD.items():
        assert words in refused.pop(name), name
    assert "link" in refused.pop("linked_lora.ipynb")
    assert "essay.pdf" in refused.pop("moodle.zip: Paul Erdos (127)")
    assert "notes.txt" in refused.pop("submissions.zip: lamport-14")
    assert "leave the folder" in refused.pop("moodle.zip: Eve Evil (130)")
    assert "another person" in refused.pop("moodle.zip: John Doe (128)")
    assert "another person" in refused.pop("moodle.zip: John Doe (129)")
    assert not refused
    assert not any("\x1b" in row.source + row.note for row in rows)


def test_files_beside_the_notebook_come_along_and_no_others(place):
    downloads, submitted = place
    write(downloads, {name: GOOD[name] for name in GOOD if "/" not in name})
    collect(downloads, submitted, LABS)

    def files(student: str) -> set[str]:
        folder = submitted / student / "lora"
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        return found - {"lora.ipynb", "timestamp.txt", ".collected.json"}

    assert files("flat") == {"data/x.csv", "helpers.py"}
    assert files("nested") == {"helpers.py"}
    assert files("two") == {"scratch.ipynb"}
    assert files("turing-12") == {"helpers.py"}
    assert files("accents") == {"donnees/été.csv"}
    assert files("mac") == files("old") == set()


def test_what_only_the_exchange_may_write_is_not_taken_from_a_student(place):
    downloads, submitted = place
    files = {"lora.ipynb": notebook(), "timestamp.txt": "never", "submission_secret.txt": "x", ".collected.json": "x"}
    write(downloads, {"ada_lora.zip": packed(files)})
    collect(downloads, submitted, LABS)
    folder = submitted / "ada" / "lora"
    assert (folder / "timestamp.txt").read_text() == "2026-03-01 12:00:00.000000 UTC"
    assert not (folder / "submission_secret.txt").exists()
    assert json.loads((folder / ".collected.json").read_text())["name"] == "ada"


def test_a_second_run_changes_nothing_and_says_so(place):
    downloads, submitted = place
    write(downloads, GOOD)
    first = collect(downloads, submitted, LABS)
    before = snapshot(submitted)
    second = collect(downloads, submitted, LABS)
    assert snapshot(submitted) == before
    collected = {row.student for row in first if row.state == "collected"}
    assert {row.student for row in second if row.state == "unchanged"} == collected
    assert not any(row.state == "collected" for row in second)


def test_newer_work_replaces_older_and_never_the_other_way(place, tmp_path):
    downloads, submitted = place
    old = {"lora.ipynb": notebook("old"), "gone.py": ""}
    write(downloads, {"ada_lora.zip": packed(old), "bob.ipynb": notebook("bob", "lora")})
    collect(downloads, submitted, LABS)
    write(downloads, {"ada_lora (1).zip": packed({"lora.ipynb": notebook("new")}, ONE)})
    rows = collect(downloads, submitted, LABS)
    assert states(rows) == {"ada": "collected", "bob": "unchanged"}
    assert "replaces" in rows[0].note
    assert text_of(submitted, "ada") == "new"
    assert not (submitted / "ada" / "lora" / "gone.py").exists()
    (downloads / "ada_lora (1).zip").unlink()
    (row, _) = collect(downloads, submitted, LABS)
    assert row.state == "unchanged"
    assert "newer" in row.note
    assert text_of(submitted, "ada") == "new"
    assert [path.name for path in submitted.iterdir() if path.name.startswith(".")] == []


def test_the_same_work_packed_again_is_unchanged_and_a_changed_helper_is_not(place):
    downloads, submitted = place
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook(), "helpers.py": "1"})})
    collect(downloads, submitted, LABS)
    write(downloads, {"ada.zip": packed({"x/lora.ipynb": notebook(), "x/helpers.py": "1"}, ONE)})
    assert states(collect(downloads, submitted, LABS)) == {"ada": "unchanged"}
    assert "12:00" in (submitted / "ada" / "lora" / "timestamp.txt").read_text()
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook(), "helpers.py": "2"})})
    (row,) = collect(downloads, submitted, LABS)
    assert (row.state, "as old" in row.note) == ("unchanged", True)
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook(), "helpers.py": "2"}, ONE)})
    assert states(collect(downloads, submitted, LABS)) == {"ada": "collected"}


def test_two_of_the_same_time_that_differ_are_refused(place):
    downloads, submitted = place
    write(downloads, {f"ada{x}.zip": packed({"lora.ipynb": notebook(x)}) for x in ("_lora", "")})
    (row,) = collect(downloads, submitted, LABS)
    assert row.state == "refused"
    assert "as old" in row.note
    assert not (submitted / "ada").exists()


def test_work_that_came_through_the_exchange_stays_if_it_is_newer(place):
    downloads, submitted = place
    write(submitted / "ada" / "lora", {"lora.ipynb": notebook("x"), "timestamp.txt": "2026-03-01 14:00:00.5 +0100"})
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook("zip")})})
    assert states(collect(downloads, submitted, LABS)) == {"ada": "unchanged"}
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook("zip")}, (2026, 3, 1, 13, 0, 2))})
    assert states(collect(downloads, submitted, LABS)) == {"ada": "collected"}


CLASHES = {
    "letters that an id lacks": ("a+b.zip", "a b.zip"),
    "case": ("Ada.zip", "ada.zip"),
    "namesakes": ("Jo Do_1_assignsubmission_file_/lora.ipynb", "Jo Do_2_assignsubmission_file_/lora.ipynb"),
}


@pytest.mark.parametrize("names", CLASHES.values(), ids=CLASHES)
@pytest.mark.parametrize("together", [True, False], ids=["one run", "two runs"])
def test_two_people_never_become_one(place, names, together):
    downloads, submitted = place
    first, second = ({name: packed({"lora.ipynb": notebook(name)})} for name in names)
    if "/" in names[0]:
        first, second = ({name: notebook(name)} for name in names)
    write(downloads, first)
    if not together:
        assert [row.state for row in collect(downloads, submitted, LABS)] == ["collected"]
        before = snapshot(submitted)
        shutil.rmtree(downloads)
    write(downloads, second)
    rows = collect(downloads, submitted, LABS)
    assert {row.state for row in rows} == {"refused"}
    assert all("another person" in row.note for row in rows)
    assert snapshot(submitted) == ({} if together else before)


def test_a_moodle_number_may_change_from_lab_to_lab(place):
    downloads, submitted = place
    for number, lab in enumerate(("lora", "toy")):
        write(downloads, {f"Jo Do_{number}_assignsubmission_file_/{lab}.ipynb": notebook(lab)})
    assert [(row.student, row.lab, row.state) for row in collect(downloads, submitted, LABS)] == [
        ("Jo-Do", "lora", "collected"),
        ("Jo-Do", "toy", "collected"),
    ]


def test_one_archive_may_hold_several_labs(place):
    downloads, submitted = place
    write(downloads, {"ada.zip": packed({"a.ipynb": notebook("1", "lora"), "toy.ipynb": notebook("2"), "x.py": ""})})
    collect(downloads, submitted, LABS)
    assert (text_of(submitted, "ada"), text_of(submitted, "ada", "toy")) == ("1", "2")
    for lab in ("lora", "toy"):
        assert (submitted / "ada" / lab / "x.py").is_file()
        assert len(list((submitted / "ada" / lab).glob("*.ipynb"))) == 1


def test_a_named_lab_takes_what_does_not_name_another(place):
    downloads, submitted = place
    write(downloads, {"ada.ipynb": notebook("ada"), "bob.ipynb": notebook("bob", "lora"), "eve_lora.ipynb": notebook()})
    rows = collect(downloads, submitted, LABS, "toy")
    assert states(rows) == {"ada": "collected", "bob": "refused", "eve": "collected"}
    assert "of another lab (lora), not of toy" in next(row.note for row in rows if row.student == "bob")
    assert text_of(submitted, "ada", "toy") == "ada"


def test_a_zip_bomb_is_stopped_while_unpacking(place, monkeypatch):
    downloads, submitted = place
    monkeypatch.setattr(unpack, "MAX_BYTES", 1_000_000)
    monkeypatch.setattr(unpack, "MAX_FILES", 20)
    zeros = packed({"lora.ipynb": notebook(), "zeros.bin": b"\0" * 3_000_000})
    write(
        downloads,
        {
            "big.zip": zeros,
            "nested.zip": packed({"inner.zip": zeros}),
            "many.zip": packed({f"{i}.txt": "" for i in range(21)} | {"lora.ipynb": notebook()}),
            "folder/lora.ipynb": notebook(),
            "folder/zeros.bin": b"\0" * 1_000_001,
            "class.zip": packed({f"s{i}_{i}_{i}_lora.ipynb": notebook(str(i)) for i in range(30)}),
        },
    )
    rows = collect(downloads, submitted, LABS)
    refused = {row.student: row.note for row in rows if row.state == "refused"}
    assert set(refused) == {"big", "nested", "many", "folder"}
    assert "more than 20 files" in refused.pop("many")
    assert all("zip bomb" in note for note in refused.values())
    assert len([row for row in rows if row.state == "collected"]) == 30


def test_a_notebook_that_the_grader_would_not_read_is_refused(place, monkeypatch):
    from autograder.bridge.submission import MAX_NOTEBOOK_BYTES

    assert placing.MAX_NOTEBOOK_BYTES == MAX_NOTEBOOK_BYTES
    monkeypatch.setattr(placing, "MAX_NOTEBOOK_BYTES", 2_000_000)
    downloads, submitted = place
    write(downloads, {"ada_lora.ipynb": notebook("x" * 3_000_000)})
    (row,) = collect(downloads, submitted, LABS)
    assert (row.state, "cannot be graded" in row.note) == ("refused", True)


def test_an_unreadable_notebook_is_collected_for_the_grader_to_report(place):
    downloads, submitted = place
    deep = "[" * 100_000
    write(downloads, {"ada_lora.ipynb": "{", "bob_lora.ipynb": deep, "eve_lora.ipynb": b"\xff", "joe_lora.ipynb": "3"})
    assert set(states(collect(downloads, submitted, LABS)).values()) == {"collected"}


def utc_field(seconds: int) -> bytes:
    return struct.pack("<HHBi", 0x5455, 5, 1, seconds)


def test_times_are_utc_whatever_the_zip_holds(place, monkeypatch):
    """A UTC field counts as it is, a wall-clock time as local, and a zip without times as its file."""
    downloads, submitted = place
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    files = {"lora.ipynb": notebook()}
    write(
        downloads,
        {
            "field.zip": packed(files, extra=utc_field(1_700_000_000)),
            "clock.zip": packed(files),
            "none.zip": packed(files, (1980, 1, 1, 0, 0, 0)),
            "future.zip": packed(files, (2100, 1, 1, 0, 0, 0)),
            "broken.zip": patched(packed(files), 12, None, b"\xff\xff\xff\xff"),
        },
    )
    at_noon(downloads)
    collect(downloads, submitted, LABS)

    def stamp(student: str) -> str:
        return (submitted / student / "lora" / "timestamp.txt").read_text()

    assert stamp("field") == "2023-11-14 22:13:20.000000 UTC"
    assert stamp("clock") == "2026-03-01 11:00:00.000000 UTC"
    assert stamp("none") == stamp("broken") == "2026-03-01 12:00:00.000000 UTC"
    assert stamp("future") < "2100"


def test_nbgrader_reads_the_timestamp(place):
    from nbgrader.utils import parse_utc

    downloads, submitted = place
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook()})})
    collect(downloads, submitted, LABS)
    assert parse_utc((submitted / "ada" / "lora" / "timestamp.txt").read_text()) == datetime(*NOON)


KILLED = """
import filecmp, json, os, shutil, sys
from pathlib import Path
from autograder import placing
from autograder.archives import collect

downloads, submitted, pristine = map(Path, sys.argv[1:4])
if sys.argv[4] == "rename":
    placing._exchange = lambda new, target: False


def forked(die_at):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [die_at]

    def die(event, arguments):
        if event.startswith(("open", "os.", "shutil.", "ctypes.")):
            left[0] -= 1
            if not left[0]:
                os._exit(9)

    sys.addaudithook(die)
    collect(downloads, submitted, ["lora"])
    os._exit(0)


def there():
    folder = submitted / "ada" / "lora"
    if not folder.exists():
        return ""
    text = json.loads((folder / "lora.ipynb").read_text())["metadata"]["text"]
    stamp = (folder / "timestamp.txt").read_text()[11:13]
    return " ".join([text, (folder / "helpers.py").read_text(), stamp])


found, ended, step = [], 9, 0
while ended == 9:
    step += 1
    shutil.rmtree(submitted)
    shutil.copytree(pristine, submitted)
    ended = forked(step)
    found.append(there())
    assert forked(0) == 0
    assert there() == "new new 13", there()
assert ended == 0 and step > 30, (ended, step)
print(json.dumps(sorted(set(found))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize(
    ("before", "how", "expected"),
    [
        ("old", "exchange", ["new new 13", "old old 12"]),
        ("old", "rename", ["", "new new 13", "old old 12"]),
        ("", "exchange", ["", "new new 13"]),
    ],
)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_one_whole(place, tmp_path, before, how, expected):
    """Killed at each call of the system in turn. Where folders cannot trade places, the next run mends the gap."""
    downloads, submitted = place
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    if before:
        write(downloads, {"ada.zip": packed({"lora.ipynb": notebook(before), "helpers.py": before})})
        collect(downloads, pristine, LABS)
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook("new"), "helpers.py": "new"}, ONE)})
    submitted.mkdir(parents=True)
    arguments = [str(downloads), str(submitted), str(pristine), how]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_a_failed_replacement_leaves_the_old_one(place, monkeypatch):
    downloads, submitted = place
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook("old")})})
    collect(downloads, submitted, LABS)
    write(downloads, {"ada.zip": packed({"lora.ipynb": notebook("new")}, ONE)})
    rename = Path.rename

    def refuse(self: Path, target: Path):
        if self.name == "new-lora":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(placing, "_exchange", lambda new, target: False)
    monkeypatch.setattr(Path, "rename", refuse)
    (row,) = collect(downloads, submitted, LABS)
    assert (row.state, "No space left" in row.note) == ("refused", True)
    assert text_of(submitted, "ada") == "old"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ada", "ada"),
        ("Ada Lovelace", "Ada-Lovelace"),
        ("Zoë Müller-Łoś", "Zoë-Müller-Łoś"),
        ("Zoe\u0308", "Zoë"),
        ("किशोर कुमार", "किशोर-कुमार"),
        ("李雷", "李雷"),
        ("a+b@uni.edu", "a-b-uni.edu"),
        ("../../etc", "etc"),
        (".hidden", "hidden"),
        ("x_y", "x_y"),
        ("tab\there\u202e", "tab-here"),
    ],
)
def test_an_id_has_only_what_nbgrader_takes(name, expected):
    assert student_id(name) == expected


@pytest.mark.parametrize("name", ["", "..", "+++", "🙂"])
def test_a_name_without_letters_gives_no_id(name):
    with pytest.raises(Refusal):
        student_id(name)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("ada_lora", ("ada", "lora")),
        ("ada", ("ada", "")),
        ("lora", ("", "lora")),
        ("lora-2", ("", "lora")),
        ("ada_LoRA", ("ada", "lora")),
        ("ada_lora (1)", ("ada", "lora")),
        ("ada_lora-3", ("ada", "lora")),
        ("ada_q_lora", ("ada", "q_lora")),
        ("ada (2)", ("ada", "")),
        ("ada-lora", ("ada-lora", "")),
        ("s_123", ("s_123", "")),
    ],
)
def test_names_say_who_and_which_lab(stem, expected):
    assert named(stem, LABS) == expected


def test_without_labs_a_name_is_a_student():
    assert named("ada_lora", []) == ("ada_lora", "")


CHOICES = [
    ({"lora.ipynb": "", "x.ipynb": "lora"}, "lora.ipynb"),
    ({"lora.ipynb": "", "backup/lora.ipynb": ""}, "lora.ipynb"),
    ({"lora-1.ipynb": "", "x_lora.ipynb": ""}, "lora-1.ipynb"),
    ({"x.ipynb": "lora", "y.ipynb": ""}, "x.ipynb"),
    ({"a/lora.ipynb": "", "b/lora.ipynb": ""}, None),
    ({"lora-1.ipynb": "", "lora-2.ipynb": ""}, None),
    ({"x.ipynb": "lora", "y.ipynb": "lora"}, None),
]


@pytest.mark.parametrize(("notebooks", "expected"), CHOICES)
@pytest.mark.parametrize("wanted", ["", "lora"])
def test_of_several_notebooks_the_one_named_after_the_lab_counts(notebooks, expected, wanted):
    paths = {PurePosixPath(path): lab for path, lab in notebooks.items()}
    if expected:
        assert choose(paths, LABS, wanted, "lora") == {"lora": PurePosixPath(expected)}
    else:
        with pytest.raises(Refusal, match="several notebooks"):
            choose(paths, LABS, wanted, "lora")


def test_a_folder_is_refused_with_a_sentence(place, tmp_path):
    downloads, submitted = place
    with pytest.raises(UserError, match="holds no zip"):
        collect(downloads, submitted, LABS)
    with pytest.raises(UserError, match="There is no"):
        collect(downloads / "missing", submitted, LABS)
    with pytest.raises(UserError, match="one in the other"):
        collect(tmp_path, submitted, LABS)
    with pytest.raises(UserError, match="no lab named 'lorra'"):
        collect(downloads, submitted, LABS, "lorra")
    assert not submitted.exists()


def test_a_class_zip_may_be_named_itself(place):
    downloads, submitted = place
    write(downloads, {"moodle.zip": packed(MOODLE), "bob_lora.zip": packed({"lora.ipynb": notebook()})})
    rows = collect(downloads / "moodle.zip", submitted, LABS)
    assert "Emmy-Noether" in states(rows)
    assert "bob" not in states(rows)


def test_what_belongs_to_nobody_is_said(place):
    downloads, submitted = place
    write(downloads, {"m.zip": packed(MOODLE | {"stray.ipynb": notebook(), "readme.txt": "", "../x.txt": ""})})
    refused = {row.source: row.note for row in collect(downloads, submitted, LABS) if not row.student}
    assert set(refused) == {"m.zip: stray.ipynb", "m.zip: ../x.txt"}
    assert "whose it is" in refused["m.zip: stray.ipynb"]


def test_something_in_the_way_costs_only_itself(place):
    downloads, submitted = place
    write(submitted, {"ada/lora": "a file", "bob": "a file"})
    write(downloads, {f"{name}_lora.ipynb": notebook(name) for name in ("ada", "bob", "eve")})
    assert states(collect(downloads, submitted, LABS)) == {"ada": "refused", "bob": "refused", "eve": "collected"}


def test_left_overs_of_killed_runs_are_cleared_up(place):
    downloads, submitted = place
    write(downloads, {"eve_lora.ipynb": notebook("eve")})
    write(submitted, {".collecting-old/ada+lora/lora.ipynb": notebook("ada"), ".collecting-new/in-0/x": ""})
    os.utime(submitted / ".collecting-old", (0, 0))
    (submitted / "ada").mkdir()
    collect(downloads, submitted, LABS)
    assert text_of(submitted, "ada") == "ada"
    assert {path.name for path in submitted.iterdir()} == {"ada", "eve", ".collecting-new"}


def feedback_of(folder: Path, *students: str) -> Path:
    for student in students:
        write(folder / student / "toy", {"toy.html": f"<p>{student}</p>", "timestamp.txt": "t", "helpers.py": ""})
    return folder


def test_feedback_zips_hold_the_page_and_are_reproducible(tmp_path):
    feedback = feedback_of(tmp_path / "feedback", "ada", "Zoë")
    write(feedback / "nobody" / "toy", {"notes.txt": ""})
    paths = feedback_zips(feedback, "toy", tmp_path / "to")
    assert [path.name for path in paths] == ["Zoë_toy_feedback.zip", "ada_toy_feedback.zip"]
    with zipfile.ZipFile(paths[1]) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {"toy.html": b"<p>ada</p>"}
    before = [path.read_bytes() for path in paths]
    at_noon(feedback)
    assert [path.read_bytes() for path in feedback_zips(feedback, "toy", tmp_path / "to")] == before
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == [path.name for path in paths]


def test_feedback_zips_without_pages_or_folder_are_a_sentence(tmp_path):
    with pytest.raises(UserError, match="autograder feedback toy"):
        feedback_zips(tmp_path, "toy", tmp_path / "to")
    feedback_of(tmp_path, "ada")
    with pytest.raises(UserError, match="is a file"):
        feedback_zips(tmp_path, "toy", tmp_path / "ada" / "toy" / "toy.html")


@pytest.fixture
def run(own_toy_lab, monkeypatch: pytest.MonkeyPatch):
    from autograder.cli import SpeakingGroup
    from autograder.cli.archives import COMMANDS

    monkeypatch.setenv("WINNING_TICKET_ROOT", str(own_toy_lab.course.root))
    group = SpeakingGroup("autograder", {command.name: command for command in COMMANDS})
    return lambda *arguments: CliRunner().invoke(group, [str(argument) for argument in arguments])


def test_the_command_prints_a_line_a_student_and_counts(run, place, own_toy_lab):
    downloads, _ = place
    write(downloads, {"ada_toy.ipynb": notebook(), "bob_toy.zip": b"no zip", "toy.ipynb": notebook()})
    result = run("collect-zip", downloads)
    lines = result.output.splitlines()
    assert result.exit_code == 0, result.output
    assert lines[0].startswith("ada toy: collected")
    assert lines[1].startswith("bob toy: refused (bob_toy.zip): bob_toy.zip is no whole zip")
    assert lines[2].startswith("toy.ipynb: refused: Its name does not say whose")
    assert lines[3] == "1 collected, 0 unchanged, 2 refused"
    assert (own_toy_lab.course.root / "build" / "submitted" / "ada" / "toy" / "toy.ipynb").is_file()
    assert "0 collected, 1 unchanged" in run("collect-zip", downloads, "--lab", "toy").output
    (downloads / "ada_toy.ipynb").unlink()
    assert run("collect-zip", downloads).exit_code == 1


def test_the_commands_answer_mistakes_with_sentences(run, tmp_path):
    for arguments in (["collect-zip", tmp_path / "no"], ["collect-zip", tmp_path, "--lab", "toi"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.output.startswith("Error: There is no")
    assert "autograder feedback toy" in run("feedback-zip", "toy", "--to", tmp_path / "to").output


def test_the_command_packs_feedback(run, tmp_path):
    feedback_of(tmp_path / "class" / "feedback", "ada")
    result = run("feedback-zip", "toy", "--to", tmp_path / "to", "--class-folder", tmp_path / "class")
    assert result.output.strip() == str(tmp_path / "to" / "ada_toy_feedback.zip")


@pytest.mark.slow
def test_collected_work_is_graded_and_handed_back(own_toy_lab, place):
    """From a class's zip to a zip of feedback, through real nbgrader."""
    from autograder.bridge.classroom import Classroom
    from autograder.compose import compose, solve

    lab = own_toy_lab
    downloads, _ = place
    teacher = Classroom(lab.course)
    release = nbformat.read(lab.edition / "toy.ipynb", as_version=4)
    right = nbformat.writes(solve(lab, release, {"toy.scale": RIGHT}))
    members = {
        "Zoë Lovelace_1_assignsubmission_file_/toy (1).ipynb": right,
        "Bob_2_assignsubmission_file_/toy.zip": packed(
            {"x/toy.ipynb": right, "x/scratch.ipynb": notebook(), "x/a.py": ""}
        ),
        "Eve_3_assignsubmission_file_/toy.ipynb": nbformat.writes(compose(lab)),
    }
    write(downloads, {"class.zip": packed(members), "joe_toy.ipynb": "{"})
    rows = collect(downloads, teacher.folder / "submitted", ["toy"])
    assert {row.state for row in rows} == {"collected"}
    graded, _ = teacher.grade("toy")
    assert {row.student: row.score for row in graded} == {"Zoë-Lovelace": 4.0, "Bob": 4.0, "Eve": 0.0, "joe": 0.0}
    teacher.feedback("toy")
    paths = feedback_zips(teacher.folder / "feedback", "toy", downloads.parent / "to")
    assert {path.name.partition("_")[0] for path in paths} == {"Zoë-Lovelace", "Bob", "Eve", "joe"}
