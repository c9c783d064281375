"""A server on a socket whose every byte a test writes, and which counts its connections."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.connections import Connections
from scalar_tx.storage.dynamo.settings import DynamoSettings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

_LENGTH = re.compile(rb"(?i)content-length: *([0-9]+)")
SECONDS = 10.0

ITEM = {"TableName": "abc", "Key": {"k": {"B": b"\x00"}}}

REQUEST = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nx-amz-crc32: 1\r\n\r\n{  }"


class Peer:
    """Serves each connection by ``script(peer, connection)``, in a thread of its own."""

    def __init__(
        self, script: Callable[[Peer, socket.socket], None], tls: ssl.SSLContext | None
    ) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[bytes] = []
        self.opened = self.open = self.most = 0
        self.over = threading.Event()
        self._script = script
        self._tls = tls
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # the test is over
            connection.settimeout(SECONDS)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            with self._lock:
                self.opened += 1
                self.open += 1
                self.most = max(self.most, self.open)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._script(self, connection)
        except OSError:
            return  # the client went away
        finally:
            connection.close()
            with self._lock:
                self.open -= 1

    def request(self, connection: socket.socket) -> bytes:
        """The next whole request; b"" at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        wanted = int(found[1]) if found else 0
        while len(body) < wanted:
            body += connection.recv(65536)
        with self._lock:
            self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def await_open(self, wanted: int) -> None:
        """Wait until so many connections are open."""
        until = time.monotonic() + SECONDS
        while self.open != wanted and time.monotonic() < until:
            time.sleep(0.005)
        assert self.open == wanted

    def close(self) -> None:
        """Stop."""
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(SECONDS)


@contextmanager
def serving(
    script: Callable[[Peer, socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[Peer]:
    """A running server."""
    peer = Peer(script, tls)
    try:
        yield peer
    finally:
        peer.close()


def always(answer: bytes) -> Callable[[Peer, socket.socket], None]:
    """Answer every request with this, and keep the connection."""

    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            connection.sendall(answer)

    return script


def once(answer: bytes) -> Callable[[Peer, socket.socket], None]:
    """Answer one request with this, and end the connection."""

    def script(peer: Peer, connection: socket.socket) -> None:
        if peer.request(connection):
            connection.sendall(answer)

    return script


def silent(peer: Peer, connection: socket.socket) -> None:
    """Read one request, and never answer."""
    peer.request(connection)
    peer.over.wait(SECONDS)


@contextmanager
def connections_to(
    peer: Peer, most: int = 4, patience: float = 5.0, certificates: str = ""
) -> Iterator[Connections]:
    """Connections to it, of which none may be left in the end."""
    made = Connections(peer.endpoint, most, 5.0, patience, certificates)
    try:
        yield made
    finally:
        made.close()
        assert made._open == len(made._idle) == 0


def client_of(peer: Peer, **more: Any) -> Client:
    """A client without patience."""
    known = {"access_key": "k", "secret_key": "s", "patience": 0.0, "request_timeout": 5.0}
    return Client(DynamoSettings("us-west-2", peer.endpoint, **{**known, **more}))
