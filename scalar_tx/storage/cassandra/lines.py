"""When is a request written to its socket, and who watches its time?

The driver hands every request to its event loop, and wakes that twice: for the time-out, and to
write. Here the thread that asks writes by itself where the socket takes it, and the time-outs of
requests that end at about the same moment share one timer.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from cassandra.connection import ConnectionException

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("scalar_tx.cassandra")

# Time-outs come up to so many seconds late, never early; shorter ones are the driver's own.
_LATE: Final = 0.05
_SHORTEST: Final = 0.5

_Base: Any = object


class _Watched:
    """One request's time-out."""

    __slots__ = ("_group",)

    def __init__(self, group: dict[_Watched, Callable[[], Any]]) -> None:
        self._group = group

    def cancel(self) -> None:
        """The answer is there."""
        self._group.pop(self, None)


class Deadlines:
    """Time-outs in groups, each with one timer, which ``start`` starts."""

    def __init__(self, start: Callable[[float, Callable[[], Any]], Any]) -> None:
        self.process: Final = os.getpid()
        self._start = start
        self._lock = threading.Lock()
        self._groups: dict[int, dict[_Watched, Callable[[], Any]]] = {}

    def add(self, seconds: float, callback: Callable[[], Any]) -> _Watched:
        """Call back after so many seconds, on the event loop's thread."""
        now = time.monotonic()
        number = math.ceil((now + seconds) / _LATE)
        with self._lock:
            group = self._groups.get(number)
            begun = group is None
            if group is None:
                group = self._groups[number] = {}
            watched = _Watched(group)
            group[watched] = callback
        if begun:
            self._start(number * _LATE - now, lambda: self._over(number))
        return watched

    def _over(self, number: int) -> None:
        with self._lock:
            group = self._groups.pop(number)
        while group:
            try:
                _, callback = group.popitem()
            except KeyError:  # the last one was cancelled in between
                return
            try:
                callback()
            except Exception:  # noqa: BLE001  # the others are told all the same
                _log.exception("a request's time-out could not be told")


def with_deadlines(base: Any) -> Any:
    """The driver's class of connections, with time-outs in groups."""

    class Lasting(base):  # type: ignore[misc]  # the driver has no types
        _deadlines: Deadlines | None = None

        @classmethod
        def initialize_reactor(cls) -> None:
            """Begin anew in a child process, as the event loop does."""
            super().initialize_reactor()
            if cls._deadlines is None or cls._deadlines.process != os.getpid():
                cls._deadlines = Deadlines(super().create_timer)

        @classmethod
        def create_timer(cls, timeout: float, callback: Callable[[], Any]) -> Any:
            """Something with a method ``cancel``."""
            if timeout < _SHORTEST or cls._deadlines is None:
                return super().create_timer(timeout, callback)
            return cls._deadlines.add(timeout, callback)

    return Lasting


class _Direct(_Base):  # type: ignore[misc]  # the driver has no types
    """Connections on libev, written to by the threads that ask."""

    loops_error: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Nothing else is locked while this is: the driver's own lock may be held outside it.
        self._writing = threading.Lock()
        self._open = True
        super().__init__(*args, **kwargs)

    def push(self, data: bytes) -> None:
        """Write what the socket takes; the event loop writes the rest, and finds errors."""
        if self.ssl_context is not None:
            super().push(data)  # TLS must not be written while another thread reads
            return
        try:
            with self._writing:
                sent = self._sent(data) if self._open and not self.deque else 0
                if sent < len(data):
                    super().push(data[sent:])
        except BaseException:  # a signal's: nobody knows how much is written
            self.defunct(ConnectionException("interrupted while writing", self.endpoint))
            raise

    def _sent(self, data: bytes) -> int:
        try:
            sent: int = self._socket.send(data)
        except OSError:  # full, or broken
            return 0
        return sent

    def handle_write(self, watcher: Any, revents: int, errno: int | None = None) -> None:
        """The event loop's turn: of a message half written the rest comes first."""
        if self.ssl_context is not None or revents & self.loops_error:
            super().handle_write(watcher, revents, errno)
            return
        with self._writing:
            error = self._flushed()
        if error is not None:
            self.defunct(error)

    def _flushed(self) -> OSError | None:
        """Write what waits until the socket takes no more; the error that ends it for good."""
        while self._open and self.deque:
            try:
                sent = self._socket.send(self.deque[0])
            except BlockingIOError:
                self._socket_writable = False  # whoever asks now is told that it is busy
                return None
            except OSError as error:
                return error
            rest = self.deque.popleft()[sent:]
            if rest:
                self.deque.appendleft(rest)
        self._socket_writable = True
        return None

    def close(self) -> None:
        """Nobody writes any more once the socket's number may become another one's."""
        with self._writing:
            self._open = False
        super().close()


def writing_at_once(base: Any) -> Any:
    """The driver's class of connections on libev, written to by the threads that ask."""
    from cassandra.io.libevwrapper import EV_ERROR

    return type("Direct", (_Direct, base), {"loops_error": EV_ERROR})
