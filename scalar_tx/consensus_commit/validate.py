"""Is what the transaction read still what the storage holds?

Every read is done again after all prepares succeeded, without recovery: presence, order and the
writers' ids must be the same (Consensus Commit specification 4.3). A row that somebody else has
prepared by now bears another id, and so is a conflict. Own prepared rows are passed over; those
that another part of the same transaction has prepared (``two_phase``) count as that part found
them, so that both parts rest on the same versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from scalar_tx.consensus_commit import record
from scalar_tx.errors import ConflictError
from scalar_tx.storage.interface import IndexSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan import ScanTrace
    from scalar_tx.consensus_commit.snapshot import RecordId, Snapshot
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import MomentStorage, Reads, ScanRequest, StorageInfo


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
        """Look at every read; ConflictError names a record that changed.

        Absence bears no id: a record may have come and gone since. What was absent is therefore
        looked at in one moment where the storage has such a thing, and in any case before the
        records that were there: these bear ids, so finding them unchanged later tells that they
        were so at that moment too. Elsewhere one absence is certain and several are not.
        """
        self._check_prepared()
        if self._context.finish_later is not None and self._snapshot.scans:
            # A row that this process has yet to finish looks like another one's in an index.
            names = {trace.plan.name for trace in self._snapshot.scans.values()}
            await self._context.finish_later.wait_for_tables(names)
        by_storage: dict[str, tuple[StorageInfo, list[_Check]]] = {}
        for check in self._checks():
            info = self._context.storage.info(check.table.name)
            by_storage.setdefault(info.name, (info, []))[1].append(check)
        absent: list[Step] = []
        there: list[Step] = []
        for info, checks in by_storage.values():
            of_absence = [check for check in checks if check.of_absence]
            present = [check for check in checks if not check.of_absence]
            if info.moments and _takes_several_reads(of_absence):
                if len(by_storage) == 1:
                    of_absence, present = checks, []
                absent.append(self._at_one_moment(of_absence))
            else:
                absent.extend(map(self._step, of_absence))
            there.extend(map(self._step, present))
        for steps in (absent, there):
            if steps:
                for outcome in await self._context.runtime.run_all(steps):
                    outcome.result()

    def reads(self) -> int:
        """How many reads ``run`` does, each scan taken for one page."""
        return len(self._checks())

    def _checks(self) -> list[_Check]:
        snapshot = self._snapshot
        checks: list[_Check] = [
            _PointCheck(self, table, record_id, of_absence=snapshot.reads[record_id] is None)
            for record_id, table in snapshot.point_reads.items()
            if record_id not in self._prepared
        ]
        checks.extend(_ScanCheck(self, trace) for trace in snapshot.scans.values())
        return self._but_the_last(checks)

    def _but_the_last(self, checks: list[_Check]) -> list[_Check]:
        """The moment of the last get may stand for all: what else was there is there unchanged.

        Not if something was absent: it may have come and gone around that very moment.
        """
        others = [check for check in checks if check.record_id != self._last_get]
        if self._last_get is None or any(check.of_absence for check in others):
            return checks
        return others

    def _step(self, check: _Check) -> Step:
        return lambda: check(self._context.storage)

    def _at_one_moment(self, checks: list[_Check]) -> Step:
        async def all_of_them(reads: Reads) -> None:
            for check in checks:
                await check(reads)

        storage = cast("MomentStorage", self._context.storage)  # its info said so
        return lambda: storage.at_one_moment(checks[0].table.name, all_of_them)

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
        then = self._snapshot.reads[record_id]
        now = self._as_found(table, await reads.get(table.stored, record_id[1]))
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
        page_size = max(1, min(len(trace.rows) + 1, self._context.options.scan_fetch_size))
        if isinstance(plan.source, IndexSource):
            await self._check_unordered(reads, trace, expected, plan.request(page_size))
            if trace.ended:
                await self._check_before_index(reads, trace, page_size)
        elif plan.ordered_by_values:
            # Read by key, kept by value; whatever the order, nothing is missing and nothing new.
            await self._check_unordered(reads, trace, expected, plan.request(page_size))
        else:
            await self._check_ordered(reads, trace, page_size)

    async def _check_ordered(self, reads: Reads, trace: ScanTrace, page_size: int) -> None:
        # Own prepared rows keep their places in this order and are walked past, not left out: what
        # others put before the last of them lies within what was read.
        table, then = trace.plan.table, trace.rows
        at = 0
        rows = self._rows(reads, trace, trace.plan.request(page_size))
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

    async def _check_before_index(self, reads: Reads, trace: ScanTrace, page_size: int) -> None:
        """Whoever is taking a row away from the index value, or bringing it back, is in our way."""
        request = trace.plan.before_index_request(page_size)
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


class _PointCheck:
    __slots__ = ("_validation", "of_absence", "record_id", "table")

    def __init__(
        self,
        validation: Validation,
        table: TransactionalTable,
        record_id: RecordId,
        *,
        of_absence: bool,
    ) -> None:
        self._validation = validation
        self.record_id = record_id
        self.table = table
        self.of_absence = of_absence

    async def __call__(self, reads: Reads) -> None:
        await self._validation.check_point(reads, self.table, self.record_id)


class _ScanCheck:
    __slots__ = ("_trace", "_validation", "of_absence", "table")
    record_id = None  # it is of no single record

    def __init__(self, validation: Validation, trace: ScanTrace) -> None:
        self._validation = validation
        self._trace = trace
        self.table = trace.plan.table
        self.of_absence = True  # of everything between its rows

    async def __call__(self, reads: Reads) -> None:
        await self._validation.check_scan(reads, self._trace)


_Check: TypeAlias = _PointCheck | _ScanCheck


def _takes_several_reads(checks: list[_Check]) -> bool:
    """One read is of one moment by itself; a scan may take several."""
    return len(checks) > 1 or any(isinstance(check, _ScanCheck) for check in checks)


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
