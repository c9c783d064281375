"""Is every byte written once and in order, and does every time-out come, never early?"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.storage.cassandra.lines import Deadlines, with_deadlines, writing_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 10
THREADS, MESSAGES, SIZE = 4, 60, 20_000


class Line:
    """What a connection of the driver on libev does, less its event loop."""

    def __init__(self, connected: Any, ssl_context: Any = None) -> None:
        self._socket = connected
        self._socket_writable = True
        self.ssl_context = ssl_context
        self.endpoint = "here"
        self.deque: deque[bytes] = deque()
        self.is_closed = False
        self.broken: list[Exception] = []
        self.handed_over = 0

    def push(self, data: bytes) -> None:
        self.handed_over += 1
        self.deque.extend(data[at : at + 4096] for at in range(0, len(data), 4096))

    def handle_write(self, watcher: Any, revents: int, errno: int | None = None) -> None:
        self.broken.append(OSError(errno))

    def defunct(self, error: Exception) -> None:
        self.broken.append(error)
        self.close()

    def close(self) -> None:
        self.is_closed = True
        self._socket.close()


class Reluctant:
    """A socket that takes a part of a message, and lets others go first before it says so."""

    def __init__(self, connected: socket.socket, most: int = 20_000) -> None:
        self._socket = connected
        self._most = most
        self._dice = random.Random(3)

    def send(self, data: bytes) -> int:
        taken = self._socket.send(data[: self._dice.randrange(1, self._most)])
        time.sleep(0.0002)
        return taken


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    with near, far:
        far.settimeout(SECONDS)
        yield near, far


def test_a_message_is_written_by_who_asks(ends: tuple[socket.socket, socket.socket]) -> None:
    line = writing_at_once(Line)(ends[0])
    line.push(b"request")
    assert ends[1].recv(100) == b"request"
    assert line.handed_over == 0


def test_all_arrives_whole_and_each_threads_in_order(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    line = writing_at_once(Line)(Reluctant(near))
    over = threading.Event()

    def ask(number: int) -> None:
        for message in range(MESSAGES):
            line.push(bytes([number, message]) * (SIZE // 2))

    def write() -> None:
        while not over.is_set():
            if line.deque:
                line.handle_write(None, 2)
            time.sleep(0.0005)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(THREADS)]
    loop = threading.Thread(target=write)
    for thread in (loop, *threads):
        thread.start()
    with far.makefile("rb") as received:
        seen: list[list[int]] = [[] for _ in range(THREADS)]
        for _ in range(THREADS * MESSAGES):
            message = received.read(SIZE)
            assert message == message[:2] * (SIZE // 2)
            seen[message[0]].append(message[1])
    over.set()
    for thread in (loop, *threads):
        thread.join()
    assert seen == [list(range(MESSAGES))] * THREADS
    assert line.handed_over > 0  # the socket was full at times
    assert line.broken == []


def test_nobody_writes_into_the_midst_of_a_message(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    line = writing_at_once(Line)(Reluctant(ends[0], most=200))
    other = threading.Thread(target=line.push, args=(b"end",))

    class Watched(deque[bytes]):
        def popleft(self) -> bytes:
            taken = super().popleft()
            if other.ident is None:
                other.start()
                other.join(0.1)
            return taken

    line.deque = Watched([b"begin" * 100])
    while other.ident is None or other.is_alive() or line.deque:
        line.handle_write(None, 2)
    with ends[1].makefile("rb") as received:
        assert received.read(503) == b"begin" * 100 + b"end"
    other.join()


def test_a_full_socket_is_busy_until_it_takes_all(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    line = writing_at_once(Line)(near)
    line.push(bytes(10 * SIZE))
    line.push(b"end")
    line.handle_write(None, 2)
    assert not line._socket_writable
    with far.makefile("rb") as received:
        left = 10 * SIZE + 3
        while left:
            received_now = received.read1(left)
            left -= len(received_now)
            line.handle_write(None, 2)
    assert received_now.endswith(b"end")
    assert line._socket_writable


def test_a_broken_socket_is_told_by_the_event_loop(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    line = writing_at_once(Line)(ends[0])
    ends[1].close()
    line.push(b"request")
    assert line.broken == []
    line.handle_write(None, 2)
    [error] = line.broken
    assert isinstance(error, BrokenPipeError)
    assert line.is_closed


def test_nothing_is_written_once_it_is_closed(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    line = writing_at_once(Line)(near)
    other = near.dup()
    line.close()
    line._socket = other  # the number has become another one's
    line.push(b"request")
    line.handle_write(None, 2)
    other.close()
    assert far.recv(100) == b""


def test_an_interrupted_message_ends_the_connection(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = writing_at_once(Line)(ends[0])

    def interrupted(_: bytes) -> int:
        ends[0].send(b"requ")
        raise KeyboardInterrupt

    monkeypatch.setattr(line, "_sent", interrupted)
    with pytest.raises(KeyboardInterrupt):
        line.push(b"request")
    assert len(line.broken) == 1
    assert line.is_closed


def test_tls_and_errors_of_the_loop_are_the_drivers(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    from cassandra.io.libevwrapper import EV_ERROR

    line = writing_at_once(Line)(ends[0], ssl_context=object())
    line.push(b"request")
    assert list(line.deque) == [b"request"]
    plain = writing_at_once(Line)(ends[0])
    plain.handle_write(None, EV_ERROR, 5)
    assert len(plain.broken) == 1


class Timers:
    """Starts real timers, and keeps count."""

    def __init__(self) -> None:
        self.running: list[threading.Timer] = []

    def start(self, seconds: float, callback: Callable[[], Any]) -> threading.Timer:
        timer = threading.Timer(seconds, callback)
        self.running.append(timer)
        timer.start()
        return timer

    def end(self) -> None:
        for timer in self.running:
            timer.join()


def test_time_outs_come_together_and_never_early() -> None:
    timers = Timers()
    deadlines = Deadlines(timers.start)
    late: list[float] = []

    def until(moment: float) -> Callable[[], None]:
        return lambda: late.append(time.monotonic() - moment)

    for number in range(100):
        seconds = 0.6 + number / 1000
        deadlines.add(seconds, until(time.monotonic() + seconds))
    timers.end()
    assert len(late) == 100
    assert min(late) >= 0
    assert len(timers.running) <= 5


def test_a_cancelled_one_does_not_come_and_an_error_stops_no_other() -> None:
    timers = Timers()
    deadlines = Deadlines(timers.start)
    told: list[str] = []

    def fails() -> None:
        told.append("failing")
        raise RuntimeError

    cancelled = deadlines.add(0.1, lambda: told.append("cancelled"))
    deadlines.add(0.1, fails)
    deadlines.add(0.1, lambda: told.append("first"))
    deadlines.add(0.1, fails)
    cancelled.cancel()
    cancelled.cancel()
    timers.end()
    assert sorted(told) == ["failing", "failing", "first"]


def test_short_time_outs_and_those_of_a_child_have_timers_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[float] = []

    class Base:
        @classmethod
        def initialize_reactor(cls) -> None:
            started.clear()

        @classmethod
        def create_timer(cls, timeout: float, callback: Callable[[], Any]) -> None:
            started.append(timeout)

    line = with_deadlines(Base)
    line.initialize_reactor()
    line.create_timer(0.01, list)
    assert started == [0.01]
    line.create_timer(12, list)
    line.create_timer(12, list)
    assert len(started) in {2, 3}  # they may be of two groups
    line.initialize_reactor()
    line.create_timer(12, list)
    assert len(started) <= 1
    monkeypatch.setattr("os.getpid", lambda: -1)
    line.initialize_reactor()
    line.create_timer(12, list)
    assert len(started) == 1
