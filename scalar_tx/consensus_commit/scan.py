"""How are many records read, own writes among them, and what is kept to validate it?

A scan reads the storage page by page and only as far as its caller needs. What it read, the rows
that are committed and match, in the storage's order, is its *trace*: a prefix, and whether the end
was reached. Own writes are merged at each return, never into the trace; validation reads the same
prefix again (Consensus Commit specification 3.6, 3.8, 4.3).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.snapshot import version_of
from scalar_tx.model.conditions import Or, matches, rewritten
from scalar_tx.model.isolation import Isolation
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
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.consensus_commit.scan_pages import PageSizes
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
    joins_indexes: bool = field(default=False, compare=False)  # the storage's

    @property
    def before_index(self) -> str | None:
        """The indexed column of previous values that belongs to the one that is read by."""
        if not isinstance(self.source, IndexSource):
            return None
        column = self.source.column
        if column in self.table.key_columns or not self.table.has_before_index(column):
            return None
        return record.before_column(column)

    @property
    def leaving(self) -> str | None:
        """The same, where one read finds the rows of either value."""
        return self.before_index if self.joins_indexes else None

    def is_leaving(self, row: Row) -> bool:
        """Is an undecided writer about to take this row away from the index value, perhaps?"""
        leaving = self.leaving
        return (
            leaving is not None
            and isinstance(self.source, IndexSource)
            and row[leaving] == self.source.value
            and not record.is_committed(row)
        )

    def request(self, sizes: PageSizes) -> ScanRequest:
        """What the storage is asked for: everything that matches now or did before."""
        source = self.source
        after = None if self.after is None else dict(self.after)
        if self.ordered_by_values:
            # By key, in which order rows stay where they are, and from the beginning: no row is
            # passed over that moves between two pages, or is rolled back to another place.
            source, after = WholeTableSource(), None
        if isinstance(source, IndexSource):
            source = replace(source, also=self.leaving)
        return ScanRequest(
            table=self.table.stored,
            source=source,
            where=_now_or_before(self.table, self.where),
            after=after,
            page_size=sizes.first,
            largest_page=sizes.largest,
        )

    def reaches(self, key: tuple[Value, ...]) -> bool:
        """Does the record of that key lie where this scan looks?"""
        source = self.source
        if not isinstance(source, PartitionSource):
            return True
        width = len(source.partition)
        return key[:width] == source.partition and in_range(source.range, key[width:])

    def wants(self, row: Row) -> bool:
        """Does a committed row, or one as this transaction sees it, belong to the result?"""
        if isinstance(self.source, IndexSource) and row[self.source.column] != self.source.value:
            return False
        if self.where is not None and not matches(self.where, row):
            return False
        if self.after is None or not self.ordered:
            return True
        position = position_in(self.source, self.table.stored.schema)
        return position(row) > position(dict(self.after))

    @property
    def ordered_by_values(self) -> bool:
        """Can a row's place change when the row is rolled back?

        Then a row that an undecided writer moved may stand behind any limit although its committed
        value belongs before it, so such a scan is read to its end and put in order here.
        """
        return isinstance(self.source, WholeTableSource) and any(
            item.column not in self.table.key_columns for item in self.source.order
        )

    @property
    def ordered(self) -> bool:
        """Is the order of the rows promised? Then own writes are merged where they belong."""
        if isinstance(self.source, WholeTableSource):
            return bool(self.source.order)
        return isinstance(self.source, PartitionSource)

    def before_index_request(self, sizes: PageSizes) -> ScanRequest | None:
        """The index read by previous value: it finds rows that are leaving the index value."""
        column = self.before_index
        if column is None or self.joins_indexes or not isinstance(self.source, IndexSource):
            return None
        source = IndexSource(column, self.source.value)
        return ScanRequest(self.table.stored, source, None, None, sizes.first, sizes.largest)


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
    """The rows of one scan, read as far as somebody asked.

    What a ``weak`` scan finds will not be validated: a later read of the same record looks at it
    anew. A write without one goes over what the scan found, so that no update is lost.
    """

    def __init__(
        self, plan: ScanPlan, reader: Reader, sizes: PageSizes, *, weak: bool = False
    ) -> None:
        self.plan = plan
        self.rows: list[Row] = []
        self.ended = False
        self._reader = reader
        self._sizes = sizes
        self.weak = weak
        self._pages: Pages | None = None
        self._page: deque[Row] = deque()  # of it those that nobody has asked for yet
        self._at_end = False  # no page follows
        self._judged: dict[tuple[Value, ...], Resolved] = {}  # and not rolled yet
        self._seen: set[tuple[Value, ...]] = set()
        # Observers are told what the caller gets; of a weak scan's rows nothing is promised.
        self.is_observed = reader.snapshot.shown is not None and not weak

    async def row(self, number: int) -> Row | None:
        """The row of that number, read now if it was not before; None behind the last one."""
        while not self.ended and (number >= len(self.rows) or self.plan.ordered_by_values):
            if not self._page:
                self._roll()
                await (self._end() if self._at_end else self.fetch())
                continue
            try:
                await self._take(self._page.popleft())
            except Exception:
                self._roll()  # those before one whose writer is alive
                raise
        return self.rows[number] if number < len(self.rows) else None

    def contradicts(self, key: tuple[Value, ...], replaced: Row | None) -> bool:
        """Does the scan say otherwise about a record than that it was ``replaced``?

        The record is one that this transaction has prepared, over that committed row or over
        nothing, so the storage can't be asked again.
        """
        if key in self._seen:
            return replaced is None
        if replaced is None or not self.plan.reaches(key) or not self.plan.wants(replaced):
            return False
        if self.ended or not (self.rows and self.plan.ordered):
            return self.ended
        position = position_in(self.plan.source, self.plan.table.stored.schema)
        return position(replaced) < position(self.rows[-1])

    async def close(self) -> None:
        """Let go of the storage's scan; reading on would begin behind the last row."""
        self._page.clear()
        self._roll()
        if self._pages is not None:
            pages, self._pages = self._pages, None
            await pages.close()

    async def fetch(self) -> None:
        """Ask the storage for the next page; nothing of it is judged yet."""
        pages = self._pages
        if pages is None:
            pages = self._pages = self._reader.context.storage.scan(self._next_request())
        page = await pages.next_page()
        if page is None:
            self._at_end = True
        else:
            self._page.extend(page)

    async def _end(self) -> None:
        await self.close()
        await self._read_before_index()
        if self.plan.ordered_by_values:
            self.rows.sort(key=position_in(self.plan.source, self.plan.table.stored.schema))
        self.ended = True

    def _next_request(self) -> ScanRequest:
        request = self.plan.request(self._sizes)
        return replace(request, after=self.rows[-1]) if self.rows else request

    async def _take(self, row: Row) -> None:
        table = self.plan.table
        key = table.stored.key_of(row)
        found: Row | None = row
        if not record.is_committed(row):
            found = await self._resolved(key, row, leaving=self.plan.is_leaving(row))
        self._keep(key, found)

    async def _resolved(self, key: tuple[Value, ...], row: Row, *, leaving: bool) -> Row | None:
        table, reader = self.plan.table, self._reader
        if leaving:
            # A writer that may be alive is a conflict at every isolation level (specification 5.3).
            resolved = await reader.context.recovery.resolve(table, key, row)
        else:
            resolved = await reader.judge(table, key, row)
        self._judged[key] = resolved
        return resolved.row

    def _roll(self) -> None:
        """Settle together what was judged until now."""
        judged, self._judged = self._judged, {}
        self._reader.roll(self.plan.table, judged)

    async def _read_before_index(self) -> None:
        """Add the rows that an undecided writer is taking away from the index value.

        Their previous image has the value; if it is restored they belong to the result.
        """
        reader = self._reader
        if not reader.context.options.before_index_check:
            return
        request = self.plan.before_index_request(self._sizes)
        if request is None:
            return
        pages = reader.context.storage.scan(request)
        try:
            while (page := await pages.next_page()) is not None:
                for row in page:
                    if record.is_committed(row):
                        continue
                    key = self.plan.table.stored.key_of(row)
                    self._keep(key, await self._resolved(key, row, leaving=True))
        finally:
            self._roll()
            await pages.close()

    def _keep(self, key: tuple[Value, ...], row: Row | None) -> None:
        if row is None or key in self._seen or not self.plan.wants(row):
            return
        self._seen.add(key)
        self.rows.append(row)
        self._reader.snapshot.note((self.plan.name, key), row, weak=self.weak)

    def show(self, row: Row) -> None:
        """Keep for observers that the caller gets this row.

        Below SERIALIZABLE a scan may show a newer version of a record than an earlier read of this
        transaction did (specification 11.4, 1). It promises nothing then, so it is not kept.
        """
        reader = self._reader
        record_id = (self.plan.name, self.plan.table.stored.key_of(row))
        promised = reader.isolation is Isolation.SERIALIZABLE
        if promised or version_of(reader.snapshot.reads[record_id]) == version_of(row):
            reader.snapshot.show(record_id, row)


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
            if self._trace.is_observed:
                self._trace.show(stored)
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
    own: list[Row] = []
    for write in writes:
        row = await _own_row(write, plan, reader)
        if row is not None and plan.wants(row):
            own.append(row)
    if plan.ordered:
        own.sort(key=position)
    return MergedRows(trace, {w.key for w in writes}, own, position if plan.ordered else None)


async def _own_row(write: PendingWrite, plan: ScanPlan, reader: Reader) -> Row | None:
    if write.values is None:
        return None
    if not plan.reaches(write.key):
        return None
    if write.pre_read:
        await reader.for_write(write.table, write.key)
    return reader.snapshot.view(write.record_id)
