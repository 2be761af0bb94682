"""Classes without an exchange: collect what students sent by a learning platform or mail, hand back feedback."""

from __future__ import annotations

import io
import shutil
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from autograder.errors import UserError
from autograder.files import write_whole
from autograder.handins import Handin, choose, is_canvas, is_moodle, named, split, student_id
from autograder.placing import Version, clash, lab_by_metadata, lay_out, place, workshop
from autograder.unpack import Budget, Refusal, extract, folder_entries, is_clutter, same_files, shown, zip_entries

MAX_ZIPS = 2
OTHER_ARCHIVES = (".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz")
COLLECTED, UNCHANGED, REFUSED = "collected", "unchanged", "refused"


@dataclass(frozen=True)
class Collected:
    """What became of one hand-in: `state` is "collected", "unchanged" or "refused", and `note` says why.

    `student` and `lab` are "" where a refused hand-in does not tell; `source` is where it came from.
    """

    student: str
    lab: str
    state: str
    source: str
    note: str = ""


def collect(folder: Path, submitted: Path, labs: Sequence[str], lab: str = "") -> list[Collected]:
    """Collect a class's work from downloaded files into `submitted/<student>/<lab>/`.

    Parameters
    ----------
    folder : Path
        Zips, notebooks and folders by student, or a whole class's zip; or that zip itself. Only read.
    labs : sequence of str
        The course's labs.
    lab : str, optional
        Collect for this lab; a notebook that names another one is refused. Default: as notebooks or names say.

    Raises
    ------
    UserError
        If there is nothing to collect from. What is wrong with one hand-in costs only itself.
    """
    if lab and lab not in labs:
        raise UserError(f"There is no lab named '{lab}'. There are: {', '.join(labs) or 'none'}.")
    items = _items(folder, submitted)
    rows: list[Collected] = []
    versions: list[Version] = []
    with workshop(submitted) as shop:
        for number, handin in enumerate(_handins(items, labs)):
            work = shop / f"in-{number}"
            try:
                versions += _versions(handin, work, labs, lab)
            except (Refusal, OSError) as error:
                rows.append(_refused(handin, error, lab))
                shutil.rmtree(work, ignore_errors=True)
        rows += _settled(versions, submitted)
    return sorted(rows, key=lambda row: (row.student or row.source, row.lab, row.source))


def _items(folder: Path, submitted: Path) -> list[Path]:
    """What in the folder may be work; raises UserError if there is nothing."""
    if not folder.exists():
        raise UserError(f"There is no {folder}. Name the folder that you downloaded the submissions into.")
    inside, outside = folder.resolve(), submitted.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise UserError(
            f"{folder} and {submitted} lie one in the other; the first is only read, the second written. "
            "Put the downloads into a folder of their own."
        )
    found = [folder] if folder.is_file() else sorted(folder.iterdir())
    items = [path for path in found if not is_clutter(PurePosixPath(path.name)) and _may_be_work(path)]
    if not items:
        raise UserError(f"{folder} holds no zip, notebook or folder of a student. Download the submissions into it.")
    return items


def _may_be_work(path: Path) -> bool:
    suffixes = (".zip", ".ipynb", *OTHER_ARCHIVES)
    return path.is_dir() or path.suffix.lower() in suffixes or is_moodle(path.name) or is_canvas(path.name)


def _handins(items: Sequence[Path], labs: Sequence[str]) -> Iterator[Handin]:
    """What each student handed in. A platform's files lie side by side, so they are put together first."""
    moodle = [path for path in items if is_moodle(path.name)]
    canvas = [path for path in items if is_canvas(path.name) and path.is_file() and path not in moodle]
    for group in filter(None, (moodle, canvas)):
        entries = [entry for path in group for entry in folder_entries(path, path.parent)]
        yield from split(group[0].parent.name, entries, labs, 0)
    for path in items:
        if path not in moodle and path not in canvas:
            yield from _of_item(path, labs)


def _of_item(path: Path, labs: Sequence[str]) -> Iterator[Handin]:
    suffix = path.suffix.lower()
    try:
        if suffix in OTHER_ARCHIVES:
            raise Refusal(f"{shown(path.name)} is an archive, but no zip. Unpack it, or ask for a zip.")
        if suffix == ".zip" and path.is_file() and not path.is_symlink():
            with zip_entries(path, path.name) as entries:
                yield from split(path.name, entries, labs, 1)
        else:
            yield from split(path.name, folder_entries(path, path.parent), labs, 0)
    except (Refusal, OSError) as error:
        name, lab = named(path.name.partition(".")[0], labs)
        yield Handin(name, "", lab, path.name, (), fault=_sentence(error))


def _versions(handin: Handin, work: Path, labs: Sequence[str], lab: str) -> list[Version]:
    """Unpack a hand-in and lay it out, once for every lab in it; raises Refusal if it cannot be collected."""
    if handin.fault:
        raise Refusal(handin.fault)
    student = student_id(handin.name)
    name = " ".join(unicodedata.normalize("NFC", handin.name).split())
    work.mkdir()
    root, times = _unpack(handin, work)
    notebooks = {path: lab_by_metadata(root / path, labs) for path in times if path.suffix.lower() == ".ipynb"}
    chosen = choose(notebooks, labs, lab, handin.lab)
    now = datetime.now(UTC)
    versions = []
    for found, path in chosen.items():
        folder = work / f"new-{found}"
        others = set(chosen.values()) - {path}
        taken = lay_out(root, [p for p in times if p not in others], path, folder / f"{found}.ipynb")
        newest = min(now, max(times[p] for p in taken))
        time = min(now, times[path])
        versions.append(Version(student, name, handin.number, found, handin.source, folder, time, newest))
    return versions


def _unpack(handin: Handin, work: Path) -> tuple[Path, dict[PurePosixPath, datetime]]:
    """Unpack a hand-in, and the zip in it if that is all there is; returns the folder and its files' times."""
    budget, zips, root = Budget(), handin.zips, work / "files"
    times = extract(handin.entries, root, budget)
    while not any(path.suffix.lower() == ".ipynb" for path in times):
        inner = [path for path in times if path.suffix.lower() == ".zip"]
        if len(inner) != 1:
            names = ", ".join(sorted(shown(path) for path in times)[:3]) or "nothing"
            raise Refusal(f"It holds no notebook, but {names}. Ask for the file that ends in .ipynb.")
        if zips >= MAX_ZIPS:
            raise Refusal(f"It is a zip in a zip in a zip ({shown(inner[0])}). Ask for the notebook in one zip.")
        zips += 1
        packed, root = root / inner[0], work / f"files-{zips}"
        with zip_entries(packed, packed.name) as entries:
            times = extract(entries, root, budget)
    return root, times


def _settled(versions: Sequence[Version], submitted: Path) -> Iterator[Collected]:
    """Place the newest version of each student's work; clashes are found before anything is placed."""
    clashes = {version.folder: clash(version, versions, submitted) for version in versions}
    works: dict[tuple[str, str], list[Version]] = {}
    for version in versions:
        if clashes[version.folder]:
            yield _row(version, REFUSED, clashes[version.folder])
        else:
            works.setdefault((version.student, version.lab), []).append(version)
    for found in works.values():
        yield _placed(found, submitted)


def _placed(versions: Sequence[Version], submitted: Path) -> Collected:
    newest = max(versions, key=lambda version: version.age)
    rivals = [v for v in versions if v.age == newest.age and not same_files(v.folder, newest.folder, ())]
    try:
        if rivals:
            raise Refusal(
                f"It differs from {shown(rivals[0].source)} and is as old, so which one counts is unclear. Keep one."
            )
        done, note = place(newest, submitted)
    except (Refusal, OSError) as error:
        return _row(newest, REFUSED, _sentence(error))
    return _row(newest, COLLECTED if done else UNCHANGED, note)


def _row(version: Version, state: str, note: str) -> Collected:
    return Collected(version.student, version.lab, state, shown(version.source), note)


def _refused(handin: Handin, error: Exception, lab: str) -> Collected:
    try:
        student = student_id(handin.name)
    except Refusal:
        student = ""
    return Collected(student, lab or handin.lab, REFUSED, shown(handin.source), _sentence(error))


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"It could not be read or written ({error.strerror}). Check the disk and who may read it."
    return str(error)


def feedback_zips(feedback: Path, lab: str, to: Path) -> list[Path]:
    """Pack each student's feedback page into `<student>_<lab>_feedback.zip`; equal pages give equal bytes."""
    pages = [path for path in sorted(feedback.glob(f"*/{lab}/{lab}.html")) if path.is_file()]
    if not pages:
        raise UserError(f"There is no feedback on {lab} in {feedback}. Run `autograder feedback {lab} --keep` first.")
    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is a file. Name a folder for the zips.")
    to.mkdir(parents=True, exist_ok=True)
    return [_feedback_zip(page, to / f"{page.parent.parent.name}_{lab}_feedback.zip") for page in pages]


def _feedback_zip(page: Path, target: Path) -> Path:
    member = zipfile.ZipInfo(page.name, (1980, 1, 1, 0, 0, 0))
    member.create_system, member.external_attr = 3, 0o100644 << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, page.read_bytes(), zipfile.ZIP_DEFLATED)
    write_whole(target, packed.getvalue())
    return target
