"""A storage in memory whose reads take as long as a test says, and how many were under way at once.

It waits as databases do: on the thread that calls (``Waits.BLOCKS``), or for a future that another
thread completes (``Waits.FUTURES``).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.connection import build
from scalar_tx.manager import TransactionManager
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.runtime.worker_threads import WorkerThreads
from scalar_tx.settings import load
from scalar_tx.storage.interface import PartitionSource, Waits
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer, Pages, ScanRequest, StorageInfo, Waiter

THREADS = 32


class SlowReads(MemoryStorage):
    """``first`` is called, and may wait or raise, before each read of a table named in ``slow``.

    It is given the partition of a scan, or the key of a record. A *wave* is all that is read
    between two moments at which no read was under way.
    """

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.first: Callable[[tuple[Value, ...]], None] = lambda _: None
        self.slow: set[str] = set()
        self.read: list[tuple[Value, ...]] = []
        self.rows = 0  # that pages were asked for
        self.under_way = self.open_scans = 0
        self.waves: list[int] = []  # how many reads each was
        self._waits = waits
        self._counting = threading.Lock()
        self._waiter: Waiter | None = None
        self._others = ThreadPoolExecutor(THREADS)

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), waits=self._waits, parallel=True, connections=4)

    def wait_by(self, waiter: Waiter) -> None:
        self._waiter = waiter

    def forget(self) -> None:
        """Count anew."""
        self.read.clear()
        self.waves.clear()
        self.rows = 0

    @contextmanager
    def _counted(self, what: tuple[Value, ...]) -> Iterator[None]:
        with self._counting:
            self.read.append(what)
            if not self.under_way:
                self.waves.append(0)
            self.waves[-1] += 1
            self.under_way += 1
        try:
            yield
        finally:
            with self._counting:
                self.under_way -= 1

    async def before(self, table: Table, what: tuple[Value, ...]) -> None:
        """Wait as long as the test says."""
        if table.name not in self.slow:
            return
        with self._counted(what):
            if self._waits is Waits.FUTURES and self._waiter is not None:
                await self._waiter.wait(self._others.submit(self.first, what))
            else:
                self.first(what)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        await self.before(table, key)
        return await super().get(table, key)

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        await self.before(*wanted[0])
        return await super().get_many(wanted)

    def scan(self, request: ScanRequest) -> Any:
        with self._counting:
            self.open_scans += 1
        return SlowPages(self, request, super().scan(request))

    async def close(self) -> None:
        self._others.shutdown()
        await super().close()

    def closed(self) -> None:
        with self._counting:
            self.open_scans -= 1


class SlowPages:
    """A scan, each page of which takes that long."""

    def __init__(self, storage: SlowReads, request: ScanRequest, pages: Pages) -> None:
        self._storage = storage
        self._request = request
        self._pages = pages
        self._closed = self._ended = False

    async def next_page(self) -> Sequence[Row] | None:
        source = self._request.source
        if not self._ended:
            self._storage.rows += self._request.page_size
            where = source.partition if isinstance(source, PartitionSource) else ()
            await self._storage.before(self._request.table, where)
        page = await self._pages.next_page()
        self._ended = page is None or len(page) < self._request.page_size
        return page

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._storage.closed()
        await self._pages.close()


def opened(storage: SlowReads, face: str, *, threads: int = THREADS) -> Any:
    """A manager over it, of either face. ``threads``: for steps that run at once."""
    settings = load("memory://", {})
    if face == "blocking":
        waiting = BlockingRuntime(threads)
        own = build(settings, storage, waiting)
        return TransactionManager(settings, lambda *_: (own, waiting.close))
    return AsyncTransactionManager(settings, lambda *_: opening(storage, threads))


def opening(storage: SlowReads, threads: int = THREADS) -> Any:
    """What ``AsyncTransactionManager`` opens."""
    settings = load("memory://", {})
    if storage.info("").waits is Waits.FUTURES:
        runtime = AsyncioRuntime()
        return build(settings, storage, runtime, leaves_decisions=True), None, runtime.close
    waiting = BlockingRuntime(threads)
    parts = build(settings, storage, waiting, leaves_decisions=True)

    async def end() -> None:
        waiting.close()

    return parts, WorkerThreads(4), end
