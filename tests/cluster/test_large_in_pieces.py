"""Is what is large read and written in pieces, each of them small, and what is small at once?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster import empties, intake
from scalar_tx.cluster.empties import looking_for_too_many
from scalar_tx.cluster.intake import LARGE, Large, reader, taken
from scalar_tx.cluster.messages import records
from scalar_tx.cluster.messages.records import putting_records, records_message, records_of
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.node_server.calls import SMALL
from scalar_tx.cluster.rpc.v1 import operations_pb2, values_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.turns import Turns
from scalar_tx.model.record import Record
from tests.cluster.counted_pieces import Counted
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "a.b"


def many(operations: int) -> bytes:
    key = values_pb2.Columns(names=["id"], values=[values_pb2.Value(integer=7)])
    get = operations_pb2.Operation(get=operations_pb2.Get(table=TABLE, key=key))
    return rpc.Request(batch=rpc.Batch(operations=[get] * operations)).SerializeToString()


def test_a_large_request_is_read_in_pieces() -> None:
    turns = Counted()
    read = reader(rpc.Request, 10_000, turns)
    small, large = many(100), many(10_000)
    assert len(small) < LARGE < len(large)
    assert len(taken(read(small)).batch.operations) == 100
    assert turns.pieces == []
    waiting = read(large)
    assert isinstance(waiting, Large)
    assert len(taken(asyncio.run(waiting.read("ada"))).batch.operations) == 10_000
    # To look for empty elements, to parse, and to count in thousands: operations and what is in
    # each of them, a Get, its key.
    assert turns.pieces == [3 + 30_000 // intake._PIECE]


def test_what_is_no_message_is_told_of_a_large_one_too() -> None:
    large = reader(rpc.Request, 10_000, Turns())(b"\xff" * (LARGE + 1))
    with pytest.raises(MalformedError, match="no Request"):
        taken(asyncio.run(large.read("ada")))
    turns = Counted()
    large = reader(rpc.Request, 1000, turns)(many(60_000))
    with pytest.raises(MalformedError, match="more than 10000 elements"):
        taken(asyncio.run(large.read("ada")))
    assert turns.pieces == [3]  # none is counted behind the last that may be there


def test_fields_that_are_nothing_are_not_looked_at_for_ever() -> None:
    body = b"\x08\0" * 2_000_000  # a number, two million times
    turns = Counted()
    look = looking_for_too_many(rpc.Request.DESCRIPTOR, body, 10_000)
    assert asyncio.run(turns.in_pieces(look))
    assert turns.pieces == [1 + 10_000 * empties._FIELDS // empties._PIECE]


def test_what_is_to_be_a_few_names_is_refused_unread_where_it_is_large() -> None:
    read = reader(rpc.TransactionName, 10_000, Turns(), most_bytes=SMALL)
    longest = rpc.TransactionName(transaction_id="ä" * 2048)
    assert taken(read(longest.SerializeToString())) == longest
    with pytest.raises(MalformedError, match=f"has {SMALL + 1} bytes, and may have {SMALL}"):
        taken(read(b"\xff" * (SMALL + 1)))


def test_records_are_written_in_pieces() -> None:
    kept = [Record(TABLE, {"id": n}, {"id": n, "text": "x" * 1000}) for n in range(200)]
    message = values_pb2.Records()
    written = 0
    for _ in putting_records(message, kept):
        size = message.ByteSize()
        assert size - written < 2 * records._PIECE
        written = size
    assert written > 0
    assert records_of(message) == kept
    assert message == records_message(kept)


@pytest.fixture
def node() -> Iterator[Served]:
    served = Served("memory://", turns=Counted())
    yield served
    served.close()


def test_large_requests_and_pages_take_turns_and_small_ones_do_not(node: Served) -> None:
    turns: Any = node.worker.turns
    text = "x" * 1_000_000
    with scalar_tx.connect(node.url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "text": "TEXT"}, partition_key=["id"])
        with db.begin() as tx:
            tx.upsert(TABLE, {"id": 1, "text": "small"})
            assert tx.get(TABLE, {"id": 1}) == {"id": 1, "text": "small"}
            tx.commit()
        assert turns.pieces == []
        with db.begin() as tx:
            tx.upsert(TABLE, {"id": 2, "text": text})
            tx.commit()
        read = len(turns.pieces)
        assert read == 1
        with db.begin() as tx:
            found = {row["id"]: row["text"] for row in tx.scan(TABLE, whole_table=True)}
            tx.commit()
        assert found == {1: "small", 2: text}
    assert len(turns.pieces) == read + 2  # the page's records, and its bytes


def test_a_batch_of_many_operations_is_looked_at_in_pieces(node: Served) -> None:
    turns: Any = node.worker.turns
    with scalar_tx.connect(node.url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT"}, partition_key=["id"])
    with grpc.insecure_channel(node.url.removeprefix("grpc://")) as channel:
        transact: Any = channel.stream_stream(
            "/scalar_tx.v1.Transactions/Transact", rpc.Request.SerializeToString
        )
        for number, pieces in ((200, []), (1000, [6])):
            request = rpc.Request.FromString(many(number))
            request.begin.transaction_id = f"t{number}"
            request.end = rpc.Request.COMMIT
            reply = rpc.Reply.FromString(next(transact(iter([request]))))
            assert len(reply.batched.results) == number
            assert turns.pieces == pieces


def test_a_large_one_of_a_caller_nobody_knows_is_not_read() -> None:
    turns = Counted()
    node = Served("memory://", users=Users(), turns=turns)
    try:
        with grpc.insecure_channel(node.url.removeprefix("grpc://")) as channel:
            execute: Any = channel.unary_unary("/scalar_tx.v1.Transactions/Execute")
            with pytest.raises(grpc.RpcError) as refused:
                execute(b"\xff" * (LARGE + 1))
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
            state: Any = channel.unary_unary("/scalar_tx.v1.Transactions/GetState")
            with pytest.raises(grpc.RpcError) as refused:
                state(b"\x0a" * (SMALL + 1))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert f"may have {SMALL}" in str(refused.value.details())
    finally:
        node.close()
    assert turns.pieces == []
