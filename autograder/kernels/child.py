"""What a fork of the parent does to be the kernel that `python -m ipykernel_launcher` would be."""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

from autograder.preload import start_afresh

# Hooks itself into the shell when it is imported, so only a kernel may import it.
INLINE = "matplotlib_inline.backend_inline"
PR_SET_PDEATHSIG = 1


def become_kernel(parent: int, fds: list[int], forget: Callable[[], None]) -> NoReturn:
    """Be a kernel, then exit; `forget` closes what belongs to the parent alone."""
    status = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        forget()
        run_kernel(*take(fds))
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        leave(status)


def take(fds: list[int]) -> tuple[list[str], dict[str, str], str]:
    """Read the request and take the standard streams over; tell the client that the kernel lives."""
    channel, request, stdout, stderr = fds
    with open(request, "rb") as file:
        file.seek(0)
        wanted = json.load(file)
    stdin = os.open(os.devnull, os.O_RDONLY)
    for number, fd in enumerate((stdin, stdout, stderr)):
        os.dup2(fd, number)
        os.close(fd)
    with socket.socket(fileno=channel) as client:
        client.send(json.dumps({"pid": os.getpid()}).encode())
    return wanted["argv"], wanted["env"], wanted["cwd"]


def run_kernel(argv: list[str], env: dict[str, str], cwd: str) -> None:
    """Run ipykernel's application until it is shut down."""
    from ipykernel.kernelapp import IPKernelApp

    look_started(argv, env, cwd)
    start_afresh()
    preloaded = stream_handlers()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    app = IPKernelApp.instance()
    app.initialize()
    for handler, name in preloaded:
        handler.setStream(getattr(sys, name))
    app.start()


def stream_handlers() -> list[tuple[logging.StreamHandler, str]]:
    """Handlers that preloaded modules made, with their streams' names; the application forgets the list of them."""
    handlers = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    return [
        (handler, name)
        for handler in handlers
        for name in ("stdout", "stderr")
        if getattr(handler, "stream", None) is getattr(sys, name)
    ]


def look_started(argv: list[str], env: dict[str, str], cwd: str) -> None:
    """Make the process look as if it had been started with this command, environment and folder."""
    import matplotlib

    library = [path for path in sys.path if path not in python_path()]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.path[:] = [*dict.fromkeys(python_path()), *library]
    launcher = importlib.util.find_spec(argv[2])
    sys.orig_argv[:] = argv
    sys.argv[:] = [str(launcher and launcher.origin), *argv[3:]]
    matplotlib.rcParams["backend"] = env.get("MPLBACKEND") or f"module://{INLINE}"
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler)
    use_threads(env)


def python_path() -> list[str]:
    """What PYTHONPATH put on sys.path, seen from the present folder."""
    value = os.environ.get("PYTHONPATH")
    return [os.path.abspath(path) for path in value.split(os.pathsep)] if value else []


def use_threads(env: dict[str, str]) -> None:
    """Give torch as many threads as it takes by itself; the parent had one, for safe forking."""
    if "torch" in sys.modules:
        wanted = env.get("OMP_NUM_THREADS") or env.get("MKL_NUM_THREADS") or ""
        sys.modules["torch"].set_num_threads(int(wanted) if wanted.isdecimal() and int(wanted) else cores())


def cores() -> int:
    """Physical cores that this process may use."""
    allowed = os.sched_getaffinity(0)
    siblings = set()
    for number in allowed:
        try:
            with open(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list") as file:
                siblings.add(file.read())
        except OSError:
            return len(allowed)
    return len(siblings)


def leave(status: int) -> NoReturn:
    """End a fork as Python ends, but never return into the parent's code."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
