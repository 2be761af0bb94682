"""Grade one submission as a job that any process of any machine with the course can do."""

from __future__ import annotations

import atexit
import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder import gpu
from autograder.bridge.submission import (
    parse_submission,
    read_release,
    reassemble,
    unreadable_reason,
    unreadable_release,
)
from autograder.bridge.verdicts import steps_of, write_verdicts
from autograder.course import Course, Lab
from autograder.errors import UserError
from autograder.expect import hidden_expectations
from autograder.grade import Graded, Grader
from autograder.limits import Limits
from autograder.peer import Peer, start_subprocess
from autograder.secret import secret_of
from autograder.version import lab_version
from autograder.warm import ParentFailed, WarmParent, parent_of


@dataclass(frozen=True)
class Setting:
    """Under what a lab is graded; the same for all submissions of a run.

    `version` is the lab's, by which a process notices that files have changed; `gpu_slots` is how
    many submissions may share a GPU, 0 where the lab asks for none.
    """

    course_root: str
    lab: str
    version: str
    secret: str
    limits: Limits
    wall: bool = True
    gpu_slots: int = 0


def setting_of(
    lab: Lab,
    secrets_folder: Path,
    wall: bool = True,
    limits: Mapping[str, float] | None = None,
    gpu_slots: int = gpu.SLOTS,
) -> Setting:
    """The setting of a lab in a class; `limits` win over its front matter."""
    slots = gpu_slots if gpu.asked_for(lab) else 0
    secret = secret_of(secrets_folder, lab.name)
    return Setting(str(lab.course.root), lab.name, lab_version(lab), secret, Limits.of(lab, limits), wall, slots)


@dataclass(frozen=True)
class Job:
    setting: Setting
    student: str
    notebook: bytes
    files: dict[str, bytes]


def grade_job(job: Job) -> dict[str, Any]:
    """Grade a submission; returns JSON: the graded notebook, seconds in all and by exercise."""
    started = time.monotonic()
    notebook = assemble(job)
    found = grading(job.setting).grade(notebook, job.files)
    notebook.metadata.winning_ticket["wall"] = job.setting.wall
    seconds = {name: round(value, 4) for name, value in found.seconds.items()}
    return {
        "notebook": nbformat.v4.writes(notebook),
        "seconds": round(time.monotonic() - started, 4),
        "by_exercise": seconds,
    }


def assemble(job: Job) -> NotebookNode:
    """A submission on the release's frame; one that cannot be read becomes the release with a note."""
    release = read_release(Course.at(Path(job.setting.course_root)).labs_folder, job.setting.lab)
    try:
        submitted = parse_submission(f"{job.setting.lab}.ipynb", job.notebook)
    except ValueError as error:
        return unreadable_release(release, str(error))
    release.cells = reassemble(submitted.cells, release.cells)
    return release


class Grading:
    """A process's means to grade one lab under one setting: its grader and its warm parent."""

    def __init__(self, setting: Setting) -> None:
        self._lab = Course.at(Path(setting.course_root)).lab(setting.lab)
        if lab_version(self._lab) != setting.version:
            raise UserError(
                f"The course in {setting.course_root} is another one here than where grading was started, or has "
                "changed since. Bring it up to date, start the workers again, and run the command again."
            )
        hidden_expectations.cache_clear()  # they may be those of an earlier version
        self._slots = setting.gpu_slots if gpu.devices() else 0
        self._parent = parent_of(self._lab, bool(self._slots)) if setting.wall else None
        self._grader = Grader(self._lab, setting.secret, setting.limits)
        self._lock = Lock()

    def prepare(self) -> None:
        """Do now what the first submission would wait for; forks of this process share it."""
        self._grader.prepare()
        if not self._parent:
            return
        try:
            self._parent.wait_until_ready()
        except ParentFailed:  # perhaps it was killed from outside
            self._new_parent(self._parent).wait_until_ready()

    def grade(self, notebook: NotebookNode, files: dict[str, bytes]) -> Graded:
        """Grade an assembled notebook in place.

        One that ran out of memory on a GPU that others shared is graded again with the GPU to itself.
        """
        if reason := unreadable_reason(notebook):
            graded = self._grader.grade_nothing(reason)
        elif not self._slots:
            graded = self._run(notebook, files, "")
        else:
            with gpu.slot(self._slots) as device:
                graded = self._run(notebook, files, device)
            if self._slots > 1 and graded.ran_out_of_memory:
                with gpu.slot(self._slots, alone=True) as device:
                    graded = self._run(notebook, files, device)
        write_verdicts(notebook, graded)
        return graded

    def _run(self, notebook: NotebookNode, files: dict[str, bytes], device: str) -> Graded:
        steps, start = steps_of(notebook, self._lab), partial(self._start, device)
        try:
            return self._grader.grade(steps, files, start)
        except ParentFailed:  # killed from outside, which is not the submission's doing
            return self._grader.grade(steps, files, start)

    def _start(self, device: str, lab: Lab, limits: Limits) -> Peer:
        if self._parent is None:
            return start_subprocess(lab, limits)
        try:
            return self._parent.start(limits, device)
        except ParentFailed:
            return self._new_parent(self._parent).start(limits, device)

    def _new_parent(self, failed: WarmParent) -> WarmParent:
        with self._lock:
            if self._parent is failed:
                failed.close()
                self._parent = WarmParent(self._lab, bool(self._slots))
            assert self._parent is not None
            return self._parent

    def close(self) -> None:
        if self._parent:
            self._parent.close()


_kept: dict[Setting, Grading] = {}
_kept_lock = Lock()


def grading(setting: Setting) -> Grading:
    """This process's means for a setting; those for another one are given up, for they hold memory."""
    with _kept_lock:
        if setting not in _kept:
            _close_all()
            _kept[setting] = Grading(setting)
        return _kept[setting]


def close_gradings() -> None:
    """Give up this process's means to grade."""
    with _kept_lock:
        _close_all()


atexit.register(close_gradings)


def _close_all() -> None:
    while _kept:
        _kept.popitem()[1].close()


def key_of(setting: Setting, digest: str) -> str:
    """The hash of all that a verdict depends on: the submission with this digest, and the setting."""
    about = dataclasses.asdict(setting) | {"submission": digest, "gpu_slots": bool(setting.gpu_slots)}
    del about["course_root"]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
