"""Read the files of zips and folders that strangers packed: plain files only, bounded, never outside the target."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

MAX_BYTES = 200_000_000
MAX_FILES = 5_000
CHUNK = 1 << 16
CLUTTER = {"__macosx", "__pycache__", "thumbs.db", "desktop.ini"}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NO_TIME = (1980, 1, 1)
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)
DAMAGED = (
    "is no whole zip: it was cut off or damaged on its way, or only its name says zip. "
    "Download it again; if that changes nothing, ask the student for a new one."
)


class Refusal(Exception):
    """Why something cannot be collected, in sentences for the instructor."""


@dataclass(frozen=True)
class Entry:
    """A file in a folder or zip: where, of when, how to open it, and what forbids to."""

    path: PurePosixPath
    time: datetime
    open: Callable[[], IO[bytes]]
    fault: str = ""

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()


@dataclass
class Budget:
    """What one hand-in may still unpack to."""

    bytes: int = field(default_factory=lambda: MAX_BYTES)
    files: int = field(default_factory=lambda: MAX_FILES)

    def take_file(self) -> None:
        self.files -= 1
        if self.files < 0:
            raise Refusal(
                f"It holds more than {MAX_FILES} files, far more than a lab needs. "
                "Ask for the notebook and the files beside it only."
            )

    def take(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise Refusal(
                f"It unpacks to more than {MAX_BYTES // 10**6} MB, as a zip bomb does; unpacking was stopped and "
                "nothing kept. Ask for the notebook without large data."
            )


def shown(name: object) -> str:
    """A stranger's file name, safe to print."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(name))


def is_clutter(path: PurePosixPath) -> bool:
    """Whether only a program needs it: what is hidden, caches, what macOS and Windows add."""
    return any(part.startswith(".") or part.lower() in CLUTTER for part in path.parts)


def folder_entries(top: Path, root: Path) -> Iterator[Entry]:
    """The files of a folder (or `top` itself, if it is one), named from `root`; links are not followed."""
    path = PurePosixPath(*top.relative_to(root).parts)
    if is_clutter(path):
        return
    mode = top.lstat()
    fault = _no_access(top, mode.st_mode, path)
    if stat.S_ISDIR(mode.st_mode) and not fault:
        for child in sorted(top.iterdir()):
            yield from folder_entries(child, root)
        return
    yield Entry(path, datetime.fromtimestamp(mode.st_mtime, UTC), lambda: top.open("rb"), fault)


def _no_access(top: Path, mode: int, path: PurePosixPath) -> str:
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return _not_plain(path)
    if not os.access(top, os.R_OK):
        return f"You have no permission to read {shown(path)}. Give it to yourself and collect again."
    return ""


@contextmanager
def zip_entries(path: Path, name: str) -> Iterator[list[Entry]]:
    """The files of a zip while it is open; raises Refusal if there is no reading it."""
    if path.stat().st_size == 0:
        raise Refusal(f"{shown(name)} is an empty file: nothing arrived. Download it again, or ask for a new one.")
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise Refusal(f"{shown(name)} {_damage(error)}") from None
    with archive:
        zip_time = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        members = (_entry(archive, info, zip_time) for info in archive.infolist())
        entries = [entry for entry in members if entry and (entry.fault or not is_clutter(entry.path))]
        if not entries:
            raise Refusal(f"{shown(name)} is an empty zip. Ask the student to pack the notebook again.")
        yield entries


def extract(entries: Iterable[Entry], to: Path, budget: Budget) -> dict[PurePosixPath, datetime]:
    """Copy entries into a new folder, counting what really comes; returns the files' times."""
    to.mkdir()
    times = {}
    for entry in entries:
        if entry.fault:
            raise Refusal(entry.fault)
        budget.take_file()
        _copy(entry, to / entry.path, budget)
        times[entry.path] = entry.time
    return times


def _copy(entry: Entry, target: Path, budget: Budget) -> None:
    name = shown(entry.path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as source, target.open("xb") as sink:
            while chunk := source.read(CHUNK):
                budget.take(len(chunk))
                sink.write(chunk)
        os.utime(target, (entry.time.timestamp(),) * 2)
    except UNREADABLE:
        raise Refusal(f"{name} cannot be unpacked: the zip around it {DAMAGED}") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise Refusal(f"It holds {name} twice, so which one counts is unclear. Ask for it packed again.") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ):
            raise Refusal(f"{name[:80]} is no name that a file here can have. Ask for it under a short name.") from None
        raise


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, zip_time: datetime) -> Entry | None:
    name = _decoded(info)
    path = PurePosixPath(name)
    fault = _fault(info, name)
    if not fault and (info.is_dir() or not path.parts):
        return None
    return Entry(path, _time(info) or zip_time, lambda: archive.open(info), fault)


def _decoded(info: zipfile.ZipInfo) -> str:
    """The member's name. Without the UTF-8 flag zipfile reads code page 437, but most packers mean UTF-8."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _fault(info: zipfile.ZipInfo, name: str) -> str:
    """Why a member must not be unpacked, or ""."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or re.search(r"(^|/)[A-Za-z]:", name) or "\\" in name or ".." in name.split("/"):
        return (
            f"It holds a file named {shown(name)}, a path that could leave the folder it is unpacked into; "
            "so nothing was unpacked. Ask the student to pack the notebook's folder again."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return f"It holds a file with an unreadable name ({shown(name)}). Ask for it under a plain name."
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return _not_plain(name)
    if info.flag_bits & 0x1:
        return f"{shown(name)} is locked with a password, so nobody can grade it. Ask for a zip without a password."
    if info.compress_type not in METHODS:
        return f"{shown(name)} is packed by a method that is not supported. Ask for an ordinary zip (deflate)."
    return ""


def _not_plain(name: object) -> str:
    return (
        f"{shown(name)} is a link or a device, not a file: what it points to stayed with the student. "
        "Ask for the file itself."
    )


def _damage(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "holds file names in a wrong encoding. Ask for it packed again with plain names."
    return DAMAGED


def _time(info: zipfile.ZipInfo) -> datetime | None:
    """When a member was last changed: its UTC field, else its wall-clock time, taken as local; None if it has none."""
    extra = info.extra
    while len(extra) >= 4:
        key, size = struct.unpack_from("<HH", extra)
        if key == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", extra, 5)[0], UTC)
        extra = extra[4 + size :]
    try:
        return None if info.date_time[:3] == NO_TIME else datetime(*info.date_time).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def same_files(first: Path, second: Path, apart_from: Iterable[str]) -> bool:
    """Whether two folders hold the same files, byte for byte; `apart_from` and clutter do not count."""
    import filecmp

    left, right = (
        {e.path for e in folder_entries(f, f)} - set(map(PurePosixPath, apart_from)) for f in (first, second)
    )
    return left == right and all(filecmp.cmp(os.path.join(first, p), second / p, shallow=False) for p in left)
