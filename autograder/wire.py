"""The wire between the grader and a student's process: framed plain values, with deadlines.

The grader asks, the student's process answers; every answer repeats the number of its question, a
random one, so that nothing said early, late or twice is taken for an answer. Nothing that arrives
is unpickled or trusted: sizes are bounded, forms are checked, silence runs into the deadline.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

MAX_FRAME = 256 * 2**20
PULSE_SECONDS = 0.25
_HEADER = struct.Struct("<Q")


class WireError(Exception):
    """The peer is gone, broke the protocol, or stayed silent; `reason` says it in a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Silent(WireError):
    """The deadline passed before an answer came."""


class Gone(WireError):
    """The other end closed: its process has ended."""


class TooLarge(WireError):
    """The other end announced a message beyond the limit."""


class Wire:
    """One end of a connected stream socket.

    `pulse` is called every PULSE_SECONDS while an answer is awaited; it ends the wait by raising.
    """

    def __init__(self, end: socket.socket, pulse: Callable[[], None] = lambda: None) -> None:
        self._socket = end
        self._pulse = pulse

    def send(self, value: Any, deadline: float | None = None) -> None:
        """Send a plain value; `deadline` is a time.monotonic() value."""
        from autograder.plain import dumps

        data = dumps(value)
        self._send_all(_HEADER.pack(len(data)) + data, deadline)

    def receive(self, deadline: float | None = None, limit: int = MAX_FRAME) -> Any:
        """Receive a plain value.

        Raises
        ------
        Silent, Gone, WireError
            If nothing came in time, the peer closed, or what came is too large or malformed.
        """
        from autograder.plain import PlainError, loads

        (length,) = _HEADER.unpack(self._receive_exactly(_HEADER.size, deadline))
        if length > limit:
            raise TooLarge(f"it sent a message of {length:,} bytes; the limit is {limit:,}")
        try:
            return loads(self._receive_exactly(length, deadline))
        except PlainError:
            raise WireError("it sent a message that holds no plain value") from None

    def close(self) -> None:
        self._socket.close()

    def _send_all(self, data: bytes, deadline: float | None) -> None:
        view = memoryview(data)
        while view:
            self._wait(deadline, writing=True)
            try:
                view = view[self._socket.send(view, socket.MSG_DONTWAIT if deadline is not None else 0) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Gone("its process has ended") from None

    def _receive_exactly(self, count: int, deadline: float | None) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._wait(deadline, writing=False)
            try:
                piece = self._socket.recv(min(count - len(data), 2**20))
            except OSError:
                piece = b""
            if not piece:
                raise Gone("its process has ended")
            data += piece
        return bytes(data)

    def _wait(self, deadline: float | None, writing: bool) -> None:
        if deadline is None:
            return
        mine = [self._socket]
        while True:
            left = max(0.0, deadline - time.monotonic())
            if any(select.select([] if writing else mine, mine if writing else [], [], min(left, PULSE_SECONDS))):
                return
            if left <= PULSE_SECONDS:
                raise Silent("time ran out")
            self._pulse()
