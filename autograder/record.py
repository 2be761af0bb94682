"""The learner's own record of attempts, hints and revealed solutions. It stays on their machine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from autograder.errors import UserError

HOME_VARIABLE = "WINNING_TICKET_HOME"
BUSY_SECONDS = 5.0

# One log, so that the order of events is the order of ids, whatever the clock did.
# A released migration is never edited: the next one is added below it.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            event TEXT NOT NULL,
            exercise_id TEXT NOT NULL,
            passed INTEGER,
            mistake TEXT NOT NULL DEFAULT '',
            kind TEXT NOT NULL DEFAULT '',
            seconds REAL,
            source_hash TEXT NOT NULL DEFAULT '',
            level INTEGER
        )""",
    ),
)


@dataclass(frozen=True)
class Standing:
    """Where the learner stands with one exercise.

    `revealed` says that the solution was shown before the first pass, `hints` is the highest
    hint seen, `last_mistake` the latest mistake that was recognised by name. Times are UTC, ISO 8601.
    """

    exercise_id: str
    attempts: int
    passed: bool
    first_passed_at: str | None
    revealed: bool
    hints: int
    last_at: str
    last_mistake: str


def default_path() -> Path:
    """Where the record lies: in WINNING_TICKET_HOME, else where the system keeps a user's data."""
    from platformdirs import user_data_dir

    named = os.environ.get(HOME_VARIABLE)
    folder = Path(named).expanduser() if named else Path(user_data_dir("winning-ticket", appauthor=False))
    return folder / "attempts.db"


class Record:
    """The record in one file, which several notebooks may write at the same time.

    Parameters
    ----------
    path : Path, optional
        The file; by default `default_path()`. It is created when it is not there.

    Raises
    ------
    UserError
        Here and in every method, if the file is damaged, locked, not writable, of a newer version
        or no record at all. It is then left exactly as it was.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        with _connected(self.path) as connection:
            _migrate(connection, self.path)

    def attempt(
        self, exercise_id: str, passed: bool, mistake: str, kind: str, seconds: float, source_hash: str = ""
    ) -> None:
        """Record one check: how it went, the named mistake ("" for none) and the kind of finding."""
        with _connected(self.path) as connection:
            connection.execute(
                "INSERT INTO events (at, event, exercise_id, passed, mistake, kind, seconds, source_hash)"
                " VALUES (?, 'attempt', ?, ?, ?, ?, ?, ?)",
                (_now(), exercise_id, bool(passed), mistake, kind, float(seconds), source_hash),
            )

    def reveal(self, exercise_id: str) -> None:
        """Record that the solution was shown."""
        with _connected(self.path) as connection:
            connection.execute(
                "INSERT INTO events (at, event, exercise_id) VALUES (?, 'reveal', ?)", (_now(), exercise_id)
            )

    def hint(self, exercise_id: str, level: int) -> None:
        """Record that a hint was shown."""
        with _connected(self.path) as connection:
            connection.execute(
                "INSERT INTO events (at, event, exercise_id, level) VALUES (?, 'hint', ?, ?)",
                (_now(), exercise_id, int(level)),
            )

    def summary(self) -> dict[str, Standing]:
        """Where the learner stands with every exercise that was ever touched."""
        with _connected(self.path) as connection:
            connection.row_factory = sqlite3.Row
            events = connection.execute("SELECT * FROM events ORDER BY exercise_id, id").fetchall()
        groups = groupby(events, key=lambda event: str(event["exercise_id"]))
        return {exercise_id: _standing(exercise_id, list(group)) for exercise_id, group in groups}


def record_safely(write: Callable[[Record], object]) -> str:
    """Write into the learner's record, never raising: returns "" or a sentence of warning."""
    try:
        write(Record())
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return f"This was not recorded. {reason}"
    return ""


def _standing(exercise_id: str, events: list[sqlite3.Row]) -> Standing:
    attempts = [event for event in events if event["event"] == "attempt"]
    first = next((event for event in attempts if event["passed"]), None)
    reveals = [event["id"] for event in events if event["event"] == "reveal"]
    return Standing(
        exercise_id=exercise_id,
        attempts=len(attempts),
        passed=first is not None,
        first_passed_at=first["at"] if first else None,
        revealed=any(first is None or reveal < first["id"] for reveal in reveals),
        hints=max((event["level"] for event in events if event["event"] == "hint"), default=0),
        last_at=events[-1]["at"],
        last_mistake=next((event["mistake"] for event in reversed(attempts) if event["mistake"]), ""),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # No WAL: it does not work on the network file systems where many course servers keep homes.
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise UserError(_explanation(path, error)) from error


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == len(MIGRATIONS):
        return
    # A second process waits at this line, and then finds nothing left to do.
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection, path)
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise UserError(
            f"{path} is a database of another program, so it was left alone and nothing is recorded. "
            f"Move it elsewhere, or set {HOME_VARIABLE} to another folder."
        )
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise UserError(
            f"The record of your attempts ({path}) was written by a newer Winning Ticket (version {version} of the "
            f"file; this one knows {len(MIGRATIONS)}), so it was left alone. "
            f"Update with `pip install --upgrade winning-ticket`, or set {HOME_VARIABLE} to another folder."
        )
    return version


def _explanation(path: Path, error: Exception) -> str:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return (
            f"The record of your attempts ({path}) is held by another program ({error}). "
            "Nothing is lost: close what is reading it and try again."
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return (
            f"The record of your attempts ({path}) is damaged ({error}). It was left as it is, and your notebooks "
            "are not affected, but nothing can be recorded. Move the file elsewhere and a new record begins."
        )
    return (
        f"The record of your attempts ({path}) cannot be opened or written ({error}). Checks work without it, but "
        f"progress is not remembered. Make the file and its folder writable, or set {HOME_VARIABLE} to another folder."
    )
