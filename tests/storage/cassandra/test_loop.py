"""Does an event loop go on whatever the cluster takes its time for?"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

import pytest

import scalar_tx
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra
from scalar_tx.storage.cassandra.replies import Reply
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx import AsyncTransaction
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

TABLE: Final = "cassandra_loop.t"
CROWD: Final = 40
LATE: Final = 0.2  # seconds, each way


@pytest.fixture
def properties(cassandra_server: Cluster) -> dict[str, str]:
    with scalar_tx.connect(cassandra_server.properties()) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_table(
            TABLE, columns={"p": "INT", "n": "INT"}, partition_key=["p"], if_not_exists=True
        )
        db.admin.truncate_table(TABLE)
    return cassandra_server.properties()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Where a thread with a running loop waited for another thread, or slept.

    All that waits in Python ends here: futures, events, queues, replies. A duration would say less,
    since a busy machine makes every callback slow.
    """
    found: list[str] = []

    def watched(genuine: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*arguments: Any) -> Any:
            stack = traceback.extract_stack()
            # Who starts a thread waits until it runs; who waits for 0 seconds only looks.
            starts = any(one.name == "start" and "threading" in one.filename for one in stack)
            if asyncio._get_running_loop() is not None and arguments[-1] != 0 and not starts:
                found.append("".join(traceback.format_list(stack[-8:])))
            return genuine(*arguments)

        return wait

    monkeypatch.setattr(threading.Condition, "wait", watched(threading.Condition.wait))
    monkeypatch.setattr(time, "sleep", watched(time.sleep))
    monkeypatch.setattr(Reply, "result", watched(Reply.result))
    yield found
    monkeypatch.undo()


def test_nothing_blocks_the_loop_from_connecting_to_closing(
    properties: dict[str, str], waits: list[str]
) -> None:
    async def make(tx: AsyncTransaction, p: int) -> None:
        assert await tx.get(TABLE, {"p": p}) is None
        await tx.insert(TABLE, {"p": p, "n": p})

    async def steps() -> None:
        db = scalar_tx.connect_async(properties)
        await asyncio.gather(*(db.run(lambda tx, p=p: make(tx, p)) for p in range(CROWD)))
        rows = await asyncio.gather(*(db.get(TABLE, {"p": p}) for p in range(CROWD)))
        assert [row and row["n"] for row in rows] == list(range(CROWD))
        assert TABLE in await db.admin.tables("cassandra_loop")
        await db.close()
        assert waits == []
        time.sleep(0.001)  # noqa: ASYNC251  # blocks on purpose
        assert len(waits) == 1  # it would have been seen

    asyncio.run(steps(), debug=True)


def test_requests_are_pipelined(properties: dict[str, str], cassandra_server: Cluster) -> None:
    async def steps(late: dict[str, str]) -> float:
        storage = open_cassandra(load(late).storage, AsyncioRuntime())
        table = await storage.admin.table(TABLE)
        assert table is not None
        await storage.get(table, (0,))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        # A caller who gives up lets go of the wait, not of the request, nor of anybody else's.
        given_up = asyncio.ensure_future(storage.get(table, (0,)))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(*(storage.get(table, (p,)) for p in range(CROWD)))
        elapsed = loop.time() - begun
        await storage.close()
        return elapsed

    with Proxy.before(cassandra_server) as proxy:
        proxy.delay(LATE)
        # One after the other they would take 2 * LATE each.
        assert asyncio.run(steps(proxy.properties(cassandra_server))) < CROWD * 2 * LATE / 2
