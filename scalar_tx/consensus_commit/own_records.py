"""What does a transaction do to its own records: prepare them, finish them, or undo them?

Each of these is done to all records, an atomic group at a time, the groups at once (Consensus
Commit specification 4.2 and 4.5). Finishing never fails: the decision stands, and whoever reads a
record that is left does the rest.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.commit_hook import CommittedWrite
from scalar_tx.consensus_commit.settle import Witness
from scalar_tx.errors import (
    ConflictError,
    ReplyLostError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.storage.interface import StorageMutation, Write

_log = logging.getLogger("scalar_tx.commit")


class OwnRecords:
    """The records that one transaction writes, from their prepare to their end."""

    def __init__(self, context: Context, snapshot: Snapshot, tx_id: str) -> None:
        self._context = context
        self._snapshot = snapshot
        self._tx_id = tx_id
        self._writes = list(snapshot.writes.values())
        self._prepared: list[Write] = []
        self._found: dict[RecordId, bool] = {}  # of others, at roll back: is it committed?
        self._in_the_way: ConflictError | None = None
        self.found_committed = False  # at roll back, one of them: so they all are

    def plan(self) -> None:
        """Work out what prepare will write; the time of all of them is now."""
        at = self._context.runtime.now_ms()
        self._prepared = [
            record.prepare(
                write.table,
                write.key,
                write.values,
                None if write.insert else self._snapshot.reads.get(write.record_id),
                tx_id=self._tx_id,
                at=at,
            )
            for write in self._writes
        ]

    def planned(self) -> tuple[CommittedWrite, ...]:
        """What was planned, in the words of hooks."""
        return tuple(map(_in_words, self._writes, self._prepared))

    async def prepare(self, also: Sequence[StorageMutation] = ()) -> None:
        """Write what was planned, and ``also``; raise the weightiest of what went wrong.

        All batches end before anything else happens: a rollback must never overtake a prepare that
        is still on its way.
        """
        obstacles = await self._mutate_all([*self._prepared, *also])
        for kind in (WriteRefusedError, StorageBusyError, ReplyLostError, Exception):
            for obstacle in obstacles:
                if isinstance(obstacle, kind):
                    raise obstacle

    async def look(self) -> Witness:
        """What the records say about their transaction."""
        for write, prepared in self._pairs():
            try:
                row = await self._context.storage.get(write.table.stored, write.key)
            except (StorageError, StorageUnavailableError):
                continue
            if row is None:
                continue
            if row["tx_id"] == self._tx_id:
                return Witness.COMMITTED if record.is_committed(row) else Witness.UNSETTLED
            # An id is never used twice: what bears the replaced one is the replaced version.
            replaced = prepared.values.get("before_tx_id")
            if replaced is not None and row["tx_id"] == replaced:
                return Witness.UNDONE
        return Witness.SILENT

    async def roll_forward(self, committed_at: int) -> None:
        """Finish what is prepared: it is committed since then (epoch milliseconds)."""
        mutations = [
            record.roll_forward(
                write.table,
                write.key,
                self._tx_id,
                committed_at,
                deleted=write.values is None,
                clear_before="before_tx_version" in prepared.values,
            )
            for write, prepared in self._pairs()
        ]
        await self._finish(mutations, "committed")

    async def roll_back(self) -> None:
        """Undo what is still prepared by us, judged by the rows as they are now."""
        if not self._prepared:
            return
        mutations: list[StorageMutation] = []
        in_the_way: list[PendingWrite] = []
        for write in self._writes:
            try:
                row = await self._context.storage.get(write.table.stored, write.key)
                if row is None:
                    continue
                if row["tx_id"] != self._tx_id:
                    self._found[write.record_id] = record.is_committed(row)
                    if not record.is_committed(row) and self._replaces_nothing(write):
                        in_the_way.append(write)
                elif record.is_committed(row):
                    self.found_committed = True
                else:
                    mutations.append(record.roll_back(write.table, write.key, row))
            except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
                _log.info("left a record of %s to lazy recovery: %s", write.table.name, error)
        await self._finish(mutations, "rolled back")
        for write in in_the_way:
            await self._settle_in_the_way(write)

    def refused(self, obstacle: WriteRefusedError) -> ConflictError:
        """What the caller is told of a record that could not be prepared; after the roll back."""
        existing = [
            write
            for write in self._writes
            if self._found.get(write.record_id) and self._replaces_nothing(write)
        ]
        if existing and not self._snapshot.reads and not self._snapshot.scans:
            # Nothing was read, so running the same work again ends the same way.
            write = existing[0]
            return ConflictError(
                f"the record {write.table.name} {write.table.key_mapping(write.key)!r} exists",
                records=[(w.table.name, w.table.key_mapping(w.key)) for w in existing],
                advice="Use upsert to write it whether it exists or not, or read it first",
                transaction_id=self._tx_id,
                code="STX-1033",
                retryable=False,
            )
        undecided = self._in_the_way
        return ConflictError(
            f"a record was changed by another transaction since it was read: {obstacle}",
            records=[(w.table.name, w.table.key_mapping(w.key)) for w in self._writes],
            other_transaction=undecided.other_transaction if undecided else None,
            retry_after=undecided.retry_after if undecided else None,
            transaction_id=self._tx_id,
            code="STX-1031",
        )

    def _pairs(self) -> Iterator[tuple[PendingWrite, Write]]:
        """Each write with its prepare; nothing, if none was planned."""
        return zip(self._writes, self._prepared, strict=bool(self._prepared))

    def _replaces_nothing(self, write: PendingWrite) -> bool:
        return write.insert or self._snapshot.reads.get(write.record_id) is None

    async def _settle_in_the_way(self, write: PendingWrite) -> None:
        """Settle a dead record where one was to be made: who only inserts never reads it.

        Without this the insert would fail again and again, until somebody happens to read the key.
        """
        try:
            await self._context.recovery.settle_record(write.table, write.key)
        except ConflictError as undecided:
            self._in_the_way = undecided
        except Exception as error:  # noqa: BLE001  # the abort stands, whatever it is
            _log.info("could not settle a record of %s: %s", write.table.name, error)

    async def _finish(self, mutations: Sequence[StorageMutation], what: str) -> None:
        """Settle own records; whatever can't be is left to lazy recovery, the decision stands."""
        groups = atomic_groups(self._context.storage, mutations)
        if len(groups) == 1:
            await self._finish_group(groups[0], what)
            return
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda group=group: self._finish_group(group, what)  # type: ignore[misc]  # bound now
            for group in groups
        ]
        try:
            await self._context.runtime.run_all(steps)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _log.info("records of %s are %s later: %s", self._tx_id, what, error)

    async def _finish_group(self, group: list[StorageMutation], what: str) -> None:
        try:
            await self._finish_together_or_singly(group)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _log.info("records of %s are %s later: %s", self._tx_id, what, error)

    async def _finish_together_or_singly(self, group: list[StorageMutation]) -> None:
        try:
            await self._context.storage.mutate(group)
        except WriteRefusedError:
            # A reader has settled one of them already. The others would wait for a reader of
            # their own, so each is tried by itself; refused again, it is settled.
            for mutation in group if len(group) > 1 else ():
                with suppress(WriteRefusedError):
                    await self._context.storage.mutate([mutation])

    async def _mutate_all(self, mutations: Sequence[StorageMutation]) -> list[Exception]:
        """Apply mutations, each atomic group by itself; return the errors of those that failed."""
        storage = self._context.storage
        groups = atomic_groups(storage, mutations)
        if len(groups) == 1:
            try:
                await storage.mutate(groups[0])
            except (StorageError, StorageUnavailableError) as error:
                return [error]
            return []
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda group=group: storage.mutate(group)  # type: ignore[misc]  # bound at once
            for group in groups
        ]
        outcomes = await self._context.runtime.run_all(steps)
        return [outcome.error for outcome in outcomes if outcome.error is not None]


def _in_words(write: PendingWrite, prepared: Write) -> CommittedWrite:
    replaced = prepared.values.get("before_tx_id")
    version = prepared.values["tx_version"]
    return CommittedWrite(
        table=write.table.name,
        key=write.table.key_mapping(write.key),
        replaced_tx_id=replaced if isinstance(replaced, str) else None,
        version=version if isinstance(version, int) else 0,
        after=write.values,
    )
