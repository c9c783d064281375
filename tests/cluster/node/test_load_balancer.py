"""One address, several nodes: a load balancer hands each connection to the next of them."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TABLE = "bank.account"


class Balancer:
    """Connections in turn to each of several ports."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._next = itertools.cycle(ports)
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._run(self._listen())

    def _run(self, steps: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(20)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", next(self._next))
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.ensure_future(self._pass_on(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)

    def close(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Served]]:
    target = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    made = [Served(target), Served(target)]
    for number, one in enumerate(made):
        one.worker.identity = type(one.worker.identity)(f"node {number}", 0, 2)
    yield made
    for one in made:
        one.close()


@pytest.mark.slow
def test_open_transactions_stay_where_they_are(nodes: list[Served]) -> None:
    balancer = Balancer([one.port for one in nodes])
    try:
        with scalar_tx.connect(f"grpc://127.0.0.1:{balancer.port}") as db:
            db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
            for turn in range(12):
                db.upsert(TABLE, {"id": turn, "n": 0})
            # Each is open while the client looks for more connections, and is not cut off by it.
            open_ones: list[Any] = []
            for turn in range(12):
                tx = db.begin()
                assert tx.get(TABLE, {"id": turn}) is not None
                tx.update(TABLE, {"id": turn}, {"n": 1})
                open_ones.append(tx)
            assert all(one.worker.sessions.count for one in nodes), "one node has them all"
            time.sleep(3.5)  # longer than a connection that is given up waits for its streams
            for tx in open_ones:
                tx.commit()
            assert [r["n"] for r in db.scan(TABLE, whole_table=True)] == [1] * 12
    finally:
        balancer.close()
