"""What are calls that are a whole transaction each, seen from a client that sends what it likes?"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.messages.operations import operation_message
from scalar_tx.cluster.messages.scripts import script_message
from scalar_tx.cluster.node_server.execute import Execute
from scalar_tx.cluster.node_server.worker_parts import CallLimits
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.model.operations import Scan
from scalar_tx.model.script import Script
from tests.cluster.node.test_streams import TABLE, begin
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

EXECUTE = "/scalar_tx.v1.Transactions/Execute"
SCAN = "/scalar_tx.v1.Transactions/ScanPages"


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    served = Served("memory://", limits=CallLimits(page_records=3, page_bytes=200))
    with scalar_tx.connect(served.url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "TEXT"}, partition_key=["id"])
        db.load(TABLE, [{"id": n, "n": "x" * 50} for n in range(10)], batch=5)
    yield served
    served.close()


@pytest.fixture
def channel(node: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(node.url.removeprefix("grpc://")) as made:
        yield made


def test_scans_in_pages_of_their_own(channel: grpc.Channel, node: Served) -> None:
    method = channel.unary_stream(
        SCAN, rpc.ScanPagesRequest.SerializeToString, values_pb2.Records.FromString
    )
    scan = operation_message(Scan(TABLE, whole_table=True, order_by=["id"])).scan
    pages = list(method(rpc.ScanPagesRequest(begin=begin("streamed"), scan=scan), timeout=20))
    assert len(pages) >= 4
    assert node.at_rest()


@pytest.mark.parametrize("asked, most", [(1, 1), (2, 2), (3, 3), (4, 3), (2**32 - 1, 3), (0, 3)])
def test_a_page_has_no_more_records_than_its_client_asks_for(
    channel: grpc.Channel, node: Served, asked: int, most: int
) -> None:
    method = channel.unary_stream(
        SCAN, rpc.ScanPagesRequest.SerializeToString, values_pb2.Records.FromString
    )
    known = scalar_tx.column("id") < 10
    scan = operation_message(Scan(TABLE, whole_table=True, order_by=["id"], where=known)).scan
    asks = rpc.ScanPagesRequest(begin=begin(f"of {asked}"), scan=scan, page_size=asked)
    pages = [[row.values[0].integer for row in page.rows] for page in method(asks, timeout=20)]
    assert [number for page in pages for number in page] == list(range(10))
    assert {len(page) for page in pages[:-1]} == {most}
    assert node.at_rest()


@pytest.mark.parametrize("part", [rpc.Begin.BEGIN, rpc.Begin.JOIN])
def test_a_call_that_is_a_whole_transaction_is_no_part_of_one(
    channel: grpc.Channel, node: Served, part: Any
) -> None:
    """Nothing is done of it, and nothing is decided about the others' parts."""
    script = Script()
    script.upsert(TABLE, {"id": 77, "n": "part"})
    execute: Any = channel.unary_unary(EXECUTE, rpc.ExecuteRequest.SerializeToString)
    pages: Any = channel.unary_stream(SCAN, rpc.ScanPagesRequest.SerializeToString)
    scan = operation_message(Scan(TABLE, whole_table=True)).scan
    beginning = begin(f"whole {part}", two_phase=part)
    with pytest.raises(grpc.RpcError) as caught:
        execute(rpc.ExecuteRequest(begin=beginning, script=script_message(script)), timeout=20)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        list(pages(rpc.ScanPagesRequest(begin=beginning, scan=scan), timeout=20))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "a stream of its own" in str(caught.value.details())
    with scalar_tx.connect(node.url) as db:
        assert db.state(f"whole {part}") is scalar_tx.TransactionState.UNKNOWN
        assert db.get(TABLE, {"id": 77}) is None
    assert node.at_rest()


def adding(number: int) -> Any:
    """A script that must not be run twice."""
    script = Script()
    read = script.get(TABLE, {"id": number})
    script.upsert(TABLE, {"id": number, "n": read["n"].coalesce("").concat("x")})
    return script_message(script)


def test_a_repeat_of_a_script_that_runs_waits_and_is_told_what_became_of_it(
    channel: grpc.Channel, node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client has lost the first call; told that it is wrong, it might do the same anew."""
    execute: Any = channel.unary_unary(
        EXECUTE, rpc.ExecuteRequest.SerializeToString, rpc.ExecuteReply.FromString
    )
    running, go_on = threading.Event(), asyncio.Event()
    once = Execute._once

    async def slowly(*given: Any) -> Any:
        running.set()
        await go_on.wait()
        return await once(*given)

    async def let_go() -> None:
        go_on.set()

    monkeypatch.setattr(Execute, "_once", slowly)
    asks = rpc.ExecuteRequest(begin=begin("running"), script=adding(30))
    calls = [execute.future(asks, timeout=20)]
    assert running.wait(20)
    asks.repeated = True
    calls += [execute.future(asks, timeout=20) for _ in range(3)]
    time.sleep(0.2)
    node.run(let_go())
    replies = [call.result() for call in calls]
    assert {one.outcome for one in replies} == {rpc.STATE_COMMITTED}
    assert [one.done_before for one in replies] == [False, True, True, True]
    with scalar_tx.connect(node.url) as db:
        assert db.get(TABLE, {"id": 30}) == {"id": 30, "n": "x"}
    assert node.at_rest()


def test_a_repeat_of_a_script_that_did_nothing_does_it(channel: grpc.Channel, node: Served) -> None:
    execute: Any = channel.unary_unary(
        EXECUTE, rpc.ExecuteRequest.SerializeToString, rpc.ExecuteReply.FromString
    )
    script = Script()
    script.require(script.get(TABLE, {"id": 31}).found)
    script.upsert(TABLE, {"id": 32, "n": "x"})
    asks = rpc.ExecuteRequest(begin=begin("unmet"), script=script_message(script), repeated=True)
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as caught:
            execute(asks, timeout=20)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    with scalar_tx.connect(node.url) as db:
        db.upsert(TABLE, {"id": 31, "n": ""})
    assert execute(asks, timeout=20).done_before is False
    for marked in (True, False):
        asks.repeated = marked
        assert execute(asks, timeout=20).done_before is True


def test_a_script_whose_id_was_aborted_is_never_run(channel: grpc.Channel, node: Served) -> None:
    execute: Any = channel.unary_unary(
        EXECUTE, rpc.ExecuteRequest.SerializeToString, rpc.ExecuteReply.FromString
    )
    with scalar_tx.connect(node.url) as db:
        db.settle("given up")
        asks = rpc.ExecuteRequest(begin=begin("given up"), script=adding(33))
        with pytest.raises(grpc.RpcError) as caught:
            execute(asks, timeout=20)
        assert "STX-3036" in str(caught.value.trailing_metadata())
        asks.repeated = True
        reply = execute(asks, timeout=20)
        assert (reply.outcome, reply.done_before) == (rpc.STATE_ABORTED, True)
        assert db.get(TABLE, {"id": 33}) is None
