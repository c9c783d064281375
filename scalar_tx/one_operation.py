"""How is a single operation run as a transaction of its own?"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.loading import row_batches, upsert_of
from scalar_tx.operation_methods import OperationMethods
from scalar_tx.operation_methods_async import AsyncOperationMethods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from scalar_tx.model.operations import Get, Mutation, Operation, Scan
    from scalar_tx.model.record_class import RecordT
    from scalar_tx.model.types import Value

T = TypeVar("T")


class OneOperation(OperationMethods):
    """The operations of a manager for threads; each is run again on conflict."""

    @abstractmethod
    def run(self, fn: Callable[..., T], *, read_only: bool = False) -> T:
        """Call ``fn`` with a transaction and commit it, again on conflict."""

    def _get(self, get: Get) -> Any:
        return self.run(lambda tx: tx.batch([get]), read_only=True)[0]

    def _scan(self, scan: Scan) -> Any:
        return self.run(lambda tx: tx.batch([scan]), read_only=True)[0]

    def _write(self, write: Mutation) -> None:
        self.mutate([write])

    def _batch(self, operations: Sequence[Operation]) -> list[Any]:
        return self.run(lambda tx: tx.batch(operations))

    def load(
        self,
        table: str | type[RecordT],
        rows: Iterable[Mapping[str, Value] | RecordT],
        *,
        batch: int = 100,
        skip: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Upsert many rows, or objects of a class, ``batch`` a transaction; return how many are in.

        Not atomic as a whole. ``progress`` is called with the number of rows in after each batch;
        to go on after a failure, pass the last such number as ``skip`` with the same rows.
        """
        loaded = 0
        for group in row_batches(rows, batch, skip, progress):
            self.mutate([upsert_of(table, row) for row in group])
            loaded += len(group)
            if progress is not None:
                progress(skip + loaded)
        return skip + loaded


class AsyncOneOperation(AsyncOperationMethods):
    """The operations of a manager for asyncio; each is run again on conflict."""

    @abstractmethod
    async def run(self, fn: Callable[..., Awaitable[T]], *, read_only: bool = False) -> T:
        """Call ``fn`` with a transaction and commit it, again on conflict."""

    async def _get(self, get: Get) -> Any:
        return (await self.run(lambda tx: tx.batch([get]), read_only=True))[0]

    async def _scan(self, scan: Scan) -> Any:
        return (await self.run(lambda tx: tx.batch([scan]), read_only=True))[0]

    async def _write(self, write: Mutation) -> None:
        await self.mutate([write])

    async def _batch(self, operations: Sequence[Operation]) -> list[Any]:
        return await self.run(lambda tx: tx.batch(operations))

    async def load(
        self,
        table: str | type[RecordT],
        rows: Iterable[Mapping[str, Value] | RecordT],
        *,
        batch: int = 100,
        skip: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Upsert many rows, or objects of a class, ``batch`` a transaction; return how many are in.

        Not atomic as a whole. ``progress`` is called with the number of rows in after each batch;
        to go on after a failure, pass the last such number as ``skip`` with the same rows.
        """
        loaded = 0
        for group in row_batches(rows, batch, skip, progress):
            await self.mutate([upsert_of(table, row) for row in group])
            loaded += len(group)
            if progress is not None:
                progress(skip + loaded)
        return skip + loaded
