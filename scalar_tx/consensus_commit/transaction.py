"""What can be done with a transaction, step by step?

This is the one body behind both faces: ``Transaction`` drives it on a thread, ``AsyncTransaction``
on an event loop, the simulator by seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.consensus_commit import refused_calls
from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.commit_path import route
from scalar_tx.consensus_commit.cursor import ScanCursor
from scalar_tx.consensus_commit.decisions import refuse_decided
from scalar_tx.consensus_commit.explain import explain
from scalar_tx.consensus_commit.guarded_reads import guarded, pre_read, read_together
from scalar_tx.consensus_commit.isolation import check_linearizable
from scalar_tx.consensus_commit.metadata import check_unchanged
from scalar_tx.consensus_commit.observer import footprint, tell_began, tell_ended
from scalar_tx.consensus_commit.own_id import OwnId
from scalar_tx.consensus_commit.plan import plan_scan
from scalar_tx.consensus_commit.read import Reader
from scalar_tx.consensus_commit.scan import ScanTrace, merged
from scalar_tx.consensus_commit.scan_pages import FIRST_PAGE, page_sizes
from scalar_tx.consensus_commit.snapshot import Snapshot
from scalar_tx.consensus_commit.unread import leave_unread
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.consensus_commit.write import Writer
from scalar_tx.errors import InvalidOperationError, ScalarTxError, UnknownOutcomeError
from scalar_tx.model.arguments import check_flags, check_timeout
from scalar_tx.model.conditions import bound, matches
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.record import Record
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import ReadKind

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.observer import Footprint, Observer
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId
    from scalar_tx.model.checks import Checks
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Row, Value

T = TypeVar("T")
_RERUN = "Do the same again with the same key: it is done once, whatever became of this attempt"


class TransactionSteps:
    """One transaction, from its first operation to its end.

    ``outcome`` is None while it is open, then COMMITTED, ABORTED or UNKNOWN.
    """

    decides_alone = True  # or is it one of several parts?

    def __init__(
        self,
        context: Context,
        isolation: Isolation,
        *,
        read_only: bool = False,
        caller_id: str | None = None,
        fresh_id: bool = False,
        timeout: float | None = None,
    ) -> None:
        check_flags(read_only=read_only)
        check_timeout(timeout)
        self._context = context
        self.isolation = isolation
        self.read_only = read_only
        groups = context.groups if self.decides_alone and not read_only else None
        self._own_id = OwnId(context, caller_id, groups, fresh=fresh_id)
        self._snapshot = Snapshot()
        self._reader = Reader(context, self._snapshot, isolation, read_only=read_only)
        self._writer = Writer(self._reader)
        self._cursors: set[ScanCursor] = set()
        self._tables: dict[str, TransactionalTable] = {}  # as they were when first used
        self._timeout = timeout
        self._ends_at = None if timeout is None else context.runtime.elapsed() + timeout
        self.rerun_is_safe = False  # does a rerun find out whether this one is committed?
        self.outcome: TransactionState | None = None
        self.finished = False  # committed, rolled back, or failed to commit
        self._observers: tuple[Observer, ...] = ()
        if context.observers:
            self._snapshot.shown = []
            self._observers = tell_began(context.observers, self)

    @property
    def id(self) -> str:
        """The id; made when somebody asks for it, at the latest by the first prepare."""
        return self._own_id.get()

    @property
    def id_if_known(self) -> str | None:
        """The id if one was handed out already."""
        return self._own_id.known

    _id = id_if_known

    @property
    def footprint(self) -> Footprint:
        """What it has read and written so far, for those that observe it from its beginning."""
        return footprint(self._snapshot, self.outcome)

    def explain(self) -> Explanation:
        """What its commit would cost as it stands."""
        return explain(
            self._context,
            self._snapshot,
            self.isolation,
            id_is_known=self._id is not None,
            decides_alone=self.decides_alone,
        )

    async def table(self, name: str) -> TableSchema:
        """What a table is like to its callers; InvalidOperationError: there is none."""
        return (await self._begin(name))[0].user

    # Reads.

    async def get(self, get: Get) -> Record | None:
        """Read one record by key or by an index value."""
        table, checks = await self._begin(get.table)
        columns = self._projection(get.columns, table, checks)
        if get.index is not None:
            return await self._get_by_index(get, columns)
        key = checks.key(get.key, table.key_columns, "key")
        where = None if get.where is None else bound(get.where, checks.schema, table.name)
        self._check_kind(table, ReadKind.GET, weak=get.weak)
        row = await self._view(table, key)
        if row is None or (where is not None and not matches(where, row)):
            return None
        return Record.from_row(table.name, table.key_columns, columns, row)

    async def _view(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        write = self._snapshot.writes.get((table.name, key))
        if write is None:
            return await self._guarded(self._reader.by_key(table, key))
        if write.values is not None and not write.insert:
            await self._guarded(self._reader.for_write(table, key))
        return self._snapshot.view((table.name, key))

    async def _get_by_index(self, get: Get, columns: tuple[str, ...]) -> Record | None:
        scan = Scan(get.table, index=get.index, where=get.where, weak=get.weak)
        cursor, rows = await self._rows(scan, enough=2)
        if len(rows) > 1:
            raise InvalidOperationError(
                f"several records of {get.table} have the index value {dict(get.index or {})!r}",
                advice="Use scan(index=…)",
                code="STX-3035",
            )
        table = cursor.plan.table
        return Record.from_row(table.name, table.key_columns, columns, rows[0]) if rows else None

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records, own writes among them."""
        cursor, rows = await self._rows(scan, enough=scan.limit or None)
        return cursor.records(rows)

    async def _rows(self, scan: Scan, *, enough: int | None) -> tuple[ScanCursor, list[Row]]:
        cursor = await self.open_cursor(scan)
        try:
            rows: list[Row] = []
            while (page := await cursor.next_rows()) is not None:
                rows.extend(page)
                if enough is not None and len(rows) >= enough:
                    break
            return cursor, rows
        finally:
            await cursor.close()

    async def open_cursor(self, scan: Scan) -> ScanCursor:
        """Begin a scan that is read page by page; it sees the writes made until now."""
        table, checks = await self._begin(scan.table)
        columns = self._projection(scan.columns, table, checks)
        plan = plan_scan(scan, table, checks, self._context, self.isolation)
        options = self._context.options
        sizes = page_sizes(options, scan.limit)
        trace = self._snapshot.scans.get(plan) if self._reader.repeatable else None
        weak = scan.weak and self.isolation is Isolation.SERIALIZABLE
        if trace is None:
            trace = ScanTrace(plan, self._reader, sizes, weak=weak)
        rows = await self._guarded(merged(trace, self._reader))
        if self._reader.repeatable and not weak:
            self._snapshot.scans[plan] = trace
        cursor = ScanCursor(
            plan,
            rows,
            columns=columns,
            limit=scan.limit or None,
            page_size=min(sizes.first, options.scan_fetch_size or FIRST_PAGE),
            transaction_id=self._id,
            when_closed=self._cursors.discard,
        )
        self._cursors.add(cursor)
        return cursor

    # Writes.

    async def mutate(self, mutation: Mutation) -> None:
        """Record one write."""
        table, checks = await self._begin(mutation.table, writes=True)
        await self._guarded(self._writer.record(mutation, table, checks))

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Run operations in order; the point reads among them go to the storage together.

        Where one of them fails, none of their writes is recorded.
        """
        self._require_open()
        if self._reader.repeatable:
            await self._read_ahead(operations)
        written = self.written()
        try:
            return [await self._one(operation) for operation in operations]
        except BaseException:
            self.take_back(written)
            raise

    def written(self) -> dict[RecordId, PendingWrite]:
        """The writes until now, for ``take_back``."""
        return self._snapshot.writes.copy()

    def take_back(self, written: dict[RecordId, PendingWrite]) -> None:
        """Forget the writes since then; it may be done again, by the same mark."""
        self._snapshot.writes = written.copy()

    async def _one(self, operation: Operation) -> Record | list[Record] | None:
        if isinstance(operation, Get):
            return await self.get(operation)
        if isinstance(operation, Scan):
            return await self.scan(operation)
        await self.mutate(operation)
        return None

    async def _read_ahead(self, operations: Sequence[Operation]) -> None:
        wanted: dict[tuple[str, tuple[Value, ...]], TransactionalTable] = {}
        for operation in operations:
            if isinstance(operation, Get) and operation.key is not None:
                table, checks = await self._begin(operation.table)
                key = checks.key(operation.key, table.key_columns, "key")
                self._check_kind(table, ReadKind.GET, weak=operation.weak)
                record_id = (table.name, key)
                if record_id not in self._snapshot.reads and record_id not in self._snapshot.writes:
                    wanted[record_id] = table
        await read_together(self._reader, list(wanted.items()), self._id)

    # The end.

    async def commit(self) -> None:
        """Make the writes durable and visible, all of them, or raise why not."""
        self._require_open()
        await self._close_cursors()
        commit: Commit | None = None
        outcome = TransactionState.ABORTED
        try:
            self._check_time()
            leave_unread(self._context, self._snapshot, self.isolation, self._id)
            await pre_read(self._reader, self._id)
            await self._wait_for_recoveries()
            if self._snapshot.writes:
                if self._own_id.of_caller:
                    await refuse_decided(self._context.decisions, self.id)
                commit = self._new_commit()
                await commit.run()
            else:
                await self._commit_without_writes()
            outcome = TransactionState.COMMITTED
        except UnknownOutcomeError as error:
            outcome = TransactionState.UNKNOWN
            if self.rerun_is_safe:
                error.retryable, error.advice = True, _RERUN
            raise
        except ScalarTxError as error:
            error.transaction_id = error.transaction_id or self._id
            raise
        except BaseException:
            # Killed in the middle. Before the decision was sent nobody can commit any more.
            if commit is not None and commit.decision_sent:
                outcome = known.state if (known := commit.decision) else TransactionState.UNKNOWN
            raise
        finally:
            # No calls before: Ctrl-C comes in at them, and what is committed would look open.
            self.outcome = outcome
            self.finished = True
            self._tell_ended()

    async def rollback(self) -> None:
        """Forget everything; nothing has been written yet."""
        if self.finished:
            if self.outcome is TransactionState.COMMITTED:
                raise refused_calls.closed("roll back", self.outcome, self._id)
            return
        await self._close_cursors()
        self.outcome = TransactionState.ABORTED
        self.finished = True
        self._tell_ended()

    def _tell_ended(self) -> None:
        self._own_id.end()
        if self._observers:
            tell_ended(self._context.observers, self._observers, self)

    async def confirm_reads(self) -> None:
        """ConflictError if what was read so far does not hold any more.

        An exception of the caller's code may rest on a state that never was; this tells.
        """
        if self.finished or self.isolation is not Isolation.SERIALIZABLE:
            return
        await self._close_cursors()
        await self._wait_for_recoveries()
        await self._guarded(Validation(self._context, self._snapshot, None, ()).run())

    async def _read_first(self, writes: Sequence[PendingWrite]) -> None:
        """Records that were to be written unread have to be read after all."""
        self._snapshot.unread.difference_update(write.record_id for write in writes)
        await pre_read(self._reader, self._id)
        await self._wait_for_recoveries()

    async def _wait_for_recoveries(self) -> None:
        """Preparing over a row that still has to be settled would fail, or keep a wrong image."""
        everything = self.isolation is Isolation.SERIALIZABLE
        for record_id, settling in self._snapshot.settling:
            if everything or record_id in self._snapshot.writes:
                await self._guarded(settling.done())

    async def _commit_without_writes(self) -> None:
        if not self._context.options.write_omission_on_read_only:
            # Specification 4.7: read-only and aborted transactions too leave a decision then.
            await self._new_commit().run()
        elif self.isolation is Isolation.SERIALIZABLE:
            last = self._snapshot.last_get if self._context.options.one_phase_commit else None
            validation = Validation(self._context, self._snapshot, self._id, (), last_get=last)
            await self._guarded(validation.run())

    def _new_commit(self) -> Commit:
        known = self._id is not None
        way = route(self._context, self._snapshot, self.isolation, id_is_known=known)
        return Commit(
            self._context,
            self._snapshot,
            self.isolation,
            tx_id=self._own_id.for_commit(way),
            check_time=self._check_time,
            read_first=self._read_first,
            way=way,
        )

    async def _close_cursors(self) -> None:
        for cursor in list(self._cursors):
            await cursor.close()

    # Checks that every call makes.

    async def _begin(self, name: str, *, writes: bool = False) -> tuple[TransactionalTable, Checks]:
        self._require_open()
        self._check_time()
        if writes and self.read_only:
            raise refused_calls.read_only(self._id)
        catalog, default = self._context.catalog, self._context.options.default_namespace
        if default and isinstance(name, str) and "." not in name:
            name = f"{default}.{name}"
        known = catalog.known(name)
        table = known if known is not None else await self._guarded(catalog.table(name))
        check_unchanged(self._tables.setdefault(table.name, table), table, self._id)
        return table, table.checks

    def _projection(
        self, columns: Sequence[str] | None, table: TransactionalTable, checks: Checks
    ) -> tuple[str, ...]:
        if columns is not None:
            return checks.projection(columns)
        if self._context.options.include_metadata:
            return table.stored.columns
        return tuple(table.user.columns)

    def _check_kind(self, table: TransactionalTable, kind: ReadKind, *, weak: bool) -> None:
        check_linearizable(self._context, kind, table.name, isolation=self.isolation, weak=weak)

    def _require_open(self) -> None:
        if self.finished:
            raise refused_calls.closed("use", self.outcome, self._id)

    def _check_time(self) -> None:
        if self._ends_at is not None and self._context.runtime.elapsed() > self._ends_at:
            raise refused_calls.too_late(self._timeout, self._id)

    def _guarded(self, steps: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        return guarded(steps, self._id)
