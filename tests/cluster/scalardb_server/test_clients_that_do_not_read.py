"""Is a stream ended whose client says nothing at all, or asks and does not read the answers?"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from tests.cluster.node.running import until
from tests.cluster.scalardb_server.conftest import make_tables
from tests.cluster.scalardb_server.messages import TRANSACTION, Tx, asks, put, scan
from tests.cluster.scalardb_server.served import Client, Served
from tests.cluster.scalardb_server.talks import committed

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.nodes


@pytest.fixture
def hasty() -> Iterator[Served]:
    """A server that waits half a second."""
    served = Served("memory://", idle=0.5)
    make_tables(served)
    watch = served.soon(served.sessions.watch())
    yield served
    watch.cancel()
    served.close()


def test_a_client_that_does_not_read_holds_up_no_pause(hasty: Served) -> None:
    client = Client(hasty.port)
    committed(client, *(put(1, ck, big=b"x" * 30_000) for ck in range(60)))
    client.close()
    asked = [asks(Tx, "begin"), *(asks(Tx, "scan", scan=scan(1)) for _ in range(20))]
    going = threading.Event()

    def say() -> Iterator[bytes]:
        yield from (one.SerializeToString() for one in asked)
        going.wait(20)

    with grpc.insecure_channel(f"127.0.0.1:{hasty.port}") as channel:
        method: Any = channel.stream_stream(f"/rpc.{TRANSACTION}")
        call = method(say(), timeout=30)
        until(lambda: hasty.gate.outstanding == 1, "it has not begun")
        until(lambda: hasty.gate.outstanding == 0, "it holds up a pause", 8)
        assert hasty.sessions.count == 0
        going.set()
        call.cancel()


def test_a_client_that_says_nothing_is_let_go(hasty: Served) -> None:
    client = Client(hasty.port)
    talk = client.stream(TRANSACTION)
    began = time.monotonic()
    code, why = talk.end()
    assert code is grpc.StatusCode.ABORTED
    assert "nothing was asked of it for too long" in why
    assert 0.3 < time.monotonic() - began < 5
    client.close()
