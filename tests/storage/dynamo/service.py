"""A server that answers as a test says, in the words that the service's API reference gives.

DynamoDB Local accepts every key, never throttles and is never slow; this one is all that.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERRORS_OF = {  # of which service the API reference lists an error; of others it is the common list
    "ProvisionedThroughputExceededException": "com.amazonaws.dynamodb.v20120810",
    "RequestLimitExceeded": "com.amazonaws.dynamodb.v20120810",
    "InternalServerError": "com.amazonaws.dynamodb.v20120810",
    "TransactionCanceledException": "com.amazonaws.dynamodb.v20120810",
    "TransactionConflictException": "com.amazonaws.dynamodb.v20120810",
    "ConditionalCheckFailedException": "com.amazonaws.dynamodb.v20120810",
    "ResourceNotFoundException": "com.amazonaws.dynamodb.v20120810",
}
_COMMON = "com.amazon.coral.service"


@dataclass(frozen=True)
class Reply:
    """What one request is answered. Status 0: the connection ends without a word."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)


CUT = Reply(0)


def refusal(code: str, message: str = "", *, status: int = 400, **more: Any) -> Reply:
    """An error as the service answers it."""
    kind = f"{_ERRORS_OF.get(code, _COMMON)}#{code}"
    return Reply(status, {"__type": kind, "message": message, **more})


class Service(ThreadingHTTPServer):
    """Answers requests with ``replies`` in turn, the last one for ever.

    ``sent`` are the operations asked for and their bodies. ``silent``: it accepts and reads, and
    does not answer. ``ahead``: by how many seconds its clock is.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = [Reply()]
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.silent = False
        self.ahead = 0.0
        self.open_connections = 0
        self.lock = threading.Lock()
        self.over = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def operations(self) -> list[str]:
        return [name for name, _ in self.sent]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def reply_to(self, operation: str, body: dict[str, Any]) -> Reply:
        with self.lock:
            self.sent.append((operation, body))
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"  # connections are kept, as the service keeps them

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.open_connections += 1

    def finish(self) -> None:
        with self.server.lock:
            self.server.open_connections -= 1
        super().finish()

    def do_POST(self) -> None:  # the name that the base calls
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.server.reply_to(self.headers["X-Amz-Target"].rpartition(".")[2], body)
        if self.server.silent:
            self.server.over.wait()
        if self.server.silent or reply.status == 0:
            self.close_connection = True
            return
        content = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.ahead, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        del format, args


@contextmanager
def serving(service: Service | None = None) -> Iterator[Service]:
    """A running service; of its own kind, if one is given."""
    service = Service() if service is None else service
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        service.shutdown()
        thread.join()
        service.server_close()
