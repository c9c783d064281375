"""How are many records read, own writes among them, and what is kept to validate it?

A scan reads the storage page by page and only as far as its caller needs. What it read, the rows
that are committed and match, in the storage's order, is its *trace*: a prefix, and whether the end
was reached. Own writes are merged at each return, never into the trace; validation reads the same
prefix again (Consensus Commit specification 3.6, 3.8, 4.3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.consensus_commit import record
from scalar_tx.errors import ConflictError
from scalar_tx.model.conditions import Or, matches, rewritten
from scalar_tx.storage.interface import (
    IndexSource,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
)
from scalar_tx.storage.ordering import in_range, position_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.read import Reader
    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.model.conditions import Comparison, Condition
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Pages, ScanSource


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """A checked scan; equal plans share one trace."""

    table: TransactionalTable = field(compare=False)
    name: str
    source: ScanSource
    where: Condition | None
    after: tuple[tuple[str, Value], ...] | None  # the position of the last row of an earlier page

    def request(self, page_size: int) -> ScanRequest:
        """What the storage is asked for: everything that matches now or did before."""
        return ScanRequest(
            table=self.table.stored,
            source=self.source,
            where=_now_or_before(self.table, self.where),
            after=None if self.after is None else dict(self.after),
            page_size=page_size,
        )

    @property
    def ordered_by_values(self) -> bool:
        """Can a row's place change when the row is rolled back?"""
        return isinstance(self.source, WholeTableSource) and any(
            item.column not in self.table.key_columns for item in self.source.order
        )

    @property
    def ordered(self) -> bool:
        """Is the order of the rows promised? Then own writes are merged where they belong."""
        if isinstance(self.source, WholeTableSource):
            return bool(self.source.order)
        return isinstance(self.source, PartitionSource)

    def before_index_request(self, page_size: int) -> ScanRequest | None:
        """The index read by previous value: it finds rows that are leaving the index value."""
        if not isinstance(self.source, IndexSource):
            return None
        column = self.source.column
        if column in self.table.key_columns or not self.table.has_before_index(column):
            return None
        source = IndexSource(record.before_column(column), self.source.value)
        return ScanRequest(self.table.stored, source, page_size=page_size)


def _now_or_before(table: TransactionalTable, where: Condition | None) -> Condition | None:
    """The condition, or the same of the previous image, to which a row may be rolled back."""
    if where is None:
        return None

    def previous(comparison: Comparison) -> Comparison:
        if comparison.column in table.key_columns:
            return comparison
        return type(comparison)(
            record.before_column(comparison.column),
            comparison.operator,
            comparison.value,
            comparison.escape,
        )

    return Or((where, rewritten(where, previous)))


class ScanTrace:
    """The rows of one scan, read as far as somebody asked."""

    def __init__(self, plan: ScanPlan, reader: Reader, page_size: int) -> None:
        self.plan = plan
        self.rows: list[Row] = []
        self.ended = False
        self._reader = reader
        self._page_size = page_size
        self._pages: Pages | None = None
        self._seen: set[tuple[Value, ...]] = set()
        self._handed = 0
        self._out_of_order = False

    async def row(self, number: int) -> Row | None:
        """The row of that number, read now if it was not before; None behind the last one."""
        while not self.ended and (number >= len(self.rows) or self._out_of_order):
            await self._read_on()
        if number >= len(self.rows):
            return None
        self._handed = max(self._handed, number + 1)
        return self.rows[number]

    async def close(self) -> None:
        """Let go of the storage's scan; reading on would begin behind the last row."""
        if self._pages is not None:
            pages, self._pages = self._pages, None
            await pages.close()

    async def _read_on(self) -> None:
        pages = self._pages
        if pages is None:
            pages = self._pages = self._reader.context.storage.scan(self._next_request())
        page = await pages.next_page()
        if page is None:
            await self.close()
            await self._read_before_index()
            if self._out_of_order:
                self._restore_order()
            self.ended = True
            return
        for row in page:
            await self._take(row)

    def _next_request(self) -> ScanRequest:
        request = self.plan.request(self._page_size)
        if not self.rows:
            return request
        return ScanRequest(
            request.table, request.source, request.where, self.rows[-1], request.page_size
        )

    async def _take(self, row: Row) -> None:
        table = self.plan.table
        key = table.stored.key_of(row)
        found: Row | None = row
        if not record.is_committed(row):
            resolved = await self._reader.resolve(table, key, row)
            found = resolved.row
            if resolved.rolled_back and self.plan.ordered_by_values:
                self._out_of_order = True
        self._keep(key, found)

    async def _read_before_index(self) -> None:
        """Add the rows that an undecided writer is taking away from the index value.

        Their previous image has the value; if it is restored they belong to the result. A writer
        that may be alive is a conflict at every isolation level (specification 5.3).
        """
        reader = self._reader
        if not reader.context.options.before_index_check:
            return
        request = self.plan.before_index_request(self._page_size)
        if request is None:
            return
        pages = reader.context.storage.scan(request)
        try:
            while (page := await pages.next_page()) is not None:
                for row in page:
                    if record.is_committed(row):
                        continue
                    key = self.plan.table.stored.key_of(row)
                    resolved = await reader.context.recovery.resolve(self.plan.table, key, row)
                    reader.remember(self.plan.table, key, resolved)
                    self._keep(key, resolved.row)
        finally:
            await pages.close()

    def _restore_order(self) -> None:
        """Sort rows that were rolled back to where their previous values belong."""
        position = position_in(self.plan.source, self.plan.table.stored.schema)
        late = sorted(self.rows[self._handed :], key=position)
        if self._handed and late and position(late[0]) < position(self.rows[self._handed - 1]):
            raise ConflictError(
                f"an aborted write moved a record of {self.plan.name} during an ordered scan",
                code="STX-1013",
            )
        self.rows[self._handed :] = late

    def _keep(self, key: tuple[Value, ...], row: Row | None) -> None:
        plan = self.plan
        if row is None or key in self._seen:
            return
        if isinstance(plan.source, IndexSource) and row[plan.source.column] != plan.source.value:
            return
        if plan.where is not None and not matches(plan.where, row):
            return
        self._seen.add(key)
        self.rows.append(row)
        self._reader.snapshot.reads.setdefault((plan.name, key), row)


class MergedRows:
    """A trace's rows with the transaction's own writes in their places, one at a time."""

    def __init__(
        self,
        trace: ScanTrace,
        hidden: set[tuple[Value, ...]],
        own: list[Row],
        position: Callable[[Mapping[str, Value]], tuple[Any, ...]] | None,
    ) -> None:
        self._trace = trace
        self._hidden = hidden
        self._own = own
        self._own_at = 0
        self._stored_at = 0
        self._position = position
        self.has_own = bool(own)

    async def next(self) -> Row | None:
        """The next row as the transaction sees it; None at the end."""
        stored = await self._next_stored()
        own = self._own[self._own_at] if self._own_at < len(self._own) else None
        if own is not None and (stored is None or self._comes_first(own, stored)):
            self._own_at += 1
            return own
        if stored is not None:
            self._stored_at += 1
        return stored

    async def _next_stored(self) -> Row | None:
        table = self._trace.plan.table.stored
        while (row := await self._trace.row(self._stored_at)) is not None:
            if not self._hidden or table.key_of(row) not in self._hidden:
                return row
            self._stored_at += 1
        return None

    def _comes_first(self, own: Row, stored: Row) -> bool:
        return self._position is not None and self._position(own) < self._position(stored)

    async def close(self) -> None:
        """Let go of the storage's scan."""
        await self._trace.close()


async def merged(trace: ScanTrace, reader: Reader) -> MergedRows:
    """Begin to read a trace together with the writes made so far."""
    plan = trace.plan
    writes = [w for w in reader.snapshot.writes.values() if w.table.name == plan.name]
    if not writes:
        return MergedRows(trace, set(), [], None)
    position = position_in(plan.source, plan.table.stored.schema)
    after = None if plan.after is None else position(dict(plan.after))
    own: list[Row] = []
    for write in writes:
        row = await _own_row(write, plan, reader)
        if row is not None and (after is None or position(row) > after):
            own.append(row)
    if plan.ordered:
        own.sort(key=position)
    return MergedRows(trace, {w.key for w in writes}, own, position if plan.ordered else None)


async def _own_row(write: PendingWrite, plan: ScanPlan, reader: Reader) -> Row | None:
    if write.values is None:
        return None
    source = plan.source
    if isinstance(source, PartitionSource):
        width = len(source.partition)
        if write.key[:width] != source.partition or not in_range(source.range, write.key[width:]):
            return None
    if write.pre_read:
        await reader.for_write(write.table, write.key)
    row = reader.snapshot.view(write.record_id)
    if row is None:
        return None
    if isinstance(source, IndexSource) and row[source.column] != source.value:
        return None
    if plan.where is not None and not matches(plan.where, row):
        return None
    return row
