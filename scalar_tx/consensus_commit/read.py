"""How is one record read, by its key?

All columns are read, linearizably, without conditions: conditions are judged on the record as the
transaction sees it. A record that another transaction left uncommitted is resolved first
(Consensus Commit specification 3.4, 3.5, 5).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.read_errors import about
from scalar_tx.model.isolation import Isolation
from scalar_tx.runtime.interface import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.consensus_commit.snapshot import RecordId, Snapshot
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import BatchStorage


class Reader:
    """Reads records for one transaction and notes what it read."""

    def __init__(
        self, context: Context, snapshot: Snapshot, isolation: Isolation, *, read_only: bool
    ) -> None:
        self.context = context
        self.snapshot = snapshot
        self.isolation = isolation
        self.read_only = read_only
        self.repeatable = isolation is not Isolation.READ_COMMITTED

    async def by_key(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        """The committed record, without own writes; read once, except at READ_COMMITTED."""
        record_id = (table.name, key)
        known = self.repeatable and record_id in self.snapshot.reads
        if known and record_id not in self.snapshot.weakly_read:
            return self._shown(record_id, self.snapshot.reads[record_id])
        row = await self.context.storage.get(table.stored, key)
        if row is not None and not record.is_committed(row):
            row = (await self.resolve(table, key, row)).row
        return self._kept(table, record_id, row)

    async def together(
        self, wanted: Sequence[tuple[TransactionalTable, tuple[Value, ...]]]
    ) -> list[Outcome[Row | None]]:
        """Records of one storage that has batches, none of them read yet; each as by ``by_key``."""
        storage = cast("BatchStorage", self.context.storage)  # its info said so
        answers = await storage.get_many([(table.stored, key) for table, key in wanted])
        found: dict[int, Outcome[Row | None]] = {}
        undecided: dict[int, Callable[[], Coroutine[Any, Any, Resolved]]] = {}
        for number, ((table, key), answer) in enumerate(zip(wanted, answers, strict=True)):
            if isinstance(answer, Exception):
                found[number] = Outcome(error=about(answer, table, key))
            elif answer is None or record.is_committed(answer):
                found[number] = Outcome(self._kept(table, (table.name, key), answer))
            else:
                undecided[number] = partial(self.judge, table, key, answer)
        judged: dict[TransactionalTable, dict[tuple[Value, ...], Resolved]] = {}
        outcomes = await self.context.runtime.run_all(list(undecided.values()))
        for number, outcome in zip(undecided, outcomes, strict=True):
            table, key = wanted[number]
            if outcome.error is not None:
                found[number] = Outcome(error=outcome.error)
                continue
            resolved = judged.setdefault(table, {})[key] = outcome.result()
            found[number] = Outcome(self._kept(table, (table.name, key), resolved.row))
        for table, of_table in judged.items():
            self.roll(table, of_table)
        return [found[number] for number in range(len(wanted))]

    def _kept(self, table: TransactionalTable, record_id: RecordId, row: Row | None) -> Row | None:
        self.snapshot.note(record_id, row)
        if self.repeatable:
            self.snapshot.point_reads[record_id] = table
            self.snapshot.last_get = record_id
        return self._shown(record_id, row)

    async def for_write(self, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        """The record that a write goes over: the first one read, whatever the isolation level."""
        snapshot = self.snapshot
        record_id = (table.name, key)
        if record_id not in snapshot.reads:
            return await self.by_key(table, key)
        if record_id in snapshot.weakly_read:
            # A condition may be judged by it, so from now on it has to hold.
            snapshot.weakly_read.discard(record_id)
            snapshot.point_reads[record_id] = table
        return self._shown(record_id, snapshot.reads[record_id])

    def _shown(self, record_id: RecordId, row: Row | None) -> Row | None:
        if self.snapshot.shown is not None:
            self.snapshot.show(record_id, row)
        return row

    async def resolve(
        self, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        """The committed value of an uncommitted row; its settling is remembered for the commit."""
        resolved = await self.judge(table, key, row)
        self.roll(table, {key: resolved})
        return resolved

    async def judge(self, table: TransactionalTable, key: tuple[Value, ...], row: Row) -> Resolved:
        """The committed value of an uncommitted row; ``roll`` is to be called for it."""
        if self.isolation is Isolation.READ_COMMITTED:
            return self.context.recovery.resolve_to_before_image(
                table, key, row, settle=not self.read_only
            )
        return await self.context.recovery.resolve(table, key, row)

    def roll(self, table: TransactionalTable, judged: Mapping[tuple[Value, ...], Resolved]) -> None:
        """Settle resolved records in the background, together, and keep track of it."""
        mutations = [one.mutation for one in judged.values() if one.mutation is not None]
        rolling = self.context.recovery.roll_later(mutations) if mutations else None
        for key, resolved in judged.items():
            settling = resolved.settling if resolved.mutation is None else rolling
            if settling is not None:
                self.snapshot.settling.append(((table.name, key), settling))
