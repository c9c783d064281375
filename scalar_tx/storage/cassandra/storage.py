"""How do the protocol's reads and writes become statements on a Cassandra cluster?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import (
    InvalidOperationError,
    SchemaError,
    StorageBusyError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import Existence, matches
from scalar_tx.storage.cassandra.admin import CassandraAdmin
from scalar_tx.storage.cassandra.catalog import Catalog
from scalar_tx.storage.cassandra.clock import clock_ahead_ms
from scalar_tx.storage.cassandra.codec import RowDecoder
from scalar_tx.storage.cassandra.conditions import columns_in, key_row, terms_of, terms_of_seen
from scalar_tx.storage.cassandra.reads_together import PartitionStatements, together
from scalar_tx.storage.cassandra.scans import ScanStatements, check_scan
from scalar_tx.storage.cassandra.session import QUORUM, SERIAL, Session
from scalar_tx.storage.cassandra.settings import cassandra_settings
from scalar_tx.storage.cassandra.statements import RecordStatements
from scalar_tx.storage.interface import (
    AtomicityUnit,
    Erase,
    Overwrite,
    PartitionSource,
    ReadKind,
    StorageInfo,
    Waits,
    Write,
    unit_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.cassandra.reads_together import Together
    from scalar_tx.storage.cassandra.settings import CassandraSettings
    from scalar_tx.storage.cassandra.statements import Statement
    from scalar_tx.storage.cassandra.wire import Answer as Reply
    from scalar_tx.storage.cassandra.wire import Cells
    from scalar_tx.storage.interface import Answer, ScanRequest, StorageMutation, Waiter

_MOST_KEY_BYTES: Final = 65_535
_MOST_STATEMENTS: Final = 65_535  # of one batch
# How often a write that rests on what was read is begun again because that has changed.
_MOST_READINGS: Final = 20

# A read that SERIAL can't be asked of sees every acknowledged write by its majority, but it spans
# partitions that it meets one after the other: no state that ever was.
_INFO: Final = StorageInfo(
    name="cassandra",
    atomicity_unit=AtomicityUnit.PARTITION,
    max_mutations=_MOST_STATEMENTS,
    linearizable=frozenset({ReadKind.GET, ReadKind.PARTITION}),
    waits=Waits.FUTURES,
    orders_whole_table=False,
    batches=1,  # or several of one partition; all of them on their way at once
)


@dataclass(slots=True)
class _Known:
    """The statements of a table."""

    table: Table
    records: RecordStatements
    partitions: PartitionStatements
    scans: ScanStatements
    decode: RowDecoder


class Blocking:
    """Waits on the calling thread."""

    async def wait(self, request: Any) -> Any:
        """The future's result."""
        return request.result()


class CassandraStorage:
    """Tables in a Cassandra cluster. Errors: see ``storage.cassandra.errors``.

    Conditional writes are lightweight transactions at QUORUM and SERIAL; records and partitions
    are read at SERIAL, by index and whole tables at QUORUM (Storage specification 2.7 and 3.5).
    """

    def __init__(self, settings: CassandraSettings, waiter: Waiter | None = None) -> None:
        self._session = Session(settings, waiter or Blocking())
        self._known_tables: dict[str, _Known] = {}
        catalog = Catalog(self._session)
        self._admin = CassandraAdmin(
            self._session, catalog, settings.system_namespace, self._forget
        )

    def wait_by(self, waiter: Waiter) -> None:
        """Wait for answers as the runtime does."""
        self._session.waiter = waiter

    @property
    def admin(self) -> CassandraAdmin:
        """Namespaces, tables and indexes."""
        return self._admin

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return _INFO

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """A key column holds at most 65,535 bytes, and of equal floats one."""
        if in_key and isinstance(value, float):
            if value == 0 and math.copysign(1, value) < 0:
                return "to Cassandra the key -0.0 is another one than 0.0; store 0.0"
            if math.isnan(value):
                return "NaN, which does not equal itself, can't be a key"
        if in_key and isinstance(value, str | bytes) and 4 * len(value) > _MOST_KEY_BYTES:
            size = len(value) if isinstance(value, bytes) else len(value.encode())
            if size > _MOST_KEY_BYTES:
                return f"Cassandra holds at most {_MOST_KEY_BYTES:,} bytes in a key column"
        return None

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record, at SERIAL."""
        known = self._known(table)
        answer = await self._session.read(known.records.get(key), SERIAL, table.name)
        return known.decode(answer.rows[0]) if answer.rows else None

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records: those of a partition together, all requests on their way at once.

        One statement over several partitions would burden a single node with all of them.
        """
        groups = together([(table, self._known(table).records.key(key)) for table, key in wanted])
        replies = await self._session.read_many(
            [(self._statement_of(group), group.table.name) for group in groups], SERIAL
        )
        found: dict[int, Answer] = {}
        for group, reply in zip(groups, replies, strict=True):
            of_group = self._answers_of(group, reply)
            found.update(zip(group.numbers, of_group, strict=True))
        return [found[number] for number in range(len(wanted))]

    def _statement_of(self, group: Together) -> Statement:
        known = self._known(group.table)
        if len(group.keys) == 1:
            return known.records.get_by(group.keys[0])
        return known.partitions.get_several(group.keys)

    def _answers_of(self, group: Together, reply: Reply | Exception) -> list[Answer]:
        if isinstance(reply, Exception):
            return [reply] * len(group.keys)
        known = self._known(group.table)
        if len(group.keys) == 1:
            return [_row_of(known, reply.rows[0]) if reply.rows else None]
        rows = {known.partitions.clustering_of(cells): cells for cells in reply.rows}
        wanted = [rows.get(known.partitions.clustering_in(key)) for key in group.keys]
        return [None if cells is None else _row_of(known, cells) for cells in wanted]

    def scan(self, request: ScanRequest) -> CassandraPages:
        """Begin a scan."""
        check_scan(request)
        return CassandraPages(self, request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all, of one partition, or none."""
        _check(mutations)
        plans = [(mutation, self._planned(mutation)) for mutation in mutations]
        unplanned = [mutation for mutation, plan in plans if plan is None]
        if unplanned:
            await self._mutate_by_reading(plans, unplanned)
        elif not await self._send([plan for _, plan in plans if plan is not None], mutations):
            raise _refused(mutations)

    def _planned(self, mutation: StorageMutation) -> Statement | None:
        """The statement of a write; None where only a reading tells what it must rest on."""
        records = self._known(mutation.table).records
        condition = mutation.condition
        sets_nothing = isinstance(mutation, Write) and not mutation.values
        if condition is None:
            return records.plain(mutation)
        if condition is Existence.IF_NOT_EXISTS:
            if isinstance(mutation, Erase):
                raise InvalidOperationError(
                    "an erasure can't rest on if_not_exists",
                    advice="Leave the mutation out",
                    code="STX-3016",
                )
            return records.plain(mutation)
        if sets_nothing:
            return None
        if condition is Existence.IF_EXISTS:
            return records.plain(mutation)
        schema = mutation.table.schema
        terms = terms_of(condition, key_row(schema, mutation.key), schema)
        return None if terms is None else records.conditional(mutation, terms)

    async def _mutate_by_reading(
        self,
        plans: Sequence[tuple[StorageMutation, Statement | None]],
        unplanned: Sequence[StorageMutation],
    ) -> None:
        """Read what the conditions are about, judge them, and write if it is still so."""
        mutations = [mutation for mutation, _ in plans]
        former: list[Statement] | None = None
        for _ in range(_MOST_READINGS):
            seen = [await self._judged(mutation) for mutation in unplanned]
            if len(plans) == 1 and isinstance(unplanned[0], Write) and not unplanned[0].values:
                return  # the reading was all there is to it
            rows = iter(seen)
            statements = [
                self._resting_on(mutation, next(rows)) if plan is None else plan
                for mutation, plan in plans
            ]
            # By their bytes: of the values read, NaN does not equal itself.
            if len(unplanned) < len(plans) and statements == former:
                raise _refused(mutations)  # what was read is as it was: another condition is unmet
            if await self._send(statements, mutations):
                return
            former = statements
        raise StorageBusyError(
            f"{mutations[0].table.name} {mutations[0].key!r} was changed by others "
            f"{_MOST_READINGS} times between reading and writing it"
        )

    async def _judged(self, mutation: StorageMutation) -> Row:
        """The record as it is; WriteRefusedError if it does not meet the condition."""
        row = await self.get(mutation.table, mutation.key)
        condition = mutation.condition
        if row is None or (
            condition is not None
            and not isinstance(condition, Existence)
            and not matches(condition, row)
        ):
            raise _refused([mutation])
        return row

    def _resting_on(self, mutation: StorageMutation, row: Row) -> Statement:
        """The write, on condition that what it rests on is as in the row that was read."""
        schema = mutation.table.schema
        condition = mutation.condition
        columns = (
            [] if condition is None or isinstance(condition, Existence) else (columns_in(condition))
        )
        if isinstance(mutation, Write) and not mutation.values:
            # CQL has no update that sets nothing: one column is set to what it is.
            touched = schema.other_columns[:1]
            columns += touched
            mutation = replace(mutation, values={name: row[name] for name in touched})
        terms = terms_of_seen(columns, row, schema)
        if terms is None or (isinstance(mutation, Write) and not mutation.values):
            raise InvalidOperationError(
                f"{mutation.table.name} {mutation.key!r} has no value besides its key: "
                "Cassandra's conditions can't tell it from a record that is not there",
                advice="Set a column of the record first, or write it with if_exists",
                code="STX-3506",
            )
        return self._known(mutation.table).records.conditional(mutation, terms)

    async def _send(
        self, statements: Sequence[Statement], mutations: Sequence[StorageMutation]
    ) -> bool:
        answer = await self._session.write(statements, mutations[0].table.name)
        return answer.applied if any(one.conditional for one in statements) else True

    async def page(
        self, request: ScanRequest, statement: Statement, place: bytes | None, size: int
    ) -> tuple[list[Row], bytes | None]:
        """One page of a scan's statement, and where the next begins; it may be empty."""
        partition = isinstance(request.source, PartitionSource)
        answer = await self._session.read(
            statement,
            SERIAL if partition else QUORUM,
            request.table.name,
            page_size=size,
            page=place,
        )
        decode = self._known(request.table).decode
        return [decode(cells) for cells in answer.rows], answer.next_page

    def scan_statements(self, request: ScanRequest) -> list[Statement]:
        """The statements of a scan."""
        return self._known(request.table).scans.of(request)

    async def clock_ahead_ms(self) -> float:
        """How far a node's clock is ahead of this machine's."""
        return await clock_ahead_ms(self._session)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _known(self, table: Table) -> _Known:
        known = self._known_tables.get(table.name)
        if known is not None:
            if known.table is table:
                return known
            if known.table == table:
                known.table = table
                return known
        records = RecordStatements(table)
        partitions = PartitionStatements(records)
        known = _Known(table, records, partitions, ScanStatements(records), RowDecoder(table))
        self._known_tables[table.name] = known
        return known

    def _forget(self, name: str) -> None:
        self._known_tables.pop(name, None)


class CassandraPages:
    """A running scan: the place behind its last row is all that it holds."""

    __slots__ = ("_place", "_request", "_size", "_statements", "_storage")

    def __init__(self, storage: CassandraStorage, request: ScanRequest) -> None:
        self._storage = storage
        self._request = request
        self._statements: list[Statement] | None = None  # those not read to their end
        self._place: bytes | None = None
        self._size = max(1, request.page_size)

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows, or None at the end."""
        if self._statements is None:
            self._statements = self._storage.scan_statements(self._request)
        while self._statements:
            rows, self._place = await self._storage.page(
                self._request, self._statements[0], self._place, self._size
            )
            self._size = self._request.page_after(self._size)
            if self._place is None:
                self._statements = self._statements[1:]
            if rows:
                return rows
        return None

    async def close(self) -> None:
        """Nothing is held between pages."""
        self._statements = []


def _row_of(known: _Known, cells: Cells) -> Answer:
    try:
        return known.decode(cells)
    except SchemaError as error:
        return error


def _check(mutations: Sequence[StorageMutation]) -> None:
    if not mutations:
        raise InvalidOperationError("mutate needs at least one mutation", code="STX-3016")
    if any(isinstance(mutation, Overwrite) for mutation in mutations):
        raise InvalidOperationError(
            "Cassandra can't copy one column into another",
            advice="Read the record, and write what was read",
            code="STX-3016",
        )
    if len(mutations) == 1:
        return
    if len(mutations) > _MOST_STATEMENTS:
        raise InvalidOperationError(
            f"one atomic write of Cassandra holds {_MOST_STATEMENTS:,} records, not "
            f"{len(mutations):,}",
            advice="Split the mutations",
            code="STX-3016",
        )
    if len({unit_key(mutation, _INFO) for mutation in mutations}) > 1:
        raise InvalidOperationError(
            "one atomic write of Cassandra spans a partition",
            advice="Split the mutations by partition",
            code="STX-3016",
        )
    if len({mutation.key for mutation in mutations}) < len(mutations):
        raise InvalidOperationError(
            "one atomic write names a record twice", advice="Merge the two", code="STX-3016"
        )


def _refused(mutations: Sequence[StorageMutation]) -> WriteRefusedError:
    what = ", ".join(f"{m.key!r} {m.condition!r}" for m in mutations if m.condition is not None)
    return WriteRefusedError(f"{mutations[0].table.name}: not met: {what}")


def open_cassandra(settings: StorageSettings, waiter: Waiter | None = None) -> CassandraStorage:
    """A storage in the cluster that settings describe; it is reached at first use.

    ``waiter`` waits for answers, the calling thread if there is none. SettingsError: a contact
    point or a property is wrong.
    """
    return CassandraStorage(cassandra_settings(settings), waiter)
