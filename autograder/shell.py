"""Run notebook cells in IPython's own shell, without a Jupyter client, and keep their outputs."""

from __future__ import annotations

import asyncio
import base64
import builtins
import getpass
import os
import sys
import tempfile
from typing import Any

from IPython.core.error import StdinNotImplementedError

MAX_TEXT = 200_000
MAX_RICH = 8_000_000


class _Stream:
    """Stands in for stdout or stderr; merges writes into notebook stream outputs."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, name: str, outputs: Outputs) -> None:
        self.name = name
        self._outputs = outputs

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.add_text(self.name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Outputs:
    """The outputs of one cell, in nbformat's form; beyond MAX_TEXT and MAX_RICH characters they are cut."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self._displays: dict[str, list[dict[str, Any]]] = {}
        self._room = MAX_TEXT
        self._rich_room = MAX_RICH

    def add_text(self, name: str, text: str) -> None:
        if self._room <= 0 or not text:
            return
        if len(text) > self._room:
            text = text[: self._room] + "\n[output cut here]\n"
        self._room -= len(text)
        if self.items and self.items[-1].get("name") == name:
            self.items[-1]["text"] += text
        else:
            self.items.append({"output_type": "stream", "name": name, "text": text})

    def add(self, message_type: str, content: dict[str, Any]) -> None:
        fields = {key: _jsonable(value) for key, value in content.items() if key != "transient"}
        display = str((content.get("transient") or {}).get("display_id") or "")
        if message_type == "clear_output":
            self.items.clear()
        elif message_type == "update_display_data":
            for item in self._displays.get(display, []):
                item |= {"data": fields["data"], "metadata": fields["metadata"]}
        elif message_type in ("display_data", "execute_result", "error"):
            self._keep({"output_type": message_type, **fields}, display)

    def _keep(self, item: dict[str, Any], display: str) -> None:
        self._rich_room -= len(str(item))
        if self._rich_room < 0:
            self.add_text("stdout", "[output cut here]\n")
            return
        self.items.append(item)
        if display:
            self._displays.setdefault(display, []).append(item)

    def take(self) -> list[dict[str, Any]]:
        items, self.items = self.items, []
        self._room, self._rich_room = MAX_TEXT, MAX_RICH
        return items


class Shell:
    """ipykernel's shell class with a session that appends to a list."""

    def __init__(self) -> None:
        before = sys.stdout, sys.stderr
        self._outputs = Outputs()
        self._shell = _make_shell(self._outputs)
        sys.stdout, sys.stderr = before

    def open(self) -> None:
        """Take over this process's standard streams; a fork of the process that built the shell may."""
        sys.stdout, sys.stderr = _Stream("stdout", self._outputs), _Stream("stderr", self._outputs)
        self._files = {name: _redirect(number) for number, name in ((1, "stdout"), (2, "stderr"))}
        os.register_at_fork(after_in_child=_use_low_level_streams)
        builtins.input = getpass.getpass = _no_input
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    @property
    def namespace(self) -> dict[str, Any]:
        return self._shell.user_ns

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs; errors of the cell are outputs too."""
        pid = os.getpid()
        try:
            self._loop.run_until_complete(self._run(source))
        except BaseException as error:
            self._outputs.add(
                "error", {"ename": type(error).__name__, "evalue": str(error), "traceback": [repr(error)]}
            )
        if os.getpid() != pid:
            os._exit(0)
        return self._low_level_text() + self._outputs.take()

    async def _run(self, source: str) -> None:
        """As ipykernel does: only cells that await something run as coroutines."""
        try:
            cell, failure = self._shell.transform_cell(source), None
        except Exception:
            cell, failure = source, sys.exc_info()
        given: dict[str, Any] = {"transformed_cell": cell, "preprocessing_exc_tuple": failure}
        if self._shell.should_run_async(source, **given):
            result = await self._shell.run_cell_async(source, store_history=True, **given)
            self._shell.events.trigger("post_execute")
            self._shell.events.trigger("post_run_cell", result)
        else:
            self._shell.run_cell(source, store_history=True)

    def _low_level_text(self) -> list[dict[str, Any]]:
        """What was written to file descriptors 1 and 2: by C code, by child processes."""
        found = []
        for name, file in self._files.items():
            file.seek(0)
            text = file.read(MAX_TEXT).decode("utf-8", "replace")
            file.seek(0)
            file.truncate()
            if text:
                found.append({"output_type": "stream", "name": name, "text": text})
        return found


def _no_input(*prompt: Any, **more: Any) -> str:
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


def _use_low_level_streams() -> None:
    """What a child process prints reaches the notebook through the files behind descriptors 1 and 2."""
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))


def _redirect(number: int) -> Any:
    file = tempfile.TemporaryFile("a+b")  # noqa: SIM115 (open as long as the process)
    os.dup2(file.fileno(), number)
    return file


def _make_shell(outputs: Outputs) -> Any:
    from ipykernel.compiler import XCachingCompiler
    from ipykernel.zmqshell import ZMQInteractiveShell
    from jupyter_client.session import Session
    from traitlets.config import Config

    class ListSession(Session):
        def send(self, stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any) -> None:
            if isinstance(msg_or_type, dict):
                msg_or_type, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
            outputs.add(msg_or_type, content or {})

    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    config = Config()
    config.HistoryManager.enabled = False
    shell = ZMQInteractiveShell.instance(config=config, compiler_class=XCachingCompiler)
    session = ListSession(key=b"")
    publishers: list[Any] = [shell.displayhook, shell.display_pub]
    for publisher in publishers:
        publisher.session, publisher.pub_socket, publisher.topic = session, None, b"execute_result"
    return shell


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
