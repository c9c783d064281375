"""Does a client hear why its transaction was refused, while it still writes its first request?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "bank.account"
AT_ONCE = 16
EACH = 80


def test_what_is_paused_says_so_each_time() -> None:
    served = Served("memory://")
    try:
        with scalar_tx.connect(served.url) as db:
            db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        served.run(_async(served.worker.gate.close))
        found = asyncio.run(_refused(served.url))
    finally:
        served.close()
    assert found == {"STX-5055": AT_ONCE * EACH}


@pytest.mark.slow  # it waits for as long as the node does
def test_who_never_says_anything_is_refused_too() -> None:
    served = Served("memory://")
    served.run(_async(served.worker.gate.close))
    try:
        with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
            method = channel.stream_stream(
                "/scalar_tx.v1.Transactions/Transact",
                rpc.Request.SerializeToString,
                rpc.Reply.FromString,
            )
            silent = threading.Event()
            began = time.monotonic()
            with pytest.raises(grpc.RpcError) as refused:
                list(method(_nothing_until(silent), timeout=20))
            silent.set()
        assert time.monotonic() - began < 10
        assert "STX-5058" in str(refused.value.trailing_metadata())
    finally:
        served.close()


def _nothing_until(over: threading.Event) -> Iterator[rpc.Request]:
    over.wait(20)
    yield from ()


async def _async(step: object) -> None:
    assert callable(step)
    step()


async def _refused(url: str) -> Counter[str]:
    found: Counter[str] = Counter()

    async def ask(db: scalar_tx.AsyncTransactionManager) -> None:
        for _ in range(EACH):
            try:
                async with db.transaction() as tx:
                    await tx.insert(TABLE, {"id": 1, "n": 1})
            except scalar_tx.ScalarTxError as error:
                found[error.code] += 1

    async with scalar_tx.connect_async(url) as db, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask(db))
    return found
