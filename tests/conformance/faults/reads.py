"""Faults of a get, and of the values that any read hands out."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.interface import (
    IndexSource,
    PartitionSource,
    ScanRequest,
    Write,
)
from scalar_tx.storage.memory import MemoryStorage
from tests.conformance.faults.scans import Altered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer, Reads, StorageMutation


class HandsOutItsRows(MemoryStorage):
    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        return self._contents[table.name].rows.get(key)


class KeepsTheCallersValues(MemoryStorage):
    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate(mutations)
        for m in mutations:
            if isinstance(m, Write):
                rows = self._contents[m.table.name].rows
                for name, value in rows[m.key].items():
                    m.values.setdefault(name, value)
                rows[m.key] = m.values


class LeavesNullsOut(MemoryStorage):
    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        row = await super().get(table, key)
        return row and {name: value for name, value in row.items() if value is not None}


class Suspends(MemoryStorage):
    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        await asyncio.sleep(0)
        return await super().get(table, key)


class GetsFromACache(MemoryStorage):
    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        cache: dict[object, Row] = self.__dict__.setdefault("_cache", {})
        row = cache.get((table.name, key)) or await super().get(table, key)
        if row is not None:
            cache[table.name, key] = dict(row)
        return None if row is None else dict(row)


class ScansALateReplica(MemoryStorage):
    """Index and whole-table scans show the state before the newest write."""

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        self._late = {
            name: {key: dict(row) for key, row in c.rows.items()}
            for name, c in self._contents.items()
        }
        await super().mutate(mutations)

    def scan(self, request: ScanRequest) -> Any:
        pages = super().scan(request)
        if isinstance(request.source, PartitionSource):
            return pages
        late = self.__dict__.get("_late", {}).get(request.table.name, {})

        def stale(_: int, rows: list[Row]) -> list[Row] | None:
            return [late.get(request.table.key_of(row), row) for row in rows] or None

        return Altered(pages, stale)


class MomentsGoneBy(MemoryStorage):
    """A moment shows the storage as it was before anything was written."""

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        empty = MemoryStorage()
        await empty.admin.create_table(self._contents[table].table)
        await steps(empty)


class ColumnChange(MemoryStorage):
    """Changes values on their way out."""

    def changed(self, value: Value) -> Value:
        return value

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        row = await super().get(table, key)
        return row and {name: self.changed(value) for name, value in row.items()}


class ForgetsZones(ColumnChange):
    def changed(self, value: Value) -> Value:
        return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


class CutsToSeconds(ColumnChange):
    def changed(self, value: Value) -> Value:
        return value.replace(microsecond=0) if isinstance(value, dt.datetime) else value


class BooleansAreNumbers(ColumnChange):
    def changed(self, value: Value) -> Value:
        return int(value) if isinstance(value, bool) else value


class EmptyTextIsNull(ColumnChange):
    def changed(self, value: Value) -> Value:
        return None if value == "" else value


class NumbersAreDoubles(ColumnChange):
    def changed(self, value: Value) -> Value:
        return int(float(value)) if type(value) is int else value


class TrimsKeys(MemoryStorage):
    """As a CHAR column compares: blanks at the end don't count."""

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        return await super().get(table, _trimmed(key))

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await super().mutate([replace(m, key=_trimmed(m.key)) for m in mutations])


def _trimmed(key: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(value.rstrip(" ") if isinstance(value, str) else value for value in key)


class BatchFault(MemoryStorage):
    """Changes the answers of a batch."""

    def altered(self, answers: list[Answer]) -> list[Answer]:
        return answers

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        return self.altered(await super().get_many(wanted))


class ShiftsABatch(BatchFault):
    def altered(self, answers: list[Answer]) -> list[Answer]:
        return answers[1:] + answers[:1]


class LeavesAbsentOnesOut(BatchFault):
    def altered(self, answers: list[Answer]) -> list[Answer]:
        found = [answer for answer in answers if answer is not None]
        return found + [None] * (len(answers) - len(found))


class EndsABatchEarly(BatchFault):
    """As a service does that answers as much as fits."""

    def altered(self, answers: list[Answer]) -> list[Answer]:
        return [answer if n < 100 else None for n, answer in enumerate(answers)]


class ReadsAPartitionByItsFirstColumn(MemoryStorage):
    """Finds the rows of a batch again by less than their whole place in the partition."""

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        answers = await super().get_many(wanted)
        by_place = {
            key[: len(table.schema.partition_key) + 1]: answer
            for (table, key), answer in zip(wanted, answers, strict=True)
        }
        return [by_place[key[: len(table.schema.partition_key) + 1]] for table, key in wanted]


class TrimsKeysOfABatch(MemoryStorage):
    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        return await super().get_many([(table, _trimmed(key)) for table, key in wanted])


class HandsOutItsRowsInBatches(MemoryStorage):
    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        return [self._contents[table.name].rows.get(key) for table, key in wanted]


class BatchesOneTable(MemoryStorage):
    """Reads all of a batch where the first of it lies."""

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        return await super().get_many([(wanted[0][0], key) for _, key in wanted])


class BatchesInPieces(MemoryStorage):
    """Promises one moment, and lets others in between."""

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        answers: list[Answer] = []
        for one in wanted:
            time.sleep(0.0001)  # noqa: ASYNC251  # that they come in
            answers += await super().get_many([one])
        return answers


class FindsTwiceWhatIsInBothIndexes(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if not isinstance(source, IndexSource) or source.also is None:
            return super().scan(request)
        both = {source.column, source.also}

        def doubled(_: int, rows: list[Row]) -> list[Row] | None:
            return [
                row
                for row in rows
                for _ in range(1 + all(row[column] == source.value for column in both))
            ] or None

        return Altered(super().scan(request), doubled)


class FindsByTheFirstIndexAlone(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if isinstance(source, IndexSource):
            request = replace(request, source=replace(source, also=None))
        return super().scan(request)
