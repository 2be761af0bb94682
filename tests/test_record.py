"""Does the record of attempts remember what happened, and does it leave a file alone that it cannot use?"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autograder import record as module
from autograder.errors import UserError
from autograder.record import MIGRATIONS, Record, default_path, record_safely

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "attempts.db")


def fail(record: Record, exercise_id: str, mistake: str = "") -> None:
    record.attempt(exercise_id, passed=False, mistake=mistake, kind="value", seconds=0.1)


def succeed(record: Record, exercise_id: str) -> None:
    record.attempt(exercise_id, passed=True, mistake="", kind="", seconds=0.1)


def raw(path: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def test_a_new_record_is_empty(record: Record) -> None:
    assert record.summary() == {}


def test_attempts_are_counted_by_exercise(record: Record) -> None:
    fail(record, "lora.merge", "Unmerges")
    fail(record, "lora.merge", "ForgetsScale")
    succeed(record, "lora.merge")
    fail(record, "lora.count")
    merge, count = record.summary()["lora.merge"], record.summary()["lora.count"]
    assert (merge.attempts, merge.passed, merge.last_mistake) == (3, True, "ForgetsScale")
    assert (count.attempts, count.passed, count.first_passed_at, count.last_mistake) == (1, False, None, "")


def test_what_an_attempt_was_is_kept_for_later_versions(record: Record) -> None:
    record.attempt("lora.merge", passed=False, mistake="ForgetsScale", kind="value", seconds=1.5, source_hash="abc")
    rows = raw(record.path, "SELECT event, exercise_id, passed, mistake, kind, seconds, source_hash FROM events")
    assert rows == [("attempt", "lora.merge", 0, "ForgetsScale", "value", 1.5, "abc")]


def test_a_later_failure_does_not_take_a_pass_away(record: Record) -> None:
    succeed(record, "lora.merge")
    first = record.summary()["lora.merge"].first_passed_at
    fail(record, "lora.merge")
    succeed(record, "lora.merge")
    assert record.summary()["lora.merge"].passed
    assert record.summary()["lora.merge"].first_passed_at == first


def test_only_a_solution_shown_before_the_first_pass_counts(record: Record) -> None:
    record.reveal("lora.before")
    succeed(record, "lora.before")
    succeed(record, "lora.after")
    record.reveal("lora.after")
    record.reveal("lora.never_passed")
    standings = record.summary()
    assert standings["lora.before"].revealed
    assert not standings["lora.after"].revealed
    assert standings["lora.never_passed"].revealed
    assert standings["lora.never_passed"].attempts == 0


def test_reveal_and_pass_keep_their_order_when_the_clock_runs_backwards(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(["2030-01-02T00:00:00+00:00", "2030-01-01T00:00:00+00:00"])
    monkeypatch.setattr(module, "_now", lambda: next(times))
    record.reveal("lora.merge")
    succeed(record, "lora.merge")
    assert record.summary()["lora.merge"].revealed


def test_hints_are_the_highest_level_seen(record: Record) -> None:
    for level in (1, 2, 1):
        record.hint("lora.merge", level)
    assert record.summary()["lora.merge"].hints == 2


def test_times_are_utc_and_iso(record: Record) -> None:
    succeed(record, "lora.merge")
    standing = record.summary()["lora.merge"]
    assert standing.first_passed_at == standing.last_at
    assert datetime.fromisoformat(standing.last_at).utcoffset() == timedelta(0)


def test_the_folder_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNING_TICKET_HOME", str(tmp_path / "deep" / "folder"))
    succeed(Record(), "lora.merge")
    assert default_path() == tmp_path / "deep" / "folder" / "attempts.db"
    assert default_path().is_file()


def test_without_the_variable_it_lies_with_the_users_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINNING_TICKET_HOME", raising=False)
    assert "winning-ticket" in default_path().parts


def test_the_version_is_in_the_file(record: Record) -> None:
    assert raw(record.path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_an_older_record_is_brought_up_to_date_with_its_rows(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(record, "lora.merge")
    later = (*MIGRATIONS, ("ALTER TABLE events ADD COLUMN note TEXT", "CREATE TABLE reviews (id INTEGER)"))
    monkeypatch.setattr(module, "MIGRATIONS", later)
    assert Record(record.path).summary()["lora.merge"].passed
    assert raw(record.path, "PRAGMA user_version") == [(2,)]
    assert raw(record.path, "SELECT note FROM events") == [(None,)]


def test_a_migration_that_fails_half_way_leaves_the_old_record(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(record, "lora.merge")
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", (*MIGRATIONS, ("CREATE TABLE reviews (id INTEGER)", "NO SQL AT ALL")))
        with pytest.raises(UserError):
            Record(record.path)
    assert Record(record.path).summary()["lora.merge"].passed
    assert raw(record.path, "SELECT name FROM sqlite_master WHERE name = 'reviews'") == []


def spoil(path: Path, how: str) -> None:
    if how == "not a database":
        path.write_bytes(b"this is a shopping list, " * 200)
    elif how == "overwritten in the middle":
        content = bytearray(path.read_bytes())
        content[100:] = b"\xa5" * len(content[100:])
        path.write_bytes(bytes(content))
    elif how == "newer version":
        raw(path, "PRAGMA user_version = 99")
    elif how == "another program's database":
        path.unlink()
        raw(path, "CREATE TABLE bookmarks (url TEXT)")


@pytest.mark.parametrize(
    "how", ["not a database", "overwritten in the middle", "newer version", "another program's database"]
)
def test_a_file_that_cannot_be_used_is_left_as_it_is(record: Record, how: str) -> None:
    succeed(record, "lora.merge")
    spoil(record.path, how)
    before = record.path.read_bytes()
    with pytest.raises(UserError, match=r"attempts\.db"):
        succeed(Record(record.path), "lora.merge")
    with pytest.raises(UserError, match=r"attempts\.db"):
        Record(record.path).summary()
    assert record.path.read_bytes() == before


def test_a_record_held_by_another_program_is_a_sentence(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(record.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="another program"):
            succeed(record, "lora.merge")
    succeed(record, "lora.merge")
    assert record.summary()["lora.merge"].attempts == 1


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="WINNING_TICKET_HOME"):
        Record(tmp_path / "file" / "attempts.db")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_read_only_record_can_be_read_but_not_written(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed(record, "lora.merge")
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"{Path(path).as_uri()}?mode=ro", uri=True, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert Record(record.path).summary()["lora.merge"].passed
    with pytest.raises(UserError, match="writable"):
        fail(record, "lora.merge")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root (and Windows) write in read-only folders"
)
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="writable"):
        Record(tmp_path / "attempts.db")
    tmp_path.chmod(0o700)


def test_recording_safely_warns_instead_of_raising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNING_TICKET_HOME", str(tmp_path))
    assert record_safely(lambda record: succeed(record, "lora.merge")) == ""
    assert Record().summary()["lora.merge"].passed
    default_path().write_bytes(b"no database" * 100)
    assert "attempts.db" in record_safely(lambda record: succeed(record, "lora.merge"))
    monkeypatch.setattr(module, "Record", lambda: 1 / 0)
    assert "ZeroDivisionError" in record_safely(lambda record: succeed(record, "lora.merge"))


def test_two_processes_create_and_write_the_same_records(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from autograder.record import Record\n"
        "print(flush=True); sys.stdin.readline()\n"
        "for i in range(60):\n"
        "    record = Record(Path(sys.argv[1]) / f'{i // 6}.db')\n"
        "    record.attempt(sys.argv[2], passed=i % 6 == 5, mistake='', kind='value', seconds=0.0)\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [subprocess.Popen([*command, name], env=environment, **options) for name in ("lab.one", "lab.other")]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0]
    for path in tmp_path.glob("*.db"):
        standings = Record(path).summary()
        assert {name: standing.attempts for name, standing in standings.items()} == {"lab.one": 6, "lab.other": 6}
        assert all(standing.passed for standing in standings.values())


def test_whoever_comes_second_waits_for_the_first_to_create_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, main, calls = tmp_path / "attempts.db", threading.get_ident(), iter(range(9))
    version = module._version
    second = threading.Thread(target=Record, args=(path,))

    def interrupted(*arguments: object) -> int:
        found = version(*arguments)
        if threading.get_ident() == main and next(calls) == 1:
            second.start()
            second.join(0.2)
        return found

    monkeypatch.setattr(module, "_version", interrupted)
    succeed(Record(path), "lora.merge")
    second.join(10)
    assert not second.is_alive()
    assert Record(path).summary()["lora.merge"].passed


def test_importing_the_record_stays_light() -> None:
    code = "import sys, autograder.record; print([m for m in ('torch', 'nbformat', 'numpy') if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert shown.stdout.strip() == "[]"
