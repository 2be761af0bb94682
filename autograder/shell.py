"""Run notebook cells in IPython's own shell, without a Jupyter client, and keep their outputs."""

from __future__ import annotations

import asyncio
import base64
import builtins
import contextlib
import getpass
import inspect
import os
import pdb
import signal
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, cast

from IPython.core.profiledir import ProfileDir

from autograder.preload import LowLevelFile, OutStream, look_launched

MAX_TEXT = 200_000
MAX_RICH = 8_000_000
FLUSH_SECONDS = 0.2  # after which ipykernel shows what was written and not flushed
BETWEEN_CELLS = 0.01  # seconds for which tasks of earlier cells go on before a cell runs, as they do in a kernel
# The cell that code runs for. Tasks keep that of the cell that made them; threads have none, and so the latest.
_cell: ContextVar[int] = ContextVar("cell")


class Outputs:
    """The outputs of one cell, in nbformat's form; beyond MAX_TEXT and MAX_RICH characters they are cut.

    Text waits for a flush, for FLUSH_SECONDS or for the cell's end, as in ipykernel, so that the
    streams interleave alike. What was written to descriptors comes before what Python wrote later.
    """

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._clear_before_next = False
        self._waiting: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._due: dict[str, float] = {}
        self._files: dict[str, LowLevelFile] = {}
        self._lock = threading.RLock()
        self._number = 0
        self._room, self._rich_room = MAX_TEXT, MAX_RICH

    def watch(self, files: dict[str, LowLevelFile]) -> None:
        """Take the text of files that stand behind descriptors into the streams that name them."""
        self._files = files

    def begin(self) -> int:
        """Begin a cell and return its number; what was shown since the last one ended is lost, as in a notebook."""
        self.take()
        self._number += 1
        _cell.set(self._number)
        return self._number

    def end(self, number: int) -> None:
        """End a cell: from now on what its tasks show is lost."""
        if number == self._number:
            self._show_all_text()
            self._number += 1

    def write(self, name: str, text: str) -> None:
        with self._lock:
            self._catch_up()
            if _cell.get(self._number) == self._number:
                self._wait(name, text)

    def flush(self, name: str) -> None:
        with self._lock:
            self._catch_up()
            self._show_text(name)

    def add(self, message_type: str, content: dict[str, Any]) -> None:
        with self._lock:
            if _cell.get(self._number) == self._number:
                self._take_message(message_type, content)

    def _take_message(self, message_type: str, content: dict[str, Any]) -> None:
        fields = {key: _jsonable(value) for key, value in content.items() if key != "transient"}
        display = str((content.get("transient") or {}).get("display_id") or "")
        if message_type == "clear_output":
            self._clear_before_next = bool(content.get("wait"))
            if not self._clear_before_next:
                self._clear()
        if message_type in ("display_data", "update_display_data", "execute_result"):
            for item in self._displays.get(display, []):
                item |= {"data": fields["data"], "metadata": fields["metadata"]}
        if message_type in ("display_data", "execute_result", "error"):
            self._keep({"output_type": message_type, **fields}, display)

    def take(self) -> list[dict[str, Any]]:
        """Hand over the outputs there are."""
        self._show_all_text()
        with self._lock:
            for file in self._files.values():
                file.forget()
            items, self.items = self.items, []
            self._displays, self._clear_before_next = {}, False
            self._room, self._rich_room = MAX_TEXT, MAX_RICH
            return items

    def _show_all_text(self) -> None:
        for name in self._waiting:
            self.flush(name)

    def _catch_up(self) -> None:
        """Show what is overdue, and let what was written to descriptors since the last time wait."""
        now = time.monotonic()
        for name, due in sorted(self._due.items(), key=lambda item: item[1]):
            if due <= now:
                self._show_text(name)
        for name, file in self._files.items():
            if text := file.new_text():
                self._wait(name, text)

    def _wait(self, name: str, text: str) -> None:
        if self._room <= 0 or not text:
            return
        text = _writable(text)
        if len(text) > self._room:
            text = text[: self._room] + "\n[output cut here]\n"
        self._room -= len(text)
        self._waiting[name].append(text)
        self._due.setdefault(name, time.monotonic() + FLUSH_SECONDS)

    def _show_text(self, name: str) -> None:
        text, self._waiting[name] = "".join(self._waiting[name]), []
        self._due.pop(name, None)
        if not text:
            return
        if self._clear_before_next:
            self._clear()
        if self.items and self.items[-1].get("name") == name:
            self.items[-1]["text"] += text
        else:
            self.items.append({"output_type": "stream", "name": name, "text": text})

    def _clear(self) -> None:
        self.items.clear()
        self._displays.clear()
        self._clear_before_next = False

    def _keep(self, item: dict[str, Any], display: str) -> None:
        self._rich_room -= len(str(item))
        if self._rich_room < 0:
            self.write("stdout", "[output cut here]\n")
            return
        if self._clear_before_next:
            self._clear()
        self.items.append(item)
        if display:
            self._displays.setdefault(display, []).append(item)


class Shell:
    """ipykernel's shell class with a session that appends to a list."""

    def __init__(self) -> None:
        before = sys.stdout, sys.stderr
        self._outputs = Outputs()
        self._shell = _make_shell(self._outputs)
        sys.stdout, sys.stderr = before

    def open(self) -> None:
        """Take over this process's standard streams; a fork of the process that built the shell may."""
        sys.stdout, sys.stderr = OutStream("stdout", 1, self._outputs), OutStream("stderr", 2, self._outputs)
        self._outputs.watch({name: LowLevelFile(number) for number, name in ((1, "stdout"), (2, "stderr"))})
        look_launched()
        # The folder of the parent's profile is closed to the student; %cd writes there.
        place = Path.home() / ".ipython"
        place.mkdir(exist_ok=True)
        self._shell.profile_dir = ProfileDir.create_profile_dir_by_name(str(place), "default")
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    @property
    def namespace(self) -> dict[str, Any]:
        return self._shell.user_ns

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs; errors of the cell are outputs too."""
        pid = os.getpid()
        builtins.input, getpass.getpass = self._shell.kernel.raw_input, self._shell.kernel.getpass
        running = self._loop.create_task(self._run(source))
        try:
            self._loop.run_until_complete(running)
        except BaseException as error:  # of a callback or task beside the cell, or one that cannot be shown
            _end_fork(pid)
            self._settle(running)
            kind, (*_, said) = type(error).__name__, traceback.format_exception_only(error)
            self._outputs.add("error", {"ename": kind, "evalue": said.strip(), "traceback": [said]})
        _end_fork(pid)
        return self._outputs.take()

    def _settle(self, running: asyncio.Task[None]) -> None:
        """Cancel a cell that the loop was thrown out of, and let what is due pass before the next cell."""
        running.cancel()
        self._loop.call_soon(self._loop.stop)
        with contextlib.suppress(BaseException):
            self._loop.run_forever()

    async def _run(self, source: str) -> None:
        await asyncio.sleep(BETWEEN_CELLS if len(asyncio.all_tasks()) > 1 else 0)
        number = self._outputs.begin()
        try:
            await self._run_cell(source)
        finally:
            self._outputs.end(number)

    async def _run_cell(self, source: str) -> None:
        """As ipykernel does: only cells that await something run as coroutines."""
        try:
            cell, failure = self._shell.transform_cell(source), None
        except Exception:
            cell, failure = source, sys.exc_info()
        given: dict[str, Any] = {"transformed_cell": cell, "preprocessing_exc_tuple": failure}
        if self._shell.should_run_async(source, **given):
            await self._run_coroutine(self._shell.run_cell_async(source, store_history=True, **given))
        else:
            self._shell.run_cell(source, store_history=True)

    async def _run_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a cell that awaits something; an interrupt cancels it, and not the loop."""
        running, result = asyncio.ensure_future(coroutine), None
        handler = signal.getsignal(signal.SIGINT)
        self._loop.add_signal_handler(signal.SIGINT, running.cancel)
        try:
            result = await running
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, handler)
            self._shell.events.trigger("post_execute")
            self._shell.events.trigger("post_run_cell", result)


def _end_fork(pid: int) -> None:
    """End a fork made in a cell that ran on to the cell's end; the process with number `pid` goes on."""
    if os.getpid() != pid:
        os._exit(0)


def _make_shell(outputs: Outputs) -> Any:
    from ipykernel.compiler import XCachingCompiler
    from ipykernel.eventloops import enable_gui
    from ipykernel.kernelbase import Kernel
    from ipykernel.zmqshell import ZMQInteractiveShell
    from IPython.core import debugger
    from jupyter_client.session import Session
    from traitlets.config import Config

    class ListSession(Session):
        def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> None:
            if isinstance(msg_or_type, dict):
                msg_or_type, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
            outputs.add(msg_or_type, content or {})

    class Compiler(XCachingCompiler):
        def get_code_name(self, *args: Any) -> str:
            """Name a cell's file and tell inspect that it is no module's, which inspect asks for every frame."""
            name: str = super().get_code_name(*args)
            inspect.modulesbyfile[name] = ""
            return name

    class KernelToAsk:
        """What a shell asks its kernel for; there is nobody who could answer `input`."""

        eventloop, _allow_stdin = None, False
        raw_input, getpass = Kernel.raw_input, Kernel.getpass

    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    config = Config()
    config.HistoryManager.enabled = False
    shell = ZMQInteractiveShell.instance(config=config, compiler_class=Compiler, kernel=KernelToAsk())
    pdb.Pdb, pdb.set_trace = debugger.InterruptiblePdb, debugger.set_trace  # type: ignore[misc, assignment]
    shell.enable_gui = partial(enable_gui, kernel=shell.kernel)  # type: ignore[method-assign]
    cast(Any, shell).extension_manager.load_extension("storemagic")  # ipykernel's only one
    session = ListSession(key=b"")
    publishers: list[Any] = [shell.displayhook, shell.display_pub]
    for publisher in publishers:
        publisher.session, publisher.pub_socket, publisher.topic = session, None, b"execute_result"
    return shell


def _writable(text: str) -> str:
    """Text without lone surrogates, which no notebook file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _jsonable(value: Any) -> Any:
    if isinstance(value, str):
        return _writable(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value if isinstance(value, (int, float, bool, type(None))) else _writable(str(value))
