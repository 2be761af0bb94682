"""Look at the machine for what would keep the course from running, and say what to do about it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autograder import wall
from autograder.record import default_path

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHONS = ("3.11", "3.12", "3.13")
GIB, FREE_GIB = 2**30, 2
SERVER_PARTS = [
    f"nbgrader.server_extensions.{part}" for part in ("validate_assignment", "assignment_list", "formgrader")
]
INSTALL = "In the course's folder run make .venv and work from .venv, or run: pip install -e ."


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` is a sentence when the status is not "ok"."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    advice: str = ""


def findings(course_root: Path | None) -> list[Finding]:
    """Look at everything; `course_root` is the folder that holds course/ (None: there is none)."""
    clone = course_root if course_root and (course_root / "pyproject.toml").is_file() else None
    work = (clone or Path.cwd()) / "work"
    found = [python_version(), *packages(course_root), torch_build()]
    # Where these two are missing, `packages` has said so.
    if importlib.util.find_spec("jupyter_core"):
        found += [kernel(), nbgrader_extensions()]
    found += [bubblewrap(), git(), free_space(work), writable("work folder", work)]
    if importlib.util.find_spec("platformdirs"):
        found.append(writable("record of attempts", default_path().parent))
    return found


def exit_status(found: Sequence[Finding]) -> int:
    """1 if anything fails, else 0: warnings do not keep anybody from working."""
    return int(any(finding.status == "fail" for finding in found))


def python_version() -> Finding:
    version = "{}.{}.{}".format(*sys.version_info)
    if version.rpartition(".")[0] in PYTHONS:
        return Finding("Python", "ok", f"{version} at {sys.executable}")
    advice = f"Make the environment with Python {PYTHONS[0]} or one up to {PYTHONS[-1]}."
    return Finding("Python", "fail", f"{version} is not among {', '.join(PYTHONS)}", advice)


def packages(course_root: Path | None) -> Iterator[Finding]:
    """Compare what is installed with the ranges that are required and, in a clone, with the lock."""
    try:
        wanted = _requirements(course_root)
    except ImportError:
        yield Finding("packages", "fail", "neither the course nor packaging is installed", INSTALL)
        return
    if problems := _unmet(wanted):
        yield Finding("packages", "fail", _listed(problems), INSTALL)
    else:
        yield Finding("packages", "ok", f"all {len(wanted)} are here, in the versions that are asked for")
    if course_root and (lock := course_root / "requirements.lock").is_file():
        yield _as_locked(lock)


def _requirements(course_root: Path | None) -> list[Requirement]:
    """The course's own requirements: those of its pyproject.toml in a clone, else the installed ones."""
    if course_root and (project := course_root / "pyproject.toml").is_file():
        return _parsed(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"])
    return _parsed(metadata.requires("winning-ticket") or [])


def _parsed(lines: Sequence[str]) -> list[Requirement]:
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]


def _unmet(wanted: Sequence[Requirement]) -> list[str]:
    problems = []
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
            if not requirement.specifier.contains(version, prereleases=True):
                problems.append(f"{requirement.name} is {version}, not {requirement.specifier}")
        except metadata.PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
    return problems


def _as_locked(lock: Path) -> Finding:
    locked = _parsed(lock.read_text(encoding="utf-8").splitlines())
    if problems := _unmet(locked):
        advice = "For the versions that the course was tested with, run make .venv and work from .venv."
        return Finding("locked versions", "warn", _listed(problems), advice)
    return Finding("locked versions", "ok", f"all {len(locked)} as in {lock.name}")


def _listed(items: Sequence[str], most: int = 6) -> str:
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")


def torch_build() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken binary raises other things than ImportError
        return Finding("torch", "fail", f"does not import: {error}", INSTALL)
    about = f"{torch.__version__}, {f'CUDA {torch.version.cuda}' if torch.version.cuda else 'CPU'} build"
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        usable = torch.cuda.is_available()
    if usable:
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        cards_text = _listed([f"{card.name} with {card.total_memory / GIB:.0f} GiB" for card in cards])
        return Finding("torch", "ok", f"{about}; {cards_text}")
    if complaints:
        advice = "Update the GPU's driver or install a torch that fits it; until then everything runs on the CPU."
        return Finding("torch", "warn", f"{about}; {complaints[0].message}", advice)
    return Finding("torch", "ok", f"{about}; no CUDA GPU, and nothing in the course needs one")


def kernel() -> Finding:
    """Whether notebooks find the kernel python3 and it runs this Python."""
    from jupyter_core.paths import jupyter_path

    name, install = "Jupyter kernel", f'"{sys.executable}" -m ipykernel install --sys-prefix'
    spec = next((s for s in map(Path, jupyter_path("kernels", "python3", "kernel.json")) if s.is_file()), None)
    if spec is None:
        return Finding(name, "fail", "there is no kernel named python3", f"Run: {install}")
    command = _command(spec)
    found, advice = shutil.which(command), f"Delete the folder {spec.parent}, then run: {install}"
    if not found:
        return Finding(name, "fail", f"{spec} starts {command or 'nothing'}, which is not there", advice)
    if Path(found).parent != Path(sys.executable).parent:
        return Finding(name, "warn", f"{spec} starts another Python, {found}", advice)
    return Finding(name, "ok", f"python3 starts {found}")


def _command(spec: Path) -> str:
    argv = _json(spec).get("argv")
    command = str(argv[0]) if isinstance(argv, list) and argv else ""
    # Jupyter itself reads these three names as "the Python that I run in".
    ours = ("python", "python3", "python{}.{}".format(*sys.version_info))
    return sys.executable if command in ours else command


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def nbgrader_extensions() -> Finding:
    """Whether JupyterLab shows nbgrader's menu, read from Jupyter's own settings."""
    from jupyter_core.paths import jupyter_path

    name, run = "nbgrader in JupyterLab", f'Run: "{sys.executable}" -m jupyter'
    if not any(Path(file).is_file() for file in jupyter_path("labextensions", "@jupyter", "nbgrader", "package.json")):
        return Finding(name, "warn", "its part for the browser is not installed", INSTALL)
    enabled = _settings("jupyter_server_config").get("ServerApp", {}).get("jpserver_extensions", {})
    if off := [part for part in SERVER_PARTS if not enabled.get(part)]:
        advice = f"{run} server extension enable --sys-prefix {' '.join(off)}"
        return Finding(name, "warn", f"the server leaves out {', '.join(off)}", advice)
    disabled = _settings("labconfig/page_config").get("disabledExtensions", {})
    disabled = dict.fromkeys(disabled, True) if isinstance(disabled, list) else disabled
    if off := [key for key in disabled if key.startswith("@jupyter/nbgrader") and disabled[key]]:
        return Finding(name, "warn", f"switched off: {', '.join(off)}", f"{run} labextension enable {off[0]}")
    return Finding(name, "ok", "its menu is installed and switched on")


def _settings(section: str) -> dict[str, Any]:
    """Jupyter's settings of one section, from all its folders, the weightiest last."""
    from jupyter_core.paths import jupyter_config_path
    from traitlets.config.manager import recursive_update

    merged: dict[str, Any] = {}
    for folder in reversed(jupyter_config_path()):
        for file in (*sorted(Path(folder, f"{section}.d").glob("*.json")), Path(folder, f"{section}.json")):
            recursive_update(merged, _json(file))
    return merged


def bubblewrap() -> Finding:
    """Whether a sandbox can be put around students' code; only grading a class needs one."""
    if not (why := wall.missing()):
        return Finding("bubblewrap", "ok", "works: it can build a sandbox for students' code")
    if not sys.platform.startswith("linux"):
        advice = "Grade classes on a Linux machine; everything that a learner does works here."
    elif not shutil.which(wall.BWRAP):
        advice = "Before grading a class, install it; on Debian or Ubuntu, as root: apt-get install bubblewrap"
    else:
        advice = (
            "Before grading a class, allow user namespaces here: in a container by its security options; "
            "on Ubuntu 24.04 by a profile for bwrap, or sysctl kernel.apparmor_restrict_unprivileged_userns=0."
        )
    return Finding("bubblewrap", "warn", why, advice)


def git() -> Finding:
    if found := shutil.which("git"):
        return Finding("git", "ok", found)
    advice = "To fetch new versions of the course, install it; on Debian or Ubuntu, as root: apt-get install git"
    return Finding("git", "warn", "not installed", advice)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_space(folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free / GIB
    if free < FREE_GIB:
        advice = f"Make room on the disk of {folder}: labs write checkpoints, and {FREE_GIB} GiB should be free."
        return Finding("free space", "warn", f"{free:.1f} GiB", advice)
    return Finding("free space", "ok", f"{free:.0f} GiB")


def writable(name: str, folder: Path) -> Finding:
    """Whether files can be made in a folder or, while it is not there, in the one above it."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding(name, "ok", str(folder))
    except OSError as error:
        advice = f"Make {place} a folder that you may write to, or work as the user who may."
        return Finding(name, "fail", f"{folder} cannot be written: {error.strerror or error}", advice)
