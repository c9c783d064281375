"""What becomes of a commit that was done, when what stands before the node answers an error?

A proxy of gRPC forwards everything, lets the node answer, and says something else instead.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, ScalarTxError, TransactionState
from scalar_tx.cluster.messages.errors import DETAILS, status_message
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import StorageUnavailableError
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

TABLE = "bank.account"
TRANSACT = "/scalar_tx.v1.Transactions/Transact"
EXECUTE = "/scalar_tx.v1.Transactions/Execute"
Code = grpc.StatusCode

Trailers = tuple[tuple[str, bytes], ...]


def signed(error: ScalarTxError) -> Trailers:
    return ((DETAILS, status_message(error).SerializeToString()),)


# What the node itself says where it does not know what it met, and what it says where it does.
INCIDENT = signed(ScalarTxError("the node has failed at this request", code="STX-5057"))
EXPIRED = signed(StorageUnavailableError("the transaction was rolled back", code="STX-5058"))
IN_DOUBT = {
    "internal": (Code.INTERNAL, ()),
    "unavailable": (Code.UNAVAILABLE, ()),
    "exhausted": (Code.RESOURCE_EXHAUSTED, ()),
    "unimplemented": (Code.UNIMPLEMENTED, ()),
    "unauthenticated": (Code.UNAUTHENTICATED, ()),
    "permission denied": (Code.PERMISSION_DENIED, ()),
    "aborted": (Code.ABORTED, ()),
    "ok": (Code.OK, ()),
    "other details": (Code.INTERNAL, ((DETAILS, b"\xff\xff of something else"),)),
    "an incident": (Code.INTERNAL, INCIDENT),
}


class Gateway:
    """Stands before a node. ``fault``: how it answers what carries a commit, ``after`` or before
    the node has heard of it.
    """

    def __init__(self, port: int) -> None:
        self.fault: tuple[Code, Trailers] | None = None
        self.after = True
        self.faults = 0
        self._upstream_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._start())

    def _run(self, steps: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(steps, self._loop).result(60)

    async def _start(self) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{self._upstream_port}")
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Everything(self._forward),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()

    async def _stop(self) -> None:
        await self._server.stop(None)
        await self._channel.close()

    def close(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _forward(self, method: str, context: Any) -> None:
        upstream: Any = self._channel.stream_stream(method)(metadata=context.invocation_metadata())
        try:
            await self._all(method, upstream, context)
        finally:
            upstream.cancel()

    async def _all(self, method: str, upstream: Any, context: Any) -> None:
        while (request := await context.read()) is not grpc.aio.EOF:
            fault = self.fault if _commits(method, request) else None
            if fault is not None and not self.after:
                await self._fail(context, *fault)
                return
            await upstream.write(request)
            if method != TRANSACT:
                await upstream.done_writing()
            reply = await upstream.read()
            if fault is not None and self.fault is fault:
                self.fault = None
                await self._fail(context, *fault)
                return
            if reply is grpc.aio.EOF:
                break
            await context.write(reply)
        code, details = await upstream.code(), await upstream.details()
        context.set_trailing_metadata(await upstream.trailing_metadata())
        context.set_code(code)
        context.set_details(details)

    async def _fail(self, context: Any, code: Code, trailers: Trailers) -> None:
        self.faults += 1
        context.set_trailing_metadata(trailers)
        context.set_code(code)
        context.set_details("said by what stands in between")


class _Everything(grpc.GenericRpcHandler):
    def __init__(self, forward: Callable[[str, Any], Any]) -> None:
        self._forward = forward

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method

        async def forwarded(_: object, context: Any) -> None:
            await self._forward(method, context)

        return grpc.stream_stream_rpc_method_handler(forwarded)


def _commits(method: str, request: bytes) -> bool:
    if method == TRANSACT:
        return rpc.Request.FromString(request).end == rpc.Request.COMMIT
    return method == EXECUTE


class Between:
    """A client behind a gateway, and one beside it."""

    def __init__(self, target: str) -> None:
        self.served = Served(target)
        self.gateway = Gateway(self.served.port)
        self.db = scalar_tx.connect(f"grpc://127.0.0.1:{self.gateway.port}")
        self.beside = scalar_tx.connect(self.served.url)
        self.beside.admin.create_table(
            TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"]
        )
        self.beside.upsert(TABLE, {"id": 1, "n": 0})

    def value(self) -> Any:
        found = self.beside.get(TABLE, {"id": 1})
        assert found is not None
        return found["n"]

    def close(self) -> None:
        self.db.close()
        self.beside.close()
        self.gateway.close()
        self.served.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Between]:
    folder: Path = tmp_path_factory.mktemp("between")
    made = Between(f"sqlite:///{folder / 'data.db'}?synchronous=off")
    yield made
    made.close()


@pytest.fixture
def between(made: Between) -> Between:
    made.beside.upsert(TABLE, {"id": 1, "n": 0})
    made.gateway.fault, made.gateway.after, made.gateway.faults = None, True, 0
    return made


def added(tx: Any) -> Any:
    n = tx.get(TABLE, {"id": 1})["n"]
    tx.update(TABLE, {"id": 1}, {"n": n + 1})
    return tx


def script() -> scalar_tx.Script:
    made = scalar_tx.Script()
    read = made.get(TABLE, {"id": 1})
    made.update(TABLE, {"id": 1}, {"n": read["n"] + 1})
    return made


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_a_commit_that_was_done_is_not_told_as_failed(between: Between, fault: str) -> None:
    tx = added(between.db.begin())
    between.gateway.fault = IN_DOUBT[fault]
    tx.commit()
    assert between.gateway.faults == 1
    assert tx.outcome is TransactionState.COMMITTED
    assert between.value() == 1


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_a_commit_that_is_all_there_is_to_it_is_done_once(between: Between, fault: str) -> None:
    """Begun, written and committed by one request, which must not be sent again."""
    between.db.get(TABLE, {"id": 1})  # so that the table is known, and the write kept back
    tx: Any = between.db.begin()
    tx.upsert(TABLE, {"id": 1, "n": 7})
    between.gateway.fault = IN_DOUBT[fault]
    tx.commit()
    assert between.gateway.faults == 1
    assert tx.outcome is TransactionState.COMMITTED
    assert between.value() == 7


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_a_script_that_was_done_is_not_run_again(between: Between, fault: str) -> None:
    between.gateway.fault = IN_DOUBT[fault]
    found = between.db.execute(script())
    assert between.gateway.faults == 1
    assert not found.complete
    assert between.value() == 1


@pytest.mark.parametrize("fault", ["internal", "exhausted", "an incident"])
def test_a_commit_that_never_arrived_is_found_out(between: Between, fault: str) -> None:
    tx = added(between.db.begin())
    between.gateway.fault, between.gateway.after = IN_DOUBT[fault], False
    expected = {"internal": "STX-5065", "exhausted": "STX-5062", "an incident": "STX-5057"}
    with pytest.raises(ScalarTxError) as caught:
        tx.commit()
    assert caught.value.code == expected[fault]
    assert caught.value.transaction_id == tx.id
    assert tx.outcome is TransactionState.ABORTED
    assert between.beside.state(tx.id) is TransactionState.ABORTED
    assert between.value() == 0


def test_what_the_node_has_signed_is_believed_at_once(between: Between) -> None:
    tx = added(between.db.begin())
    between.gateway.fault, between.gateway.after = (Code.UNAVAILABLE, EXPIRED), False
    with pytest.raises(StorageUnavailableError) as caught:
        tx.commit()
    assert caught.value.code == "STX-5058"
    assert tx.outcome is TransactionState.ABORTED
    assert between.beside.state(tx.id) is TransactionState.UNKNOWN, "nobody had to settle it"


def test_what_only_reads_is_not_settled(between: Between) -> None:
    reading = scalar_tx.Script()
    reading.get(TABLE, {"id": 1})
    between.gateway.fault = IN_DOUBT["exhausted"]
    with pytest.raises(InvalidOperationError) as caught:
        between.db.execute(reading)
    assert caught.value.code == "STX-5062"
    assert caught.value.transaction_id is not None
    state = between.beside.state(caught.value.transaction_id)
    assert state is TransactionState.UNKNOWN
