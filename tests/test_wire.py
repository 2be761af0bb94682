"""Can a peer that lies, breaks off or stays silent do anything but end in a sentence?"""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest
import torch

from autograder.plain import dumps
from autograder.wire import Gone, Silent, Wire, WireError


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    yield Wire(one), other
    one.close()
    other.close()


def soon() -> float:
    return time.monotonic() + 0.3


def test_values_cross_whole_even_when_larger_than_the_sockets_buffer(ends):
    wire, other = ends
    value = {"w": torch.randn(1500, 1500)}
    sender = threading.Thread(target=Wire(other).send, args=(value,))
    sender.start()
    got = wire.receive(time.monotonic() + 10)
    sender.join()
    assert torch.equal(got["w"], value["w"])


def test_silence_ends_at_the_deadline(ends):
    wire, _ = ends
    started = time.monotonic()
    with pytest.raises(Silent):
        wire.receive(soon())
    assert time.monotonic() - started < 2


def test_half_a_message_ends_at_the_deadline(ends):
    wire, other = ends
    data = dumps([1, 2, 3])
    other.sendall(struct.pack("<Q", len(data)) + data[:5])
    with pytest.raises(Silent):
        wire.receive(soon())


def test_a_closed_end_is_gone(ends):
    wire, other = ends
    other.close()
    with pytest.raises(Gone):
        wire.receive(soon())


def test_an_announced_flood_is_refused_before_it_is_read(ends):
    wire, other = ends
    other.sendall(struct.pack("<Q", 2**62))
    with pytest.raises(WireError, match="limit"):
        wire.receive(soon())


def test_garbage_is_refused(ends):
    wire, other = ends
    other.sendall(struct.pack("<Q", 4) + b"abcd")
    with pytest.raises(WireError, match="no plain value"):
        wire.receive(soon())


def test_a_peer_that_never_reads_cannot_hold_the_sender(ends):
    wire, _ = ends
    with pytest.raises(Silent):
        wire.send({"w": torch.zeros(3000, 3000)}, soon())
