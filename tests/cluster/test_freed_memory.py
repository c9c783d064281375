"""When is memory given back, and what is free at all?"""

from __future__ import annotations

import gc
import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.freed_memory import FreedMemory, collect_less
from scalar_tx.cluster.messages.operations import operation_message
from scalar_tx.cluster.node_server.transact import Stream
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.operations import Get
from tests.cluster.node.running import until
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_memory_is_given_back_three_times_behind_each_peak() -> None:
    times: list[float] = []
    now = [100.0]
    freed = FreedMemory(lambda: times.append(now[0]), lambda: now[0])

    def look(*counts: int) -> None:
        for count in counts:  # one a second
            now[0] += 1
            freed.look(count)

    look(5, 0, 100, 60, 13, 12, 0)
    assert times == [106]  # a few are no peak
    look(*[0] * 33)
    assert times == [106, 111, 116]  # not too often, and not for ever
    look(40, 0)
    assert times == [106, 111, 116, 142]


@pytest.fixture
def no_collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def streams() -> int:
    return sum(type(one) is Stream for one in gc.get_objects())


@pytest.mark.usefixtures("no_collector")
def test_what_a_transaction_held_is_free_when_it_has_ended() -> None:
    node, get = Served("memory://"), operation_message(Get("a.b", {"id": 1}))
    try:
        with scalar_tx.connect(node.url) as db:
            db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
        with grpc.insecure_channel(node.url.removeprefix("grpc://")) as channel:
            many: Any = channel.stream_stream(
                "/scalar_tx.v1.Transactions/Transact", rpc.Request.SerializeToString
            )
            quiet, calls = threading.Event(), []
            for number in range(10):
                begin = rpc.Begin(transaction_id=f"t{number}", fresh_id=True)
                words = iter([rpc.Request(begin=begin, one=get)])
                calls.append(many(chain(words, iter(quiet.wait, True))))
                next(calls[-1])
            assert streams() == 10
            for call in calls:
                call.cancel()
            assert node.at_rest()
            quiet.set()
            until(lambda: streams() == 0, "streams that have ended are held", 5)
    finally:
        node.close()


@pytest.mark.usefixtures("no_collector")
def test_what_is_there_at_the_beginning_is_left_alone() -> None:
    collect_less()
    assert gc.get_freeze_count() > 1000
    assert len(gc.get_objects()) < 1000
    assert gc.get_threshold()[2] > 10
