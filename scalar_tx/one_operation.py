"""How is a single operation run as a transaction of its own?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from scalar_tx.loading import row_batches
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from scalar_tx.model.conditions import Condition, Existence
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Value

T = TypeVar("T")


class OneOperation(ABC):
    """The operations of a manager for threads; each is run again on conflict."""

    @abstractmethod
    def run(self, fn: Callable[..., T], *, read_only: bool = False) -> T:
        """Call ``fn`` with a transaction and commit it, again on conflict."""

    def get(
        self,
        table: str,
        key: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Record | None:
        """``Transaction.get`` in a transaction of its own."""
        get = Get(table, key, index=index, columns=columns, where=where, weak=weak)
        found: Record | None = self.run(lambda tx: tx.batch([get])[0], read_only=True)
        return found

    def scan(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> list[Record]:
        """``Transaction.scan`` in a transaction of its own; the same arguments."""
        scan = Scan(table, partition, **how)
        found: list[Record] = self.run(lambda tx: tx.batch([scan])[0], read_only=True)
        return found

    def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.insert`` in a transaction of its own."""
        self.mutate([Insert(table, values)])

    def upsert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.upsert`` in a transaction of its own."""
        self.mutate([Upsert(table, values)])

    def update(
        self,
        table: str,
        key: Mapping[str, Value],
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None:
        """``Transaction.update`` in a transaction of its own."""
        self.mutate([Update(table, key, values, where=where, missing=missing)])

    def delete(
        self, table: str, key: Mapping[str, Value], *, where: Condition | Existence | None = None
    ) -> None:
        """``Transaction.delete`` in a transaction of its own."""
        self.mutate([Delete(table, key, where=where)])

    def put(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None:
        """``Transaction.put`` in a transaction of its own."""
        self.mutate(
            [
                Put(
                    table,
                    values,
                    where=where,
                    implicit_pre_read=implicit_pre_read,
                    insert_mode=insert_mode,
                )
            ]
        )

    def mutate(self, mutations: Sequence[Mutation]) -> None:
        """Several writes in one transaction of their own."""
        self.run(lambda tx: tx.mutate(mutations))

    def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Several operations in one transaction of their own."""
        return self.run(lambda tx: tx.batch(operations))

    def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, Value]],
        *,
        batch: int = 100,
        skip: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Upsert many rows, ``batch`` of them a transaction; return how many rows are in.

        Not atomic as a whole. ``progress`` is called with the number of rows in after each batch;
        to go on after a failure, pass the last such number as ``skip`` with the same rows.
        """
        loaded = 0
        for group in row_batches(rows, batch, skip, progress):
            self.mutate([Upsert(table, row) for row in group])
            loaded += len(group)
            if progress is not None:
                progress(skip + loaded)
        return skip + loaded


class AsyncOneOperation(ABC):
    """The operations of a manager for asyncio; each is run again on conflict."""

    @abstractmethod
    async def run(self, fn: Callable[..., Awaitable[T]], *, read_only: bool = False) -> T:
        """Call ``fn`` with a transaction and commit it, again on conflict."""

    async def get(
        self,
        table: str,
        key: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Record | None:
        """``Transaction.get`` in a transaction of its own."""
        get = Get(table, key, index=index, columns=columns, where=where, weak=weak)
        found: list[Any] = await self.run(lambda tx: tx.batch([get]), read_only=True)
        record: Record | None = found[0]
        return record

    async def scan(
        self, table: str, partition: Mapping[str, Value] | None = None, **how: Any
    ) -> list[Record]:
        """``Transaction.scan`` in a transaction of its own; the same arguments."""
        scan = Scan(table, partition, **how)
        found: list[Any] = await self.run(lambda tx: tx.batch([scan]), read_only=True)
        records: list[Record] = found[0]
        return records

    async def insert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.insert`` in a transaction of its own."""
        await self.mutate([Insert(table, values)])

    async def upsert(self, table: str, values: Mapping[str, Value]) -> None:
        """``Transaction.upsert`` in a transaction of its own."""
        await self.mutate([Upsert(table, values)])

    async def update(
        self,
        table: str,
        key: Mapping[str, Value],
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None:
        """``Transaction.update`` in a transaction of its own."""
        await self.mutate([Update(table, key, values, where=where, missing=missing)])

    async def delete(
        self, table: str, key: Mapping[str, Value], *, where: Condition | Existence | None = None
    ) -> None:
        """``Transaction.delete`` in a transaction of its own."""
        await self.mutate([Delete(table, key, where=where)])

    async def put(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None:
        """``Transaction.put`` in a transaction of its own."""
        await self.mutate(
            [
                Put(
                    table,
                    values,
                    where=where,
                    implicit_pre_read=implicit_pre_read,
                    insert_mode=insert_mode,
                )
            ]
        )

    async def mutate(self, mutations: Sequence[Mutation]) -> None:
        """Several writes in one transaction of their own."""
        await self.run(lambda tx: tx.mutate(mutations))

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Several operations in one transaction of their own."""
        return await self.run(lambda tx: tx.batch(operations))

    async def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, Value]],
        *,
        batch: int = 100,
        skip: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Upsert many rows, ``batch`` of them a transaction; return how many rows are in.

        Not atomic as a whole. ``progress`` is called with the number of rows in after each batch;
        to go on after a failure, pass the last such number as ``skip`` with the same rows.
        """
        loaded = 0
        for group in row_batches(rows, batch, skip, progress):
            await self.mutate([Upsert(table, row) for row in group])
            loaded += len(group)
            if progress is not None:
                progress(skip + loaded)
        return skip + loaded
