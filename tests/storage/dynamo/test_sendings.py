"""How often is a request really sent? Counted by a server that fails in a chosen way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ReplyLostError, StorageUnavailableError
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.settings import DynamoSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE = {"TableName": "abc", "Key": {"k": {"S": "x"}}}


class Failing(ThreadingHTTPServer):
    """Answers every request with 500, or with nothing at all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cut = False
        self.sent: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Failing

    def do_POST(self) -> None:  # the name that the base calls
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append(self.headers["X-Amz-Target"].rpartition(".")[2])
        self.close_connection = True
        if not self.server.cut:
            body = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}'
            self.send_response(500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        del format, args


@pytest.fixture
def server() -> Iterator[Failing]:
    server = Failing()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(server: Failing) -> Iterator[Client]:
    endpoint = f"http://127.0.0.1:{server.server_port}"
    client = Client(
        DynamoSettings("us-west-2", endpoint, access_key="k", secret_key="s", patience=2)
    )
    yield client
    client.close()


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("operation", ["update_item", "delete_item"])
def test_a_conditional_write_is_sent_once(
    server: Failing, client: Client, operation: str, cut: bool
) -> None:
    server.cut = cut
    with pytest.raises(ReplyLostError):
        client.write(operation, WRITE)
    assert len(server.sent) == 1


def test_an_atomic_write_is_sent_three_times(server: Failing, client: Client) -> None:
    with pytest.raises(ReplyLostError):
        client.transact([{"Delete": WRITE}, {"Delete": WRITE}])
    assert server.sent == ["TransactWriteItems"] * 3


@pytest.mark.slow
def test_a_read_is_sent_while_there_is_patience(server: Failing, client: Client) -> None:
    with pytest.raises(StorageUnavailableError) as caught:
        client.read("get_item", WRITE)
    assert caught.value.code == "STX-4607"
    assert len(server.sent) >= 2
