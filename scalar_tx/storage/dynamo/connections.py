"""Over which connection does a request go? Few are kept open, and each carries one at a time.

The one used last is used first. One that its server has closed meanwhile, or that was idle for
long, is not used again: a request on it would be lost, and of a lost write nobody knows whether it
took effect. What fails before the first byte is sent is told by errors that say so.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidConfigError,
    ReadTimeoutError,
    SSLError,
)

from scalar_tx.storage.dynamo.answers import CutAnswerError, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.storage.dynamo.answers import Answer

PORTS: Final = {"http": 80, "https": 443}
IDLE_SECONDS: Final = 60.0  # less than gateways on the way remember a silent connection
_PIECE: Final = 65_536
_AT_ONCE: Final = 16_384  # bytes that the system takes from us without a wait


class NoFreeConnectionError(BotoCoreError):  # type: ignore[misc]  # the driver is untyped
    """All connections were in use for too long; nothing was sent."""

    fmt = 'No connection to the endpoint URL came free in time: "{endpoint_url}"'


class HandshakeError(BotoCoreError):  # type: ignore[misc]  # the driver is untyped
    """TLS could not be set up; nothing was sent."""

    fmt = "TLS could not be set up with {endpoint_url} {error}"


class Connections:
    """At most so many connections to one endpoint, shared by all threads. Times are in seconds.

    ``patience``: how long an answer may take from the moment the request is sent, and how long a
    thread waits for a free connection. ``certificates``: a file of those to trust, for https.
    """

    def __init__(
        self, endpoint: str, most: int, connect_timeout: float, patience: float, certificates: str
    ) -> None:
        parts = urlsplit(endpoint)
        self._endpoint = endpoint
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = _trusting(certificates) if parts.scheme == "https" else None
        self._most = most
        self._connect_timeout = connect_timeout
        self._patience = patience
        self._lock = threading.Lock()
        # While somebody stands in the line nothing is idle and no more may be opened.
        self._idle: list[_Connection] = []
        self._open = 0  # those in use or being made, and the idle ones
        self._line: deque[_Turn] = deque()
        self._closed = False

    def exchange(self, request: bytes) -> Answer:
        """Send a request once, and return the whole answer.

        NoFreeConnectionError, ConnectTimeoutError, EndpointConnectionError, HandshakeError:
        nothing was sent. The driver's other errors: it may have arrived.
        """
        connection = self._taken()
        kept = None
        try:
            answer = connection.exchange(request)
            if answer.keeps:
                kept = connection
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=self._endpoint, error=error) from error
        except (OSError, CutAnswerError) as error:
            raise ConnectionClosedError(endpoint_url=self._endpoint, error=error) from error
        finally:
            if kept is None:
                connection.close()
            self._give_back(kept)
        return answer

    def close(self) -> None:
        """Let go of the idle ones at once, and of the others when their requests end."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            self._open -= len(idle)
        for one in idle:
            one.close()

    def _taken(self) -> _Connection:
        kept = self._turn()
        while kept is not None and not kept.usable():
            kept.close()
            with self._lock:
                kept = self._idle.pop() if self._idle else None
                if kept is not None:
                    self._open -= 1
        if kept is None:
            try:
                kept = self._connected()
            except BaseException:
                self._give_back(None)
                raise
        return kept

    def _turn(self) -> _Connection | None:
        """An idle connection, or None for leave to open one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._open < self._most:
                self._open += 1
                return None
            turn = _Turn()
            self._line.append(turn)
        try:
            turn.came.wait(self._patience)
        except BaseException:
            if not self._left_the_line(turn):
                self._give_back(turn.kept)
            raise
        if self._left_the_line(turn):
            raise NoFreeConnectionError(endpoint_url=self._endpoint)
        return turn.kept

    def _left_the_line(self, turn: _Turn) -> bool:
        with self._lock:
            if turn not in self._line:
                return False  # it was called meanwhile
            self._line.remove(turn)
            return True

    def _give_back(self, kept: _Connection | None) -> None:
        """Hand on a connection, or with None the leave to open one."""
        spent = None
        with self._lock:
            if self._line:
                turn = self._line.popleft()
                turn.kept = kept
                turn.came.set()
                return
            if kept is None:
                self._open -= 1
            elif self._closed:
                self._open -= 1
                spent = kept
            else:
                self._idle.append(kept)
                if self._idle[0].since < kept.since - IDLE_SECONDS:
                    spent = self._idle.pop(0)
                    self._open -= 1
        if spent is not None:
            spent.close()

    def _connected(self) -> _Connection:
        try:
            made = socket.create_connection((self._host, self._port), self._connect_timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except (OSError, UnicodeError) as error:  # the latter: a name that can't be looked up
            raise EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                made = self._tls.wrap_socket(made, server_hostname=self._host.rstrip("."))
            made.settimeout(self._patience)
        except TimeoutError as error:
            made.close()
            raise ConnectTimeoutError(endpoint_url=self._endpoint, error=error) from error
        except ssl.SSLError as error:
            made.close()
            raise HandshakeError(endpoint_url=self._endpoint, error=error) from error
        except OSError as error:
            made.close()
            raise EndpointConnectionError(endpoint_url=self._endpoint, error=error) from error
        except BaseException:
            made.close()
            raise
        return _Connection(made, self._patience)


class _Turn:
    """A thread's place in the line for a connection."""

    __slots__ = ("came", "kept")

    def __init__(self) -> None:
        self.came = threading.Event()
        self.kept: _Connection | None = None


class _Connection:
    """A connection, used by one thread at a time."""

    __slots__ = ("_deadline", "_patience", "_readable", "_socket", "since")

    def __init__(self, made: socket.socket, patience: float) -> None:
        self._socket = made
        self._patience = patience
        self._readable = _readable(made)
        self._deadline = 0.0
        self.since = monotonic()  # when it last did something

    def usable(self) -> bool:
        """Is it still open, and nothing on it that belongs to no request?"""
        if monotonic() - self.since > IDLE_SECONDS or self._readable():
            return False
        return not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending())

    def exchange(self, request: bytes) -> Answer:
        """Send a request and read its answer, all within the patience."""
        self._deadline = monotonic() + self._patience
        ended = False
        try:
            self._socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses what is too large says so and does not read on.
            ended = True
        # A small request is sent at once, and the socket's own time is as long as the patience.
        first = self._socket.recv(_PIECE) if len(request) < _AT_ONCE else self._more()
        answer = read(first, self._more)
        if ended:
            return answer._replace(keeps=False)
        self.since = monotonic()
        if self._socket.gettimeout() != self._patience:
            self._socket.settimeout(self._patience)
        return answer

    def _more(self) -> bytes:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._socket.settimeout(left)
        return self._socket.recv(_PIECE)

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def _readable(made: socket.socket) -> Callable[[], Any]:
    """What tells, without waiting, whether there is something to read, the end included."""
    if not hasattr(select, "poll"):
        return lambda: select.select([made], [], [], 0)[0]
    poll = select.poll()
    poll.register(made, select.POLLIN)
    return lambda: poll.poll(0)


def _trusting(certificates: str) -> ssl.SSLContext:
    try:
        found = ssl.create_default_context(cafile=certificates)
    except OSError as error:  # an error of its content is one, too
        raise InvalidConfigError(
            error_msg=f"the certificates to trust can't be read from {certificates}: {error}"
        ) from error
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    found.set_alpn_protocols(["http/1.1"])
    return found
