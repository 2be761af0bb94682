"""Put a fork of the parent into namespaces, limits and files of its own; runs inside the wall.

Linux system calls that Python does not offer are made through the C library. Sources: the manual
pages namespaces(7), user_namespaces(7), pid_namespaces(7), capabilities(7), getrlimit(2), mount(2).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import resource
import shutil
import signal
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from autograder.limits import MIB, Limits
from autograder.wall import CACHE, NOBODY, STAGE

STUDENT = 1000
FIRST = 2  # the student's process in its own space, after the keeper
_CLONE = {"x86_64": 56, "aarch64": 220}
_NEW_SPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_RDONLY, _MS_REMOUNT = 2, 4, 1, 32
_MS_BIND, _MS_MOVE, _MS_REC = 4096, 8192, 16384
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_PROC_KEPT = ("cpuinfo", "meminfo", "stat", "version", "filesystems", "devices", "driver")

# The GIL stays held around these calls: a new process must come back into the interpreter it left.
_libc = ctypes.PyDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def clone_into_new_spaces() -> int:
    """Fork into new mount, cgroup, uts, ipc, user, pid and network namespaces; like os.fork."""
    number = _CLONE.get(platform.machine())
    if number is None:
        raise OSError(f"grading behind the wall knows {', '.join(_CLONE)} processors, not {platform.machine()}")
    flags = ctypes.c_ulong(_NEW_SPACES | signal.SIGCHLD)
    zero = ctypes.c_ulong(0)
    return _checked(_libc.syscall(ctypes.c_long(number), flags, zero, zero, zero, zero), "clone")


def give_identity(pid: int) -> None:
    """Map the student's user and group in `pid`'s namespace to nobody's (run by root) or to our own."""
    run_by_root = os.geteuid() == 0
    outside = (NOBODY, NOBODY) if run_by_root else (os.geteuid(), os.getegid())
    folder = Path(f"/proc/{pid}")
    if not run_by_root:
        (folder / "setgroups").write_text("deny")
    (folder / "gid_map").write_text(f"{STUDENT} {outside[1]} 1")
    (folder / "uid_map").write_text(f"{STUDENT} {outside[0]} 1")


def become_student() -> None:
    os.setresgid(STUDENT, STUDENT, STUDENT)
    os.setresuid(STUDENT, STUDENT, STUDENT)


def number_here_of_only_child() -> int:
    """The number of this process's child as the wall's /proc counts, which is another than its own space's."""
    (task,) = Path("/proc/self/task").iterdir()
    return int((task / "children").read_text())


def private_files(limits: Limits, student: int) -> None:
    """Give this mount namespace a /tmp and /dev/shm of its own, both bounded, and a /proc of its own.

    A new view of the processes cannot be mounted inside the wall. /proc shows what describes the
    machine, and of the processes the student's first one, as its own number and as self.
    """
    size = int(limits.disk_mib * MIB)
    # What the wall put below /tmp (an interpreter that lives there) stays in sight.
    _replace("/tmp", {name: name for name in os.listdir("/tmp")}, f"size={size},nr_inodes=65536,mode=1777")
    _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes=4096,mode=1777")
    _mount("", CACHE, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    kept = {name: name for name in _PROC_KEPT if os.path.exists(f"/proc/{name}")}
    _replace("/proc", kept | {"self": str(student), str(FIRST): str(student)}, "size=64k,mode=755")
    _mount("", "/proc", "", _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "size=64k,mode=755")


def _replace(target: str, kept: Mapping[str, str], options: str) -> None:
    """Mount a new tmpfs over `target`, in which entries of the old one are still seen: `kept`, new name to old."""
    _mount("tmpfs", STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    for name, old_name in kept.items():
        old, new = Path(target, old_name), Path(STAGE, name)
        if old.is_symlink():
            new.symlink_to(old.readlink())
            continue
        new.mkdir() if old.is_dir() else new.touch()
        _mount(str(old), str(new), "", _MS_BIND | _MS_REC)
    _mount(STAGE, target, "", _MS_MOVE)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode())
    _checked(_libc.mount(*arguments), f"mount on {target}")


def raise_loopback() -> None:
    """Bring the namespace's own lo up, as code that talks to itself over localhost expects."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def limit_resources(limits: Limits, most_memory: int | None) -> None:
    """Set the limits of this process and all its children.

    `most_memory`, in bytes of mapped addresses, is None where a GPU is used: CUDA maps far more
    than it uses. What all processes use together is measured from outside besides.
    """
    wanted = {
        resource.RLIMIT_NPROC: int(limits.processes),
        resource.RLIMIT_FSIZE: int(limits.file_mib * MIB),
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_CORE: 0,
    }
    if most_memory is not None:
        wanted[resource.RLIMIT_AS] = most_memory
    for what, most in wanted.items():
        resource.setrlimit(what, (most, most))


def give_up_privileges() -> None:
    """Drop every capability for good; nothing that is executed later can gain one."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    number = 0
    while _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) == 0:
        number += 1
    header, nothing = struct.pack("II", _CAPABILITY_VERSION_3, 0), bytes(24)
    _checked(_libc.capset(header, nothing), "capset")


def set_traceable(yes: bool) -> None:
    """Whether processes of the same user may look into this one (prctl's "dumpable")."""
    _checked(_libc.prctl(_PR_SET_DUMPABLE, int(yes), 0, 0, 0), "prctl")


def folder_of_its_own() -> None:
    """Start in an empty folder."""
    shutil.rmtree("/tmp/lab", ignore_errors=True)
    os.mkdir("/tmp/lab")
    os.chdir("/tmp/lab")
