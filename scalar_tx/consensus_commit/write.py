"""What becomes of a write when it is called, long before it is prepared?

It is recorded locally and merged with earlier writes of the same record; its condition is judged
once, now, against the transaction's own view (Consensus Commit specification 3.7, 3.9). It stays
true until commit because prepare compares the writer's id of what was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.snapshot import PendingWrite
from scalar_tx.errors import ConditionNotMetError, InvalidOperationError, RecordNotFoundError
from scalar_tx.model.conditions import Existence, bound, matches
from scalar_tx.model.operations import Delete, Insert, Put, Update, Upsert
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.read import Reader
    from scalar_tx.model.checks import Checks
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.operations import Mutation
    from scalar_tx.model.types import Row, Value


class Writer:
    """Records the writes of one transaction."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._snapshot = reader.snapshot

    async def record(self, mutation: Mutation, table: TransactionalTable, checks: Checks) -> None:
        """Record one write, checked against its table."""
        match mutation:
            case Insert():
                self.insert(table, *checks.values(mutation.values, with_key=True))
            case Upsert():
                self.upsert(table, *checks.values(mutation.values, with_key=True))
            case Update():
                key = checks.key(mutation.key, table.key_columns, "key")
                _, values = checks.values(mutation.values, with_key=False)
                ignore = mutation.missing == "ignore"
                await self.update(table, key, values, mutation.where, ignore_missing=ignore)
            case Delete():
                key = checks.key(mutation.key, table.key_columns, "key")
                await self.delete(table, key, mutation.where)
            case Put():
                key, values = checks.values(mutation.values, with_key=True)
                await self.put(
                    table,
                    key,
                    values,
                    mutation.where,
                    pre_read=mutation.implicit_pre_read,
                    insert=mutation.insert_mode,
                )

    def insert(
        self, table: TransactionalTable, key: tuple[Value, ...], values: dict[str, Value]
    ) -> None:
        """Create a record; whether it exists is found out by prepare."""
        earlier = self._snapshot.writes.get((table.name, key))
        if earlier is None:
            # Columns not given are NULL: own reads show them, the row is created without them.
            self._record(PendingWrite(table, key, values, insert=True))
        elif earlier.values is None:
            self._overwrite(earlier, values)
        else:
            raise InvalidOperationError(
                f"this transaction has written {_shown(table, key)} already, so it can't insert it",
                advice="Use upsert or update for a second write",
                code="STX-3050",
            )

    def upsert(
        self, table: TransactionalTable, key: tuple[Value, ...], values: dict[str, Value]
    ) -> None:
        """Create or change a record; it is read before prepare if it was not."""
        self._put(table, key, values, pre_read=True, insert=False)

    async def update(
        self,
        table: TransactionalTable,
        key: tuple[Value, ...],
        values: dict[str, Value],
        where: Condition | Existence | None,
        *,
        ignore_missing: bool,
    ) -> None:
        """Change a record that is there."""
        where = _checked(where, table)
        row = await self._view(table, key)
        if row is None and not isinstance(where, Existence):
            if not ignore_missing:
                raise RecordNotFoundError(f"there is no record {_shown(table, key)} to update")
            if where is None:
                return
        self._judge(table, key, row, where)
        self._put(table, key, values, pre_read=True, insert=False)

    async def put(
        self,
        table: TransactionalTable,
        key: tuple[Value, ...],
        values: dict[str, Value],
        where: Condition | Existence | None,
        *,
        pre_read: bool,
        insert: bool,
    ) -> None:
        """ScalarDB's put: over what was read, or an insert if nothing was."""
        record_id = (table.name, key)
        where = _checked(where, table)
        if where is not None:
            known = record_id in self._snapshot.reads or record_id in self._snapshot.writes
            if not (known or pre_read):
                raise InvalidOperationError(
                    f"a put with a condition needs to know {_shown(table, key)}",
                    advice="Read the record first, or pass implicit_pre_read=True",
                    code="STX-3051",
                )
            self._judge(table, key, await self._view(table, key), where)
        self._put(table, key, values, pre_read=pre_read, insert=insert)

    async def delete(
        self,
        table: TransactionalTable,
        key: tuple[Value, ...],
        where: Condition | Existence | None,
    ) -> None:
        """Remove a record; where there is none, nothing happens."""
        where = _checked(where, table)
        earlier = self._snapshot.writes.get((table.name, key))
        if earlier is not None and earlier.values is not None and earlier.insert:
            raise InvalidOperationError(
                f"this transaction inserts {_shown(table, key)}, so it can't delete it",
                advice="Roll the transaction back, or leave the insert out",
                code="STX-3050",
            )
        if where is not None:
            self._judge(table, key, await self._view(table, key), where)
        self._record(PendingWrite(table, key, None, pre_read=True))

    def _put(
        self,
        table: TransactionalTable,
        key: tuple[Value, ...],
        values: dict[str, Value],
        *,
        pre_read: bool,
        insert: bool,
    ) -> None:
        earlier = self._snapshot.writes.get((table.name, key))
        if earlier is None:
            self._record(PendingWrite(table, key, values, insert=insert, pre_read=pre_read))
        elif earlier.values is None:
            self._overwrite(earlier, values)
        elif insert:
            raise InvalidOperationError(
                f"this transaction has written {_shown(table, key)} already, so it can't insert it",
                advice="Leave insert_mode out for a second write",
                code="STX-3050",
            )
        else:
            # A write of its own, so that a batch that fails can go back to the one before.
            self._record(
                PendingWrite(
                    table,
                    key,
                    {**earlier.values, **values},
                    insert=earlier.insert,
                    pre_read=earlier.pre_read or (pre_read and not earlier.insert),
                )
            )

    def _overwrite(self, deleted: PendingWrite, values: dict[str, Value]) -> None:
        """A put after a delete replaces the whole record (specification 3.7)."""
        whole: dict[str, Value] = dict.fromkeys(deleted.table.value_columns)
        whole.update(values)
        self._record(PendingWrite(deleted.table, deleted.key, whole, pre_read=True))

    def _record(self, write: PendingWrite) -> None:
        self._snapshot.writes[write.record_id] = write

    async def _view(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        write = self._snapshot.writes.get((table.name, key))
        whole = write is not None and (write.values is None or write.insert)
        if not whole:
            await self._reader.for_write(table, key)
        return self._snapshot.view((table.name, key))

    def _judge(
        self,
        table: TransactionalTable,
        key: tuple[Value, ...],
        row: Row | None,
        where: Condition | Existence | None,
    ) -> None:
        if where is None:
            return
        if where is Existence.IF_NOT_EXISTS:
            met = row is None
        elif isinstance(where, Existence):
            met = row is not None
        else:
            met = row is not None and matches(where, row)
        if not met:
            raise ConditionNotMetError(
                f"the condition {where!r} on {_shown(table, key)} is not met",
                record=_as_record(table, row),
            )


def _checked(
    where: Condition | Existence | None, table: TransactionalTable
) -> Condition | Existence | None:
    """The condition with values of its columns' types, whether or not there is a record."""
    if where is None or isinstance(where, Existence):
        return where
    return bound(where, table.user, table.name)


def _as_record(table: TransactionalTable, row: Row | None) -> Record | None:
    if row is None:
        return None
    return Record.from_row(table.name, table.key_columns, tuple(table.user.columns), row)


def _shown(table: TransactionalTable, key: tuple[Value, ...]) -> str:
    mapping: Mapping[str, Value] = table.key_mapping(key)
    return f"{table.name} {dict(mapping)!r}"
