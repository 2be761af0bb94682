"""The wall around student code: what a process inside it sees of this machine.

bubblewrap builds it: no network, own process, ipc and mount namespaces, and a read-only file system
that holds the interpreter, its packages and the lab's public files. Inside it stands a warm parent,
which runs only our code; `spaces` puts each of its forks into namespaces of its own, as nobody and
without a capability, before it meets the student's.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from autograder.errors import UserError
from autograder.preload import ONE_THREAD

BWRAP = "bwrap"
# What the parent, which runs only our code, makes its forks' namespaces with; they keep none.
_PARENTS_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID")
COURSE_INSIDE = Path("/winning-ticket")
STAGE = "/stage"
CACHE = "/cache"
NOBODY = 65534
# Of the file system's standard places, those that programs and libraries are loaded from.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
FILES = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/alternatives",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",  # by which the C library learns that it may ask for large pages
)
_PLACES = ("/etc", "/sys", "/sys/devices", "/sys/devices/system", "/sys/kernel", "/sys/kernel/mm")
GPU_FILES = ("/sys/bus/pci", "/sys/devices", "/sys/module/nvidia", "/etc/ld.so.conf.d", "/usr/local/nvidia")
PASSWD = Path(__file__).resolve().parent / "templates" / "passwd"
PROBE_SECONDS = 20.0
NO_WALL = (
    "Grading needs a sandbox around students' code, and {why}. `autograder doctor` says how to get it. "
    "To grade without one people whom you trust with your account, say --no-wall."
)


def missing() -> str:
    """Why no wall can be built here, or ""."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap, which builds it, exists on Linux only"
    if not shutil.which(BWRAP):
        return "bubblewrap, which builds it, is not installed"
    if os.geteuid() == 0 and not _nobody_exists():
        return (
            f"root has no user {NOBODY} (nobody) here, whom students' code runs as: this container or namespace "
            "maps too few users. Grade as an ordinary user, or start the container with a range of 65536"
        )
    probe = [BWRAP, *_namespaces(), *_links_and_folders(), "--die-with-parent", "--proc", "/proc", "true"]
    run_probe = partial(subprocess.run, probe, capture_output=True, text=True, timeout=PROBE_SECONDS)
    try:
        done = run_probe()
        if not 0 <= done.returncode < 128:  # it or its child was killed, which says nothing about the next one
            done = run_probe()
    except subprocess.TimeoutExpired:
        return f"bubblewrap can build none here (it was not done within {PROBE_SECONDS:g} seconds)"
    except OSError as error:
        return f"bubblewrap can build none here ({error})"
    said = done.stderr.strip() or f"it ended with {done.returncode}"
    return f"bubblewrap can build none here ({said})" if done.returncode else ""


def _nobody_exists() -> bool:
    ranges = (map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(first <= NOBODY < first + count for first, _, count in ranges)


def need() -> None:
    """Raise UserError when no wall can be built."""
    if why := missing():
        raise UserError(NO_WALL.format(why=why))


def command(course_root: Path, program: list[str], gpu: bool = False) -> list[str]:
    """The command line that runs `program` behind the wall.

    Parameters
    ----------
    course_root : Path
        The folder that holds `course/`, which appears as `COURSE_INSIDE / "course"`.
    gpu : bool
        Whether NVIDIA's device files are let in.
    """
    line = [BWRAP, *_namespaces(), *_links_and_folders(), *_environment()]
    binds = {place: place for place in _python_places(course_root)}
    binds |= {COURSE_INSIDE / "course": course_root / "course", Path("/etc/passwd"): PASSWD}
    for inside, place in binds.items():
        _need_readable(place)
        # Made by name: those that bubblewrap makes on its own way are closed to the student.
        for folder in [*reversed(inside.parents)][1:]:
            line += ["--dir", str(folder)]
        line += ["--ro-bind", str(place), str(inside)]
    line += ["--dir", STAGE, "--dir", "/tmp", "--tmpfs", CACHE, "--proc", "/proc", "--dev", "/dev"]
    line += _gpu_files() if gpu else []
    line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    return [*line, "--", *program]


def _need_readable(place: Path) -> None:
    needed = 0o005 if place.is_dir() else 0o004
    if os.geteuid() == 0 and place.stat().st_mode & needed != needed:
        raise UserError(
            f"Students' code runs as the user nobody, who may not read {place}. Run: chmod -R go+rX {place}"
        )


def _namespaces() -> list[str]:
    spaces = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--hostname", "grading"]
    keep = [part for name in _PARENTS_CAPABILITIES for part in ("--cap-add", name)]
    # Run by root without a user namespace here, so that the parent can give its forks another user:
    # limits on processes do not bind root, in whatever namespace.
    users = [] if os.geteuid() == 0 else ["--unshare-user"]
    return [*users, *spaces, "--cap-drop", "ALL", *keep]


def _links_and_folders() -> list[str]:
    line = [part for name in _PLACES for part in ("--dir", name)]
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            line += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            line += ["--ro-bind", str(place), str(place)]
    for name in FILES:
        line += ["--ro-bind-try", name, name]
    return line


def _environment() -> list[str]:
    """Of this process's environment nothing goes in but the language and what torch's speed hangs on."""
    kept = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    variables |= {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": "/tmp", **ONE_THREAD}
    # Large pages make a fork of the parent five times cheaper.
    variables |= {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    variables |= {"WINNING_TICKET_ROOT": str(COURSE_INSIDE), "PYTHONPATH": ":".join(_search_path())}
    variables |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    variables |= {"MPLCONFIGDIR": f"{CACHE}/matplotlib", "TMPDIR": CACHE}
    return ["--clearenv", *(part for name, value in variables.items() for part in ("--setenv", name, value))]


def _packages() -> list[Path]:
    """The folders of the engine and of the course's public code, wherever they are installed."""
    found = [Path(__file__).resolve().parent]
    course = importlib.util.find_spec("course")
    return found + [Path(place).resolve() for place in (course.submodule_search_locations or [] if course else [])]


def _search_path() -> list[str]:
    """Where the interpreter inside would not look by itself."""
    elsewhere = [place for place in _installed() if not place.is_relative_to(sys.prefix)]
    return [str(place) for place in (*sorted({package.parent for package in _packages()}), *elsewhere)]


def _installed() -> list[Path]:
    folders = [Path(entry) for entry in sys.path if {"site-packages", "dist-packages"} & set(Path(entry).parts)]
    return [folder for folder in folders if folder.is_dir()]


def _python_places(course_root: Path) -> list[Path]:
    """Folders of the interpreter and of installed packages, outermost first; none holds what is secret."""
    secret = [course_root.resolve(), Path.home().resolve()]
    wanted = [Path(sys.prefix), Path(sys.base_prefix), *_installed()]
    places = {*wanted, *(place.resolve() for place in wanted)}
    # Also of the packages: a folder where the command is run may be taken for one, by its name.
    public = [p for p in (*places, *_packages()) if not any(s == p or s.is_relative_to(p) for s in secret)]
    chosen: list[Path] = []
    for place in sorted(public, key=lambda path: len(path.parts)):
        if not any(place.is_relative_to(outer) for outer in [*chosen, Path("/usr")]):
            chosen.append(place)
    return chosen


def _gpu_files() -> list[str]:
    line: list[str] = []
    for device in sorted(Path("/dev").glob("nvidia*")):
        line += ["--dev-bind", str(device), str(device)]
    for name in GPU_FILES:
        line += ["--ro-bind-try", name, name]
    return line
