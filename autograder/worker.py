"""The student's process: runs cells, binds what they define, and calls it on cases.

It judges nothing and knows no reference. Everything in this process is the student's to break:
the grader at the other end of the wire believes nothing but plain values.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.exercise import Case
from autograder.plain import plain
from autograder.shell import Shell
from autograder.wire import Gone, Wire


class Worker:
    def __init__(self, wire: Wire, shell: Shell, course: Course) -> None:
        self._wire = wire
        self._shell = shell
        self._course = course
        self._bound: dict[str, Callable[..., Any]] = {}

    def serve(self) -> int:
        """Answer questions until the grader hangs up; returns the process's exit status."""
        duties: dict[str, Callable[..., Any]] = {
            "files": self._write_files,
            "cell": self._cell,
            "bind": self._bind,
            "call": self._call,
        }
        try:
            while True:
                question = self._wire.receive()
                answer = duties[question["do"]](**question["with"])
                self._wire.send({"number": question["number"], "answer": answer})
        except (Gone, KeyboardInterrupt):
            return 0

    def _write_files(self, files: dict[str, str]) -> None:
        """Write the files that were handed in with the notebook (base64 by name) beside it."""
        for name, content in files.items():
            Path(name).write_bytes(base64.b64decode(content))

    def _cell(self, source: str) -> Any:
        return plain(self._shell.run(source))

    def _bind(self, exercise: str, name: str) -> Any:
        """Keep the object that `name` is bound to now; say what it is when it cannot be called."""
        missing = object()
        found = self._shell.namespace.get(name, missing)
        if found is missing:
            return "missing"
        if not callable(found):
            return type(found).__name__
        self._bound[exercise] = found
        return ""

    def _call(self, exercise: str, group: str, inputs: dict[str, Any]) -> Any:
        return self._course.exercise(exercise).call(self._bound[exercise], Case(group, inputs)).to_plain()


def main() -> None:
    end = socket.socket(fileno=int(sys.argv[1]))
    shell = Shell()
    shell.open()
    os._exit(Worker(Wire(end), shell, Course.find()).serve())


if __name__ == "__main__":
    main()
