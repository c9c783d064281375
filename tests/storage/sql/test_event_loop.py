"""Under asyncio nothing waits for the server on the loop, whatever is asked."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.storage.sql.stage import KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

TABLE = "looped.accounts"
FROZEN_S = 0.8
LONGEST_S = 0.5  # of what runs on the loop at once


async def get(db: Any) -> None:
    assert await db.get(TABLE, {"id": 1}) is not None


async def change(db: Any) -> None:
    async def steps(tx: scalar_tx.AsyncTransaction) -> None:
        await tx.get(TABLE, {"id": 1})
        await tx.update(TABLE, {"id": 1}, {"n": 2})

    await db.run(steps)


async def scan(db: Any) -> None:
    async with db.transaction() as tx:
        assert len([row async for row in rows(await tx.scan(TABLE, whole_table=True))]) == 2


async def rows(found: Any) -> AsyncIterator[Any]:
    for row in found:
        yield row


async def describe(db: Any) -> None:
    assert TABLE in await db.admin.tables("looped")


async def define(db: Any) -> None:
    await db.admin.create_table(f"{TABLE}2", columns={"id": "INT"}, partition_key=["id"])
    await db.admin.drop_table(f"{TABLE}2")


WORKS: list[Callable[[Any], Awaitable[None]]] = [get, change, scan, describe, define]


async def longest_pause(work: Awaitable[None], server: Cluster) -> float:
    """Freeze the server under work; how long did the loop stand still at most?"""
    node = server.nodes[0]
    await asyncio.to_thread(node.pause)
    task = asyncio.ensure_future(work)
    began = last = time.monotonic()
    longest = 0.0
    while not task.done():
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        if node.paused and now - began > FROZEN_S:
            await asyncio.to_thread(node.resume)
    await task
    assert last - began >= FROZEN_S, "the server was not asked"
    return longest


def test_the_loop_never_waits(
    kind: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    server: Cluster = request.getfixturevalue(f"{kind}_server")

    db = scalar_tx.connect_async(server.properties())

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = LONGEST_S
        await db.admin.create_coordinator_tables(if_not_exists=True)
        await db.admin.drop_table(TABLE, if_exists=True)
        await db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        for key in (1, 2):
            await db.insert(TABLE, {"id": key, "n": 0})
        for work in WORKS:
            assert await longest_pause(work(db), server) < LONGEST_S, work.__name__
        await db.admin.drop_table(TABLE)
        await db.close()

    with caplog.at_level(logging.WARNING, "asyncio"):
        asyncio.run(main(), debug=True)
    assert not [record for record in caplog.records if "took" in record.getMessage()]
