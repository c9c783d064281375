"""Is what the transaction read still what the storage holds?

Every read is done again after all prepares succeeded, without recovery: presence, order and the
writers' ids must be the same (Consensus Commit specification 4.3). A row that somebody else has
prepared by now bears another id, and so is a conflict. Own prepared rows are passed over; those
that another part of the same transaction has prepared (``two_phase``) count as that part found
them, so that both parts rest on the same versions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.look_again import Group, PointCheck, ScanCheck, look_again
from scalar_tx.consensus_commit.read_errors import about
from scalar_tx.consensus_commit.scan_pages import FIRST_PAGE, page_sizes
from scalar_tx.errors import ConflictError
from scalar_tx.storage.interface import IndexSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.look_again import Check
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan import ScanTrace
    from scalar_tx.consensus_commit.scan_pages import PageSizes
    from scalar_tx.consensus_commit.snapshot import RecordId, Snapshot
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import (
        BatchReads,
        MomentStorage,
        Reads,
        ScanRequest,
    )


Step: TypeAlias = "Callable[[], Coroutine[object, object, None]]"


class Validation:
    """Reads a transaction's reads again.

    ``prepared`` are the records it has prepared; their images were compared by prepare itself.
    ``last_get``: of a transaction without writes, what it read last of all.
    """

    def __init__(
        self,
        context: Context,
        snapshot: Snapshot,
        tx_id: str | None,
        prepared: Collection[RecordId],
        *,
        last_get: RecordId | None = None,
    ) -> None:
        self._context = context
        self._snapshot = snapshot
        self._tx_id = tx_id
        self._prepared = prepared
        self._last_get = last_get

    async def run(self) -> None:
        """Look at every read, in the order of ``look_again``; ConflictError names what changed."""
        self._check_prepared()
        if self._context.finish_later is not None and self._snapshot.scans:
            # A row that this process has yet to finish looks like another one's in an index.
            names = {trace.plan.name for trace in self._snapshot.scans.values()}
            await self._context.finish_later.wait_for_tables(names)
        absent, there = look_again(self._context.storage, self, self._checks())
        for groups in (absent, there):
            steps = [step for group in groups for step in self._steps(group)]
            if steps:
                for outcome in await self._context.runtime.run_all(steps):
                    outcome.result()

    def reads(self) -> int:
        """How many requests ``run`` makes, each scan taken for one page."""
        absent, there = look_again(self._context.storage, self, self._checks())
        return sum(group.requests for group in (*absent, *there))

    def _checks(self) -> list[Check]:
        snapshot = self._snapshot
        checks: list[Check] = [
            PointCheck(self, table, record_id, of_absence=snapshot.reads[record_id] is None)
            for record_id, table in snapshot.point_reads.items()
            if record_id not in self._prepared
        ]
        checks.extend(ScanCheck(self, trace) for trace in snapshot.scans.values())
        return self._but_the_last(checks)

    def _but_the_last(self, checks: list[Check]) -> list[Check]:
        """The moment of the last get may stand for all: what else was there is there unchanged.

        Not if something was absent: it may have come and gone around that very moment.
        """
        others = [check for check in checks if check.record_id != self._last_get]
        if self._last_get is None or any(check.of_absence for check in others):
            return checks
        return others

    def _steps(self, group: Group) -> list[Step]:
        if not group.at_one_moment:
            return [partial(part, self._context.storage) for part in group.parts]

        async def all_of_them(reads: Reads) -> None:
            for part in group.parts:
                await part(reads)

        storage = cast("MomentStorage", self._context.storage)  # its info said so
        return [lambda: storage.at_one_moment(group.table, all_of_them)]

    def _check_prepared(self) -> None:
        """What was read of the records this transaction writes, against what it replaced.

        Prepare has compared one image of each; another read of the same record may have seen it
        when it was not there yet, or before it was removed.
        """
        snapshot = self._snapshot
        for record_id in self._prepared:
            write = snapshot.writes[record_id]
            read = snapshot.reads.get(record_id)
            replaced = None if write.insert else read
            if (read is not None and replaced is None) or any(
                trace.plan.name == write.table.name and trace.contradicts(write.key, replaced)
                for trace in snapshot.scans.values()
            ):
                raise self._changed(write.table, write.key, None)

    async def check_point(
        self, reads: Reads, table: TransactionalTable, record_id: RecordId
    ) -> None:
        """One record: as present as before, and by the same writer."""
        self._compare(table, record_id, await reads.get(table.stored, record_id[1]))

    async def check_points(self, reads: BatchReads, checks: Sequence[PointCheck]) -> None:
        """Several records, read together; one that changed outweighs one that can't be read."""
        answers = await reads.get_many(
            [(check.table.stored, check.record_id[1]) for check in checks]
        )
        unread: Exception | None = None
        for check, answer in zip(checks, answers, strict=True):
            if not isinstance(answer, Exception):
                self._compare(check.table, check.record_id, answer)
            elif unread is None:
                unread = about(answer, check.table, check.record_id[1])
        if unread is not None:
            raise unread

    def _compare(self, table: TransactionalTable, record_id: RecordId, found: Row | None) -> None:
        then = self._snapshot.reads[record_id]
        now = self._as_found(table, found)
        if (now is None) != (then is None) or (
            now is not None and then is not None and now["tx_id"] != then["tx_id"]
        ):
            raise self._changed(table, record_id[1], now)

    async def check_scan(self, reads: Reads, trace: ScanTrace) -> None:
        """A scan: the same prefix, and nothing behind it if its end was reached."""
        plan = trace.plan
        expected = [
            row
            for row in trace.rows
            if (plan.name, self._key(plan.table, row)) not in self._prepared
        ]
        rows = len(trace.rows)
        if trace.ended:
            # It ends with a page that is not full, own new rows in it or not.
            own = sum(name == plan.name for name, _ in self._prepared)
            rows = max(rows + 1 + own, FIRST_PAGE)
        sizes = page_sizes(self._context.options, rows)
        if isinstance(plan.source, IndexSource):
            await self._check_unordered(reads, trace, expected, plan.request(sizes))
            if trace.ended:
                await self._check_before_index(reads, trace, sizes)
        elif plan.ordered_by_values:
            # Read by key, kept by value; whatever the order, nothing is missing and nothing new.
            await self._check_unordered(reads, trace, expected, plan.request(sizes))
        else:
            await self._check_ordered(reads, trace, sizes)

    async def _check_ordered(self, reads: Reads, trace: ScanTrace, sizes: PageSizes) -> None:
        # Own prepared rows keep their places in this order and are walked past, not left out: what
        # others put before the last of them lies within what was read.
        table, then = trace.plan.table, trace.rows
        at = 0
        rows = self._rows(reads, trace, trace.plan.request(sizes))
        try:
            while at < len(then) or trace.ended:
                now = await rows.next()
                key = None if now is None else self._key(table, now)
                if now is not None and self._is_own(trace, now):
                    at += at < len(then) and key == self._key(table, then[at])
                    continue
                if now is not None and not trace.plan.wants(now):
                    continue
                while at < len(then) and key != self._key(table, then[at]):
                    if not self._has_prepared(trace, then[at]):
                        raise self._changed(table, key or self._key(table, then[at]), now)
                    at += 1
                if now is None:
                    return
                if at >= len(then) or now["tx_id"] != then[at]["tx_id"]:
                    raise self._changed(table, self._key(table, now), now)
                at += 1
        finally:
            await rows.close()

    async def _check_unordered(
        self, reads: Reads, trace: ScanTrace, expected: list[Row], request: ScanRequest
    ) -> None:
        table = trace.plan.table
        missing = {self._key(table, row): row for row in expected}
        rows = self._rows(reads, trace, request)
        try:
            while missing or trace.ended:
                now = await self._next_foreign(rows, trace)
                if now is None:
                    break
                key = self._key(table, now)
                then = missing.pop(key, None)
                if then is None and not trace.ended:
                    continue
                if then is None or now["tx_id"] != then["tx_id"]:
                    raise self._changed(table, key, now)
        finally:
            await rows.close()
        for key in missing:
            raise self._changed(table, key, None)

    async def _check_before_index(self, reads: Reads, trace: ScanTrace, sizes: PageSizes) -> None:
        """Whoever is taking a row away from the index value, or bringing it back, is in our way."""
        request = trace.plan.before_index_request(sizes)
        if request is None or not self._context.options.before_index_check:
            return
        rows = _Rows(reads, request, as_found=lambda row: row)
        try:
            while (row := await rows.next()) is not None:
                if not record.is_committed(row) and row["tx_id"] != self._tx_id:
                    raise self._changed(trace.plan.table, self._key(trace.plan.table, row), row)
        finally:
            await rows.close()

    async def _next_foreign(self, rows: _Rows, trace: ScanTrace) -> Row | None:
        """The next row that matches and that this transaction has not prepared."""
        plan = trace.plan
        while (row := await rows.next()) is not None:
            if trace.ended and plan.is_leaving(row) and row["tx_id"] != self._tx_id:
                raise self._changed(plan.table, self._key(plan.table, row), row)
            if not self._is_own(trace, row) and plan.wants(row):
                return row
        return None

    def _rows(self, reads: Reads, trace: ScanTrace, request: ScanRequest) -> _Rows:
        return _Rows(reads, request, as_found=lambda row: self._as_found(trace.plan.table, row))

    def _as_found(self, table: TransactionalTable, row: Row | None) -> Row | None:
        """A row that another part of this transaction has prepared, as that part found it."""
        if (
            row is None
            or self._tx_id is None
            or row["tx_id"] != self._tx_id
            or (table.name, self._key(table, row)) in self._prepared
            or record.is_committed(row)
        ):
            return row
        return record.before_image(table, row)

    def _is_own(self, trace: ScanTrace, row: Row) -> bool:
        return (
            self._tx_id is not None
            and row["tx_id"] == self._tx_id
            and self._has_prepared(trace, row)
        )

    def _has_prepared(self, trace: ScanTrace, row: Row) -> bool:
        return (trace.plan.name, self._key(trace.plan.table, row)) in self._prepared

    @staticmethod
    def _key(table: TransactionalTable, row: Row) -> tuple[Value, ...]:
        return table.stored.key_of(row)

    def _changed(
        self, table: TransactionalTable, key: tuple[Value, ...], now: Row | None
    ) -> ConflictError:
        other = None if now is None else now["tx_id"]
        return ConflictError(
            f"what was read of {table.name} has changed since",
            records=[(table.name, table.key_mapping(key))],
            other_transaction=other if isinstance(other, str) else None,
            code="STX-1020",
        )


class _Rows:
    """A storage's scan, row by row."""

    __slots__ = ("_as_found", "_at", "_page", "_pages")

    def __init__(
        self, reads: Reads, request: ScanRequest, *, as_found: Callable[[Row], Row | None]
    ) -> None:
        self._pages = reads.scan(request)
        self._as_found = as_found
        self._page: list[Row] = []
        self._at = 0

    async def next(self) -> Row | None:
        while True:
            if self._at >= len(self._page):
                page = await self._pages.next_page()
                if page is None:
                    return None
                self._page = list(page)
                self._at = 0
            self._at += 1
            row = self._as_found(self._page[self._at - 1])
            if row is not None:
                return row

    async def close(self) -> None:
        await self._pages.close()
