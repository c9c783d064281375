"""Under asyncio, over real servers: what runs on the loop, and does anything block it?"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.storage.routing.several import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Cluster

pytestmark = pytest.mark.servers("cassandra", "dynamodb")

_MULTI = "scalar.db.multi_storage."
WAYS = {
    # What stands beside Cassandra; does the whole call run in a worker thread?
    "memory": False,
    "dynamodb": True,
}


def settings(servers: dict[str, dict[str, str]]) -> dict[str, str]:
    first, second = servers
    found = {
        "scalar.db.storage": "multi-storage",
        "scalar.db.consensus_commit.coordinator.namespace": f"looped_{second}",
        f"{_MULTI}storages": f"{first},{second}",
        f"{_MULTI}default_storage": first,
        f"{_MULTI}namespace_mapping": f"looped_there:{second}",
    }
    for name, own in servers.items():
        for key, text in own.items():
            found[key.replace("scalar.db.", f"{_MULTI}storages.{name}.")] = text
    return found


@contextmanager
def blocked_calls(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What this thread waits for by blocking; its loop's own waiting for events is not among it."""
    here = threading.current_thread()
    found: list[str] = []
    waits: list[tuple[Any, str]] = [
        (threading.Condition, "wait"),  # of futures, events and queues too
        (socket.socket, "connect"),
        (socket.socket, "recv"),
        (socket.socket, "sendall"),
        (time, "sleep"),
    ]
    for place, name in waits:
        real = getattr(place, name)

        def noted(*arguments: Any, name: str = name, real: Any = real, **more: Any) -> Any:
            if threading.current_thread() is here and _may_wait(*arguments):
                callers = [one.name for one in traceback.extract_stack(limit=4)]
                if "start" not in callers:  # a new thread is waited for until it runs
                    found.append(f"{name} in {' < '.join(reversed(callers[:-1]))}")
            return real(*arguments, **more)

        patch.setattr(place, name, noted)
    yield found


def _may_wait(first: object, *others: object) -> bool:
    """The loop's own sockets never block, and nor does waiting for no time at all."""
    if isinstance(first, socket.socket):
        return first.gettimeout() != 0
    return others[:1] != (0,)


def test_the_blocked_calls_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, blocked_calls(patch) as found:
        threading.Event().wait(0.001)
        time.sleep(0.001)
        for timeout in (0, 1):  # the first never blocks
            one, other = socket.socketpair()
            with one, other:
                one.settimeout(timeout)
                other.sendall(b"x")
                assert one.recv(1) == b"x"
        with ThreadPoolExecutor(2) as pool:
            for _ in range(3):
                pool.submit(time.time)
    names = [one.partition(" ")[0] for one in found]
    assert names == ["wait", "sleep", "sendall", "sendall", "recv"]


@pytest.mark.parametrize("beside", WAYS)
def test_nothing_blocks_the_loop(
    beside: str,
    cassandra_server: Cluster,
    dynamodb_server: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = {
        "memory": {"scalar.db.storage": "memory"},
        "dynamodb": dynamodb_server.properties(),
    }[beside]
    given = settings({"cassandra": cassandra_server.properties(), beside: second})
    tables = ("looped_here.t", "looped_there.t")

    async def count_up(tx: Any) -> int:
        total = 0
        for table in tables:
            found = await tx.get(table, {"id": 1})
            value = 0 if found is None else found["v"]
            total += value
            await tx.upsert(table, {"id": 1, "v": value + 1})
        return total

    async def work() -> list[str]:
        async with scalar_tx.connect_async(given) as db:
            assert (db._threads is not None) == WAYS[beside]
            await db.admin.create_coordinator_tables(if_not_exists=True)
            for table in tables:
                await db.admin.drop_table(table, if_exists=True)
                await db.admin.create_table(table, columns=COLUMNS, partition_key=["id"])
            with monkeypatch.context() as patch, blocked_calls(patch) as blocked:
                assert [await db.run(count_up) for _ in range(3)] == [0, 2, 4]
                await asyncio.gather(*(db.run(count_up) for _ in range(4)))
            assert await db.run(count_up) == 14
            return blocked

    assert asyncio.run(work(), debug=True) == []
