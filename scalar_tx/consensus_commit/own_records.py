"""What does a transaction do to its own records: prepare them, finish them, or undo them?

Each of these is done to all records, an atomic group at a time, the groups at once (Consensus
Commit specification 4.2 and 4.5). Finishing never fails: the decision stands, and whoever reads a
record that is left does the rest.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.commit_hook import CommittedWrite
from scalar_tx.consensus_commit.commit_path import has_final_form
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.consensus_commit.in_the_way import InTheWay
from scalar_tx.consensus_commit.witness import Witness, witness
from scalar_tx.errors import (
    ReplyLostError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import Overwrite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import StorageInfo, StorageMutation, Write

    # Reads records that were to be written unread: they are so no more.
    ReadFirst = Callable[[Sequence[PendingWrite]], Awaitable[None]]

_log = logging.getLogger("scalar_tx.commit")

# What a storage answers when it is certain that nothing changed, nor ever will.
NOTHING_DONE: Final = (WriteRefusedError, StorageBusyError, StorageUnavailableError)


class OwnRecords:
    """The records that one transaction writes, from their prepare to their end."""

    def __init__(
        self,
        context: Context,
        snapshot: Snapshot,
        tx_id: str,
        read_first: ReadFirst,
        *,
        alone: bool,
    ) -> None:
        self._context = context
        self._snapshot = snapshot
        self._tx_id = tx_id
        self._read_first = read_first
        self._alone = alone  # else another part may write the same records under this id
        self._writes: Sequence[PendingWrite] = list(snapshot.writes.values())
        self._prepared: list[Write | Overwrite] = []
        self._at = 0
        self._with_decision: Sequence[PendingWrite] = ()
        self._sent: set[RecordId] = set()  # whose prepare was begun
        self._refused: set[RecordId] = set()  # and did nothing, nor ever will
        self._acknowledged: set[RecordId] = set()  # and is done
        self.in_the_way = InTheWay(context, snapshot, tx_id)
        self.may_be_prepared = False  # is one of them, or may it yet be?

    def leave_to_decision(self, writes: Sequence[PendingWrite]) -> None:
        """These are not prepared: they are written with the decision, in their final form."""
        if writes:
            left = {write.record_id for write in writes}
            self._with_decision = writes
            self._writes = [write for write in self._writes if write.record_id not in left]

    def plan(self) -> None:
        """Work out what prepare will write; the time of all of them is now."""
        self._at = self._context.runtime.now_ms()
        self._prepared = [self._prepare_of(write) for write in self._writes]

    def _prepare_of(self, write: PendingWrite) -> Write | Overwrite:
        table, key, values = write.table, write.key, write.values
        if write.record_id in self._snapshot.unread:
            return record.prepare_unread(table, key, values, tx_id=self._tx_id, at=self._at)
        replaced = self._snapshot.replaced(write)
        return record.prepare(table, key, values, replaced, tx_id=self._tx_id, at=self._at)

    def final(self, at: int) -> list[StorageMutation]:
        """What is written with a decision that is made at that time."""
        return [self._final_of(write, at) for write in self._with_decision]

    def _final_of(self, write: PendingWrite, at: int) -> StorageMutation:
        table, key, values = write.table, write.key, write.values
        if write.record_id in self._snapshot.unread:
            return record.final_unread(table, key, values, tx_id=self._tx_id, at=at)
        replaced = self._snapshot.replaced(write)
        return record.final(table, key, values, replaced, tx_id=self._tx_id, at=at)

    @property
    def go_with_decision(self) -> bool:
        """Is a record written with the decision?"""
        return bool(self._with_decision)

    def planned(self) -> tuple[CommittedWrite, ...]:
        """What is written, in the words of hooks."""
        return tuple(
            _in_words(write, self._snapshot.replaced(write))
            for write in self._snapshot.writes.values()
        )

    async def prepare(self, also: Sequence[StorageMutation] = ()) -> None:
        """Write what was planned, and ``also``; raise the weightiest of what went wrong.

        All batches end before anything else happens: a rollback must never overtake a prepare that
        is still on its way.
        """
        if self._prepared or also:
            await self._write_all([*self._prepared, *also])

    async def _write_all(self, mutations: Sequence[StorageMutation]) -> None:
        obstacles = await self._mutate_all(mutations)
        if obstacles and all(isinstance(one, WriteRefusedError) for one in obstacles):
            again = await self._prepare_what_was_refused()
            obstacles = obstacles if again is None else again
        for kind in (WriteRefusedError, StorageBusyError, ReplyLostError, Exception):
            for obstacle in obstacles:
                if isinstance(obstacle, kind):
                    raise obstacle

    async def _prepare_what_was_refused(self) -> list[Exception] | None:
        """Read what was to be written over unread, and try again; None: it was not for that.

        A record may be absent, or somebody's who is dead: only a read can tell, and settle it. What
        was prepared meanwhile stays so; the order of prepares means nothing.
        """
        refused = set(self._refused)
        unread = [
            write for write in self._writes if write.record_id in refused & self._snapshot.unread
        ]
        if not unread:
            return None
        await self._read_first(unread)
        read = {write.record_id for write in unread}
        self._prepared = [
            self._prepare_of(write) if write.record_id in read else prepared
            for write, prepared in self._pairs()
        ]
        self._refused -= refused
        return await self._mutate_all(
            [prepared for write, prepared in self._pairs() if write.record_id in refused]
        )

    async def read_what_is_final(self) -> bool:
        """After a refusal: read what was to be written over unread; False: there is nothing.

        What is removed and not there is prepared, as its absence has to be compared.
        """
        unread = [
            write for write in self._with_decision if write.record_id in self._snapshot.unread
        ]
        if not unread:
            return False
        await self._read_first(unread)
        absent = [
            write for write in self._with_decision if not has_final_form(write, self._snapshot)
        ]
        if absent:
            await self._prepare_also(absent)
        return True

    async def look(self) -> Witness:
        """What the records say about their transaction."""
        written = (*self._writes, *self._with_decision)
        return await witness(self._context.storage, self._snapshot, self._tx_id, written)

    async def prepare_rest(self) -> None:
        """Prepare what was left to the decision, which has no room for it."""
        await self._prepare_also(self._with_decision)

    async def _prepare_also(self, writes: Sequence[PendingWrite]) -> None:
        left = {write.record_id for write in writes}
        self._with_decision = [one for one in self._with_decision if one.record_id not in left]
        before, prepared = self._writes, self._prepared
        self._writes = writes
        self.plan()
        mutations = self._prepared
        self._writes, self._prepared = [*before, *writes], [*prepared, *mutations]
        await self._write_all(mutations)

    def finishing(
        self, committed_at: int, home: StorageInfo | None = None
    ) -> list[StorageMutation]:
        """What finishes the prepared records, all or those in one storage.

        ``committed_at``: when the decision was made, in epoch milliseconds.
        """
        return [
            record.roll_forward(
                write.table,
                write.key,
                self._tx_id,
                committed_at,
                deleted=write.values is None,
                clear_before=isinstance(prepared, Overwrite)
                or "before_tx_version" in prepared.values,
            )
            for write, prepared in self._pairs()
            if home is None or self._context.storage.info(write.table.name).name == home.name
        ]

    def are_finished(self, mutations: Sequence[StorageMutation]) -> None:
        """These were written with the decision; only the others are left to be finished."""
        done = {(mutation.table.name, mutation.key) for mutation in mutations}
        pairs = [pair for pair in self._pairs() if pair[0].record_id not in done]
        self._writes = [write for write, _ in pairs]
        self._prepared = [prepared for _, prepared in pairs]

    async def roll_forward(self, committed_at: int) -> None:
        """Finish what is prepared, or hand it over to be finished later."""
        if not self._prepared:
            return
        mutations = self.finishing(committed_at)
        later = self._context.finish_later
        if later is not None and self._context.options.async_commit:
            decision = Decision(TransactionState.COMMITTED, committed_at)
            if later.finish(self._tx_id, decision, mutations):
                return
        await self._finish(mutations, "committed", self._finish_singly)

    def roll_back_later(self, decision: Decision) -> bool:
        """Hand over what is prepared to be undone later; False: nobody takes it."""
        later = self._context.finish_later
        if later is None or not self._context.options.async_rollback:
            return False
        records = [write.record_id for write in self._writes]
        return later.undo(self._tx_id, decision, records, self.roll_back)

    async def roll_back(self) -> None:
        """Undo what was prepared or may have been, from what prepare wrote (13.3).

        What was refused for certain is not there to be undone; it is only asked what took its place
        where a record was to be made.
        """
        if not self._prepared:
            return
        refused, undone, kept = [], [], []
        for write, prepared in self._pairs():
            if write.record_id in self._refused:
                refused.append(write)
            elif write.record_id not in self._sent:
                continue
            elif isinstance(prepared, Overwrite) or not self._is_surely_ours(write):
                kept.append(prepared)  # only the row knows what was before
            else:
                undone.append(record.undo(write.table, prepared))
        await self._finish(undone, "rolled back", self._roll_back_by_rows)
        try:
            await self._roll_back_by_rows(kept)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _log.info("records of %s are rolled back later: %s", self._tx_id, kind_of(error))
        await self.in_the_way.look(refused)
        await self.in_the_way.settle()

    def _is_surely_ours(self, write: PendingWrite) -> bool:
        """If it bears our id, have we prepared it, and not another part over something else?"""
        return self._alone or write.record_id in self._acknowledged

    async def _roll_back_by_rows(self, group: Sequence[StorageMutation]) -> None:
        """Undo what of a group is still prepared by us, judged by the rows as they are now."""
        wanted = _record_ids(group)
        for write in self._writes:
            if write.record_id not in wanted:
                continue
            row = await self._context.storage.get(write.table.stored, write.key)
            if row is None:
                continue
            if row["tx_id"] != self._tx_id:
                self.in_the_way.note(write, row)
            elif not record.is_committed(row):
                with suppress(WriteRefusedError):
                    await self._context.storage.mutate(
                        [record.roll_back(write.table, write.key, row)]
                    )

    async def look_what_is_in_the_way(self) -> None:
        """After a refusal of which nothing is left to undo."""
        await self.in_the_way.look((*self._writes, *self._with_decision))
        await self.in_the_way.settle()

    def _pairs(self) -> Iterator[tuple[PendingWrite, Write | Overwrite]]:
        """Each write with its prepare; nothing, if none was planned."""
        return zip(self._writes, self._prepared, strict=bool(self._prepared))

    async def _finish(
        self,
        mutations: Sequence[StorageMutation],
        what: str,
        after_refusal: Callable[[Sequence[StorageMutation]], Coroutine[Any, Any, None]],
    ) -> None:
        """Settle own records; whatever can't be is left to lazy recovery, the decision stands."""
        groups = atomic_groups(self._context.storage, mutations)
        if len(groups) == 1:
            await self._finish_group(groups[0], what, after_refusal)
            return
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda group=group: self._finish_group(group, what, after_refusal)  # type: ignore[misc]  # bound now
            for group in groups
        ]
        try:
            await self._context.runtime.run_all(steps)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _log.info("records of %s are %s later: %s", self._tx_id, what, kind_of(error))

    async def _finish_group(
        self,
        group: list[StorageMutation],
        what: str,
        after_refusal: Callable[[Sequence[StorageMutation]], Coroutine[Any, Any, None]],
    ) -> None:
        try:
            try:
                await self._context.storage.mutate(group)
            except WriteRefusedError:
                await after_refusal(group)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _log.info("records of %s are %s later: %s", self._tx_id, what, kind_of(error))

    async def _finish_singly(self, group: Sequence[StorageMutation]) -> None:
        # A reader has settled one of them already. The others would wait for a reader of
        # their own, so each is tried by itself; refused again, it is settled.
        for mutation in group if len(group) > 1 else ():
            with suppress(WriteRefusedError):
                await self._context.storage.mutate([mutation])

    async def _mutate_all(self, mutations: Sequence[StorageMutation]) -> list[Exception]:
        """Apply mutations, each atomic group by itself; return the errors of those that failed."""
        storage = self._context.storage
        groups = atomic_groups(storage, mutations)
        self._sent |= _record_ids(mutations)
        if len(groups) == 1:
            before, self.may_be_prepared = self.may_be_prepared, True
            try:
                await storage.mutate(groups[0])
            except NOTHING_DONE as error:
                self.may_be_prepared = before
                self._refused |= _record_ids(mutations)
                return [error]
            except (StorageError, StorageUnavailableError) as error:
                return [error]
            self._acknowledged |= _record_ids(mutations)
            return []
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda group=group: storage.mutate(group)  # type: ignore[misc]  # bound at once
            for group in groups
        ]
        before, self.may_be_prepared = self.may_be_prepared, True
        outcomes = await self._context.runtime.run_all(steps)
        self.may_be_prepared = before or any(
            not isinstance(outcome.error, NOTHING_DONE) for outcome in outcomes
        )
        for group, outcome in zip(groups, outcomes, strict=True):
            if outcome.error is None:
                self._acknowledged |= _record_ids(group)
            elif isinstance(outcome.error, NOTHING_DONE):
                self._refused |= _record_ids(group)
        return [outcome.error for outcome in outcomes if outcome.error is not None]


def _record_ids(mutations: Iterable[StorageMutation]) -> set[RecordId]:
    return {(mutation.table.name, mutation.key) for mutation in mutations}


def _in_words(write: PendingWrite, previous: Row | None) -> CommittedWrite:
    replaced = None if previous is None else previous["tx_id"]
    return CommittedWrite(
        table=write.table.name,
        key=write.table.key_mapping(write.key),
        replaced_tx_id=replaced if isinstance(replaced, str) else None,
        version=record.next_version(previous),
        after=write.values,
    )
