"""Faults of bounds, order, paging, filters and indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from scalar_tx.model.conditions import (
    Comparison,
    Condition,
    Operator,
    matches,
)
from scalar_tx.model.table import Order, Table
from scalar_tx.storage.conformance import RecordUnitStorage
from scalar_tx.storage.interface import (
    IndexSource,
    KeyRange,
    OrderBy,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
)
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages


class _Page(Protocol):
    async def next_page(self) -> Sequence[Row] | None: ...
    async def close(self) -> None: ...


class Altered:
    """The pages of a scan with something done to each."""

    def __init__(self, pages: _Page, change: Callable[[int, list[Row]], list[Row] | None]) -> None:
        self._pages = pages
        self._change = change
        self._number = 0

    async def next_page(self) -> Sequence[Row] | None:
        page = await self._pages.next_page()
        if page is None:
            return self._change(-1, [])
        self._number += 1
        return self._change(self._number, list(page))

    async def close(self) -> None:
        await self._pages.close()


async def everything(pages: _Page) -> list[Row]:
    rows: list[Row] = []
    while (page := await pages.next_page()) is not None:
        rows.extend(page)
    return rows


class LosesTheFirstRowOfAPage(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        def lose(number: int, rows: list[Row]) -> list[Row] | None:
            return rows[1:] or None if number > 1 else rows or None

        return Altered(super().scan(request), lose)


class RepeatsTheLastRow(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        last: list[Row] = []

        def repeat(_: int, rows: list[Row]) -> list[Row] | None:
            found = [*last, *rows] if rows else None
            last[:] = rows[-1:]
            return found

        return Altered(super().scan(request), repeat)


class EndsWithAnEmptyPage(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        return Altered(super().scan(request), lambda _, rows: rows)


class BeginsAnewAfterTheEnd(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        begin = super().scan

        class Again:
            pages: _Page = begin(request)

            async def next_page(self) -> Sequence[Row] | None:
                page = await self.pages.next_page()
                if page is None:
                    self.pages = begin(request)
                return page

            async def close(self) -> None:
                await self.pages.close()

        return Again()


class KnowsOneScanAtATime(MemoryStorage):
    """A page is the next one of whichever scan of the table was asked for a page last."""

    def __init__(self) -> None:
        super().__init__()
        self.running: _Page | None = None

    def scan(self, request: ScanRequest) -> Any:
        storage, pages = self, super().scan(request)

        class Latest:
            begun = False

            async def next_page(self) -> Sequence[Row] | None:
                if not self.begun or storage.running is None:
                    self.begun, storage.running = True, pages
                return await storage.running.next_page()

            async def close(self) -> None:
                storage.running = None

        return Latest()


class PagesByOffset(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        begin = super().scan

        class Offset:
            at = 0

            async def next_page(self) -> Sequence[Row] | None:
                rows = await everything(begin(request))
                page = rows[self.at : self.at + request.page_size]
                self.at += len(page)
                return page or None

            async def close(self) -> None:
                self.at = 10**9

        return Offset()


class PagesFromASnapshot(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        begin = super().scan

        class Snapshot:
            rows: list[Row] | None = None

            async def next_page(self) -> Sequence[Row] | None:
                if self.rows is None:
                    self.rows = await everything(begin(request))
                page = self.rows[: request.page_size]
                self.rows = self.rows[request.page_size :]
                return page or None

            async def close(self) -> None:
                self.rows = []

        return Snapshot()


class ResumesAtTheRow(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        if request.after is None:
            return super().scan(request)
        whole = super().scan(replace(request, after=None, page_size=1000))
        behind = super().scan(replace(request, page_size=1000))

        class At:
            done = False

            async def next_page(self) -> Sequence[Row] | None:
                if self.done:
                    return None
                self.done = True
                all_rows, rest = await everything(whole), await everything(behind)
                return all_rows[-len(rest) - 1 :] or None

            async def close(self) -> None:
                self.done = True

        return At()


class ForgetsWhereToResume(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        return super().scan(replace(request, after=None))


class RangeChange(MemoryStorage):
    """Changes the bounds of a partition scan."""

    def changed(self, range_: KeyRange, table: Table) -> KeyRange:
        return range_

    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if isinstance(source, PartitionSource):
            source = replace(source, range=self.changed(source.range, request.table))
        return super().scan(replace(request, source=source))


class EveryBoundIsInclusive(RangeChange):
    def changed(self, range_: KeyRange, table: Table) -> KeyRange:
        return replace(range_, start_inclusive=True, end_inclusive=True)


class BoundsFollowTheOrder(RangeChange):
    """Start and end are taken in the clustering order instead of by value."""

    def changed(self, range_: KeyRange, table: Table) -> KeyRange:
        bound = range_.start or range_.end
        orders = list(table.schema.clustering_orders.values())
        if not bound or orders[len(bound) - 1] is Order.ASC:
            return range_
        return KeyRange(range_.end, range_.end_inclusive, range_.start, range_.start_inclusive)


class OnlyTheFirstBoundColumn(RangeChange):
    def changed(self, range_: KeyRange, table: Table) -> KeyRange:
        return replace(
            range_,
            start=range_.start[:1],
            end=range_.end[:1],
            start_inclusive=range_.start_inclusive or len(range_.start) > 1,
            end_inclusive=range_.end_inclusive or len(range_.end) > 1,
        )


class NeverReverses(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        if isinstance(request.source, PartitionSource):
            request = replace(request, source=replace(request.source, reverse=False))
        return super().scan(request)


class Resorted(MemoryStorage):
    """Sorts rows by another key than the right one."""

    def key(self, request: ScanRequest, row: Row) -> Any:
        raise NotImplementedError

    def scan(self, request: ScanRequest) -> Any:
        begin = super().scan
        key = self.key

        class Sorted:
            rows: list[Row] | None = None

            async def next_page(self) -> Sequence[Row] | None:
                if self.rows is None:
                    found = await everything(begin(request))
                    self.rows = sorted(found, key=lambda row: key(request, row))
                page = self.rows[: request.page_size]
                self.rows = self.rows[request.page_size :]
                return page or None

            async def close(self) -> None:
                self.rows = []

        return Sorted()


class SortsByUtf16(Resorted):
    def key(self, request: ScanRequest, row: Row) -> Any:
        names = request.table.schema.clustering_key
        value = row[names[0]] if isinstance(request.source, PartitionSource) and names else None
        return value.encode("utf-16-be") if isinstance(value, str) else b""


class SortsWithoutCase(Resorted):
    def key(self, request: ScanRequest, row: Row) -> Any:
        names = request.table.schema.clustering_key
        value = row[names[0]] if isinstance(request.source, PartitionSource) and names else None
        return value.lower() if isinstance(value, str) else ""


class NullsLast(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if not isinstance(source, WholeTableSource) or not source.order:
            return super().scan(request)
        column = source.order[0].column
        pages = super().scan(replace(request, page_size=1000))

        def last(_: int, rows: list[Row]) -> list[Row] | None:
            return sorted(rows, key=lambda row: row[column] is None) or None

        return Altered(pages, last)


class LeavesTiesOpen(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if isinstance(source, WholeTableSource) and source.order:
            named = {item.column for item in source.order}
            ties = [
                OrderBy(name, Order.DESC)
                for name in request.table.schema.primary_key
                if name not in named
            ]
            request = replace(request, source=WholeTableSource((*source.order, *ties)), after=None)
        return super().scan(request)


class OrdersAlthoughItCant(RecordUnitStorage):
    def scan(self, request: ScanRequest) -> Pages:
        if isinstance(request.source, WholeTableSource):
            return self._inner.scan(request)
        return super().scan(request)


class FiltersLikeSqlite(MemoryStorage):
    """LIKE without regard to case, kept as if it were exact."""

    def scan(self, request: ScanRequest) -> Any:
        where = request.where
        pages = super().scan(replace(request, where=None))

        def keep(_: int, rows: list[Row]) -> list[Row] | None:
            return [row for row in rows if where is None or _folded(where, row)] or None

        return Altered(pages, keep)


def _folded(condition: Condition, row: Row) -> bool:
    folded = {n: v.lower() if isinstance(v, str) else v for n, v in row.items()}
    if isinstance(condition, Comparison) and condition.operator in (
        Operator.LIKE,
        Operator.NOT_LIKE,
    ):
        value = str(condition.value).lower()
        return matches(replace(condition, value=value), folded)
    return matches(condition, row)


class FiltersAfterThePage(MemoryStorage):
    """A page of nothing but unwanted rows ends the scan."""

    def scan(self, request: ScanRequest) -> Any:
        where = request.where
        pages = super().scan(replace(request, where=None))

        def keep(_: int, rows: list[Row]) -> list[Row] | None:
            return [row for row in rows if where is None or matches(where, row)] or None

        return Altered(pages, keep)


class IndexFindsNeighbours(MemoryStorage):
    def scan(self, request: ScanRequest) -> Any:
        source = request.source
        if not isinstance(source, IndexSource) or not isinstance(source.value, str):
            return super().scan(request)
        where = Comparison(source.column, Operator.LIKE, source.value.lower() + "%", "")
        pages = super().scan(replace(request, source=WholeTableSource(), where=None))

        def keep(_: int, rows: list[Row]) -> list[Row] | None:
            return [row for row in rows if _folded(where, row)] or None

        return Altered(pages, keep)
