"""The memory storage as it is, and narrowed to what other databases can do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import DataType
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.conformance import (
    BlockingRunner,
    Place,
    RecordUnitStorage,
    Role,
    StorageConformance,
    Subject,
)
from scalar_tx.storage.interface import AtomicityUnit, StorageInfo, Waits
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Pages, ScanRequest, StorageMutation


class PartitionStorage(MemoryStorage):
    """One partition and few records a write, and no column type TIMESTAMP."""

    def __init__(self) -> None:
        super().__init__(unit=AtomicityUnit.PARTITION, max_mutations=8)
        create_table = self._admin.create_table

        async def create(table: Table, **options: Any) -> None:
            if DataType.TIMESTAMP in table.schema.columns.values():
                raise InvalidOperationError("there is no type TIMESTAMP here")
            await create_table(table, **options)

        self._admin.create_table = create  # type: ignore[method-assign]


class FuturesStorage(MemoryStorage):
    """Answers come later, from another thread."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(moments=False, batches=0)  # it keeps the threads out that answer here
        self._runtime = runtime
        self._pool = ThreadPoolExecutor(3)

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), waits=Waits.FUTURES)

    async def _later(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return await self._runtime.wait(self._pool.submit(run_blocking, steps))

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        row: Row | None = await self._later(super().get(table, key))
        return row

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await self._later(super().mutate(mutations))

    def scan(self, request: ScanRequest) -> Any:
        return _LaterPages(self, super().scan(request))

    async def close(self) -> None:
        self._pool.shutdown()


class _LaterPages:
    def __init__(self, storage: FuturesStorage, pages: Pages) -> None:
        self._storage = storage
        self._pages = pages

    async def next_page(self) -> Sequence[Row] | None:
        page: Sequence[Row] | None = await self._storage._later(self._pages.next_page())
        return page

    async def close(self) -> None:
        await self._pages.close()


def _futures(place: Place) -> FuturesStorage:
    return FuturesStorage(place.runner.runtime)


class TestMemory(StorageConformance):
    subject = Subject(open=lambda _: MemoryStorage())


class TestByRecord(StorageConformance):
    subject = Subject(open=lambda _: RecordUnitStorage(MemoryStorage()))


class TestByPartition(StorageConformance):
    subject = Subject(
        open=lambda _: PartitionStorage(),
        runners=(BlockingRunner,),
        unsupported=frozenset({(DataType.TIMESTAMP, Role.COLUMN)}),
    )


class TestByFutures(StorageConformance):
    subject = Subject(open=_futures)
