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
import signal
import socket
import struct
from pathlib import Path

from autograder.limits import MIB, Limits
from autograder.wall import CACHE, NOBODY, STAGE

STUDENT = 1000
HOME = "/tmp/home"
_CLONE = {"x86_64": 56, "aarch64": 220}
_NEW_MOUNTS, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEW_USERS, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_BIND, _MS_MOVE, _MS_REC = 4096, 8192, 16384
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

# The GIL stays held around these calls: a new process must come back into the interpreter it left.
_libc = ctypes.PyDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def clone_with_new_processes_and_mounts() -> int:
    """Fork into new process and mount namespaces; like os.fork."""
    number = _CLONE.get(platform.machine())
    if number is None:
        raise OSError(f"grading behind the wall knows {', '.join(_CLONE)} processors, not {platform.machine()}")
    flags = ctypes.c_ulong(_NEW_PROCESSES | _NEW_MOUNTS | signal.SIGCHLD)
    zero = ctypes.c_ulong(0)
    return _checked(_libc.syscall(ctypes.c_long(number), flags, zero, zero, zero, zero), "clone")


def unshare_users() -> None:
    """Enter a user namespace, in which nobody is known until the parent has called `give_identity`."""
    _checked(_libc.unshare(_NEW_USERS), "unshare")


def unshare_the_rest() -> None:
    """Enter network, ipc, uts and cgroup namespaces that belong to this user namespace."""
    _checked(_libc.unshare(_NEW_NETWORK | _NEW_IPC | _NEW_UTS | _NEW_CGROUP), "unshare")


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


def forbid_user_namespaces() -> None:
    """Let no process of this user namespace make another, in which it would have capabilities again."""
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def private_files(limits: Limits) -> None:
    """Give this mount namespace a /tmp and /dev/shm of its own, both bounded, and its own processes' /proc."""
    size = int(limits.disk_mib * MIB)
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("", CACHE, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    _mount("tmpfs", "/dev/shm", "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes=4096,mode=1777")
    _mount("tmpfs", STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={size},nr_inodes=65536,mode=1777")
    for old in Path("/tmp").iterdir():  # an interpreter or a course that lives below /tmp stays in sight
        (Path(STAGE) / old.name).mkdir()
        _mount(str(old), f"{STAGE}/{old.name}", "", _MS_BIND | _MS_REC)
    _mount(STAGE, "/tmp", "", _MS_MOVE)


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


def folders_of_its_own() -> None:
    """Make an empty home and start in an empty folder."""
    os.mkdir(HOME)
    os.mkdir("/tmp/lab")
    os.chdir("/tmp/lab")
