"""Does anything stay open for a client that says nothing, or reads nothing?"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.messages.operations import scan_message
from scalar_tx.cluster.node_server.held import Held
from scalar_tx.cluster.node_server.worker_parts import CallLimits
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.model.operations import Scan
from tests.cluster.node.running import until
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nodes

TRANSACT = "/scalar_tx.v1.Transactions/Transact"
SCAN_PAGES = "/scalar_tx.v1.Transactions/ScanPages"
TABLE = "shop.big"
ALL = scan_message(Scan(TABLE, whole_table=True))


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    limits = CallLimits(page_records=10)
    served = Served("memory://", limits=limits, sessions=Sessions(9, 9, 0.5, 60))
    with scalar_tx.connect(served.url) as db:
        columns = {"id": "INT", "text": "TEXT"}
        db.admin.create_table(TABLE, columns=columns, partition_key=["id"])
        db.load(TABLE, ({"id": n, "text": "x" * 30_000} for n in range(100)), batch=10)
    yield served
    served.close()


@pytest.fixture
def channel(node: Served) -> Iterator[grpc.Channel]:
    options = [("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1)]
    where = node.url.removeprefix("grpc://")
    with grpc.insecure_channel(where, options=options) as made:
        yield made


def test_a_stream_without_a_word_holds_nothing_up_and_is_ended(
    node: Served, channel: grpc.Channel
) -> None:
    spoken_for = threading.Event()

    def say() -> Iterator[bytes]:
        spoken_for.wait(20)
        yield from ()

    method: Any = channel.stream_stream(TRANSACT)
    call = method(say(), timeout=20)
    time.sleep(0.2)
    assert node.worker.gate.outstanding == 0
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "nothing was asked of it for too long" in (caught.value.details() or "")
    assert time.monotonic() - began < 15
    spoken_for.set()


def test_a_scan_that_is_not_read_ends_all_the_same(node: Served, channel: grpc.Channel) -> None:
    request = rpc.ScanPagesRequest(begin=rpc.Begin(transaction_id="slow", fresh_id=True), scan=ALL)
    method: Any = channel.unary_stream(SCAN_PAGES, rpc.ScanPagesRequest.SerializeToString)
    call = method(request, timeout=20)
    until(lambda: node.worker.gate.outstanding == 1, "it has not begun")
    until(lambda: node.worker.gate.outstanding == 0, "it holds up a pause", 5)
    assert node.worker.sessions.count == 0
    with pytest.raises(grpc.RpcError) as caught:
        list(call)  # read after all
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "nothing was asked of it for too long" in (caught.value.details() or "")


def opened(channel: grpc.Channel, name: str, heard: threading.Event) -> tuple[Any, rpc.Reply]:
    """A transaction with an open scan, that is left alone until ``heard``."""
    first = rpc.Request(
        begin=rpc.Begin(transaction_id=name, fresh_id=True),
        open_scanner=rpc.OpenScanner(number=1, scan=ALL),
    )
    words: Any = iter([first])

    def say() -> Iterator[rpc.Request]:
        yield from words
        heard.wait(20)

    method: Any = channel.stream_stream(
        TRANSACT, rpc.Request.SerializeToString, rpc.Reply.FromString
    )
    call = method(say(), timeout=20)
    return call, next(call)


def test_what_open_scanners_hold_is_bounded(node: Served, channel: grpc.Channel) -> None:
    node.worker.held = held = Held(most=4_000_000)
    heard = threading.Event()
    first, reply = opened(channel, "held-1", heard)
    assert len(reply.page.records.rows) == 10
    assert held.scanners == 1
    assert 2_000_000 < held.bytes < 4_000_000
    second, reply = opened(channel, "held-2", heard)
    assert "may hold 4000000" in reply.error.message
    assert held.scanners == 1
    first.cancel()
    second.cancel()
    heard.set()
    until(lambda: node.worker.sessions.count == 0, "they are open")
    assert (held.scanners, held.bytes) == (0, 0)


def test_a_client_that_goes_while_it_is_written_to_is_no_incident(
    node: Served, channel: grpc.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    request = rpc.ScanPagesRequest(begin=rpc.Begin(transaction_id="gone", fresh_id=True), scan=ALL)
    method: Any = channel.unary_stream(SCAN_PAGES, rpc.ScanPagesRequest.SerializeToString)
    for _ in range(20):
        call = method(request, timeout=20)
        until(lambda: node.worker.gate.outstanding == 1, "it has not begun")
        time.sleep(0.02)
        call.cancel()
        until(lambda: node.worker.gate.outstanding == 0, "it goes on")
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []
