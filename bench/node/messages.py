"""Which transactions do clients of a node run, and how long are their messages?"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from bench.beside import ycsb
from bench.node.figures import ECHO_CALL, ECHO_CALLS, ECHO_ONE_SHOT, ECHO_STREAM
from scalar_tx.cluster.messages.operations import operation_message
from scalar_tx.cluster.messages.scripts import script_message
from scalar_tx.cluster.node_server.replies import result_message
from scalar_tx.cluster.rpc.v1 import operations_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.operations import Get, Update
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from bench.beside.ycsb import Step

COUNTERS: Final = "counted.counter"
COUNTER_KEY: Final = "id"
COUNT: Final = "n"
COUNTER_COLUMNS: Final = {COUNTER_KEY: "INT", COUNT: "BIGINT"}
COUNTER_RECORDS: Final = 10_000

# Of each call, or of each turn of a stream: bytes of the request and of its answer.
Sizes = list[tuple[int, int]]


def changing(steps: Sequence[Step]) -> scalar_tx.Script:
    """``ycsb-f-1`` as a script."""
    script = scalar_tx.Script()
    for step in steps:
        script.get(step.table, {ycsb.KEY: step.key})
        script.update(step.table, {ycsb.KEY: step.key}, {ycsb.PAYLOAD: step.text})
    return script


def check_found(found: Any) -> None:
    """Was a whole record read?"""
    assert len(found[0][ycsb.PAYLOAD]) == ycsb.SIZE


def counting(key: int) -> scalar_tx.Script:
    """One more on a counter, as a script."""
    script = scalar_tx.Script()
    found = script.get(COUNTERS, {COUNTER_KEY: key})
    script.update(COUNTERS, {COUNTER_KEY: key}, {COUNT: found[COUNT] + 1})
    return script


def begin() -> rpc.Begin:
    """The beginning of a transaction, as our client writes it."""
    return rpc.Begin(transaction_id=str(uuid.uuid4()), fresh_id=True)


def reading(key: int) -> operations_pb2.Operation:
    """The read of a counter."""
    return operation_message(Get(COUNTERS, {COUNTER_KEY: key}))


def writing(key: int, count: int) -> operations_pb2.Operation:
    """The write of a counter."""
    return operation_message(Update(COUNTERS, {COUNTER_KEY: key}, {COUNT: count}))


def _record(table: str, key: str, row: dict[str, Any]) -> operations_pb2.Result:
    return result_message(Record.from_row(table, [key], list(row), row))


def _sizes(*turns: tuple[Message, Message]) -> Sizes:
    return [(request.ByteSize(), answer.ByteSize()) for request, answer in turns]


def sizes(way: str) -> Sizes:
    """The messages of a way, as a node and its clients have them."""
    step = ycsb.Step(ycsb.TABLES[0], 500_000, "o" * ycsb.SIZE)
    read = Get(step.table, {ycsb.KEY: step.key})
    written = Update(step.table, {ycsb.KEY: step.key}, {ycsb.PAYLOAD: step.text})
    row = {ycsb.KEY: step.key, ycsb.PAYLOAD: step.text}
    found = _record(step.table, ycsb.KEY, row)
    counter = _record(COUNTERS, COUNTER_KEY, {COUNTER_KEY: 5000, COUNT: 1000})
    nothing, done = operations_pb2.Result(), rpc.State.STATE_COMMITTED
    match way:
        case str() if way == ECHO_STREAM:
            first = rpc.Request(begin=begin(), one=operation_message(read))
            last = rpc.Request(before=[operation_message(written)], end=rpc.Request.COMMIT)
            return _sizes((first, rpc.Reply(one=found)), (last, rpc.Reply(outcome=done)))
        case str() if way == ECHO_ONE_SHOT:
            script, results = changing([step]), [found, nothing]
        case str() if way == ECHO_CALL:
            script, results = counting(5000), [counter, nothing]
        case str() if way == ECHO_CALLS:
            named = begin()  # each call says whose it is
            last = rpc.Request(begin=named, end=rpc.Request.COMMIT)
            return _sizes(
                (rpc.Request(begin=named), rpc.Reply()),
                (rpc.Request(begin=named, one=reading(5000)), rpc.Reply(one=counter)),
                (rpc.Request(begin=named, one=writing(5000, 1001)), rpc.Reply(one=nothing)),
                (last, rpc.Reply(outcome=done)),
            )
        case _:
            raise ValueError(f"{way} has no messages")
    asked = rpc.ExecuteRequest(begin=begin(), script=script_message(script))
    return _sizes((asked, rpc.ExecuteReply(outcome=done, results=results, attempts=1)))
