"""What is a client told whose transaction its node ends, while the next request is on its way?"""

from __future__ import annotations

import asyncio
from collections import Counter

import scalar_tx
from scalar_tx.cluster.client.channels import Channels
from scalar_tx.cluster.sessions import Expiry
from tests.cluster.served import Served

TABLE = "bank.account"
AT_ONCE = 20
TURNS = 10


def test_it_is_told_of_the_end_and_keeps_its_connection() -> None:
    """Written to at that moment, gRPC forgets what the node has said: one time in ten."""
    served = Served("memory://")
    try:
        with scalar_tx.connect(served.url) as db:
            db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        found, lost = asyncio.run(_ended_meanwhile(served))
    finally:
        served.close()
    assert found.keys() <= {("StorageUnavailableError", "STX-5058"), "done"}
    assert found.total() == AT_ONCE * TURNS
    assert found["StorageUnavailableError", "STX-5058"] > AT_ONCE * TURNS // 4
    assert lost == 0


async def _ended_meanwhile(served: Served) -> tuple[Counter[object], int]:
    found: Counter[object] = Counter()
    lost = 0

    async def use(
        db: scalar_tx.AsyncTransactionManager, ready: asyncio.Barrier, number: int
    ) -> None:
        tx = db.begin()
        await tx.get(TABLE, {"id": 1})
        await ready.wait()
        for _ in range(number):  # at different moments, all of them close to the end
            await asyncio.sleep(0)
        try:
            if number % 2:
                await tx.get(TABLE, {"id": 2})
            else:
                await tx.upsert(TABLE, {"id": number, "n": 1})
                await tx.commit()
        except scalar_tx.ScalarTxError as error:
            found[type(error).__name__, error.code] += 1
        else:
            found["done"] += 1
            if number % 2:
                await tx.rollback()

    async def end(ready: asyncio.Barrier) -> None:
        await ready.wait()
        asyncio.run_coroutine_threadsafe(_expire(served), served._loop)

    def failed(channels: Channels, channel: object) -> None:
        nonlocal lost
        lost += 1

    before, Channels.failed = Channels.failed, failed  # type: ignore[assignment, method-assign]
    try:
        async with scalar_tx.connect_async(served.url) as db:
            for _ in range(TURNS):
                ready = asyncio.Barrier(AT_ONCE + 1)
                async with asyncio.TaskGroup() as group:
                    for number in range(AT_ONCE):
                        group.create_task(use(db, ready, number))
                    group.create_task(end(ready))
    finally:
        Channels.failed = before  # type: ignore[method-assign]
    return found, lost


async def _expire(served: Served) -> None:
    served.worker.sessions.expire_all(Expiry.SHUTDOWN)
