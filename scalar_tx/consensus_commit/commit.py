"""How is a transaction committed?

Prepare every record, validate every read, decide by one row, finish the records: four steps, in
that order, each only after the one before has succeeded everywhere (Consensus Commit specification
4). Failure and success meet at one decision.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.commit_hook import CommitEvent, CommittedWrite
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.settle import Witness, settle_own
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.errors import (
    ConflictError,
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
    UnknownOutcomeError,
    WriteRefusedError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.snapshot import PendingWrite, RecordId, Snapshot
    from scalar_tx.storage.interface import StorageMutation, Write

_log = logging.getLogger("scalar_tx.commit")


class Commit:
    """One commit of a transaction that writes something.

    ``decision_sent`` is true from the moment on at which a COMMITTED may stand, ``decision`` is
    what is known to stand. ``check_time`` raises once the transaction's time is over.
    """

    def __init__(
        self,
        context: Context,
        snapshot: Snapshot,
        isolation: Isolation,
        *,
        tx_id: str,
        check_time: Callable[[], None],
    ) -> None:
        self._context = context
        self._snapshot = snapshot
        self._isolation = isolation
        self._tx_id = tx_id
        self._check_time = check_time
        self._writes = list(snapshot.writes.values())
        self._prepared: list[Write] = []
        self._also: list[StorageMutation] = []
        self._records_found: dict[RecordId, bool] = {}
        self._in_the_way: ConflictError | None = None
        self.decision_sent = False
        self.decision: Decision | None = None

    async def run(self) -> None:
        """Commit, or raise why not; UnknownOutcomeError if nobody can tell."""
        await guarded(self._context.decisions.ready(), self._tx_id)
        obstacle = await self._prepare_and_validate()
        if obstacle is not None:
            await self._abort(obstacle)
            return
        self.decision = decision = await self._decide()
        if decision.state is TransactionState.ABORTED:
            await self._roll_back()
            raise ConflictError(
                "this transaction was aborted before it could commit: by another one, since it "
                "took longer than 15 s, or by itself, since its decision did not arrive",
                transaction_id=self._tx_id,
                code="STX-1030",
            )
        await self._roll_forward(decision.decided_at)

    # Prepare and validate.

    async def _prepare_and_validate(self) -> Exception | None:
        self._prepared = self._prepared_writes()
        try:
            await self._prepare()
            if self._isolation is Isolation.SERIALIZABLE:
                await self._validate()
            await self._ask_hooks()
            self._check_time()
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, the abort comes first
            return obstacle
        return None

    def _prepared_writes(self) -> list[Write]:
        at = self._context.runtime.now_ms()
        return [
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

    async def _prepare(self) -> None:
        # All batches end before anything else happens: a rollback must never overtake a prepare
        # that is still on its way.
        obstacles = await self._mutate_all(self._prepared)
        for kind in (WriteRefusedError, StorageBusyError, ReplyLostError, Exception):
            for obstacle in obstacles:
                if isinstance(obstacle, kind):
                    raise obstacle

    async def _validate(self) -> None:
        prepared = self._snapshot.writes.keys()
        await Validation(self._context, self._snapshot, self._tx_id, prepared).run()

    # Decide.

    async def _ask_hooks(self) -> None:
        if not self._writes or not self._context.commit_hooks:
            return
        event = CommitEvent(
            transaction_id=self._tx_id,
            epoch=marks(self._tx_id).epoch,
            isolation=self._isolation,
            writes=tuple(map(self._committed_write, self._writes, self._prepared)),
        )
        for hook in self._context.commit_hooks:
            answer = await hook(event)
            if answer is not None:
                self._also.extend(answer.mutations)
                if answer.before_decision is not None:
                    await answer.before_decision()

    def _committed_write(self, write: PendingWrite, prepared: Write) -> CommittedWrite:
        replaced = prepared.values.get("before_tx_id")
        version = prepared.values["tx_version"]
        return CommittedWrite(
            table=write.table.name,
            key=write.table.key_mapping(write.key),
            replaced_tx_id=replaced if isinstance(replaced, str) else None,
            version=version if isinstance(version, int) else 0,
            after=write.values,
        )

    async def _decide(self) -> Decision:
        self.decision_sent = True
        try:
            return await self._decide_or_settle()
        except UnknownOutcomeError:
            raise
        except Exception as error:
            # A damaged row, a mistake of an adapter: whatever it is, COMMITTED may stand.
            raise UnknownOutcomeError(
                f"the decision was sent and its answer makes no sense: {error}",
                transaction_id=self._tx_id,
            ) from error

    async def _decide_or_settle(self) -> Decision:
        at = self._context.runtime.now_ms()
        try:
            return await self._context.decisions.decide(self._tx_id, at, self._also)
        except UndecidedError as error:
            return await settle_own(
                self._context.decisions,
                self._tx_id,
                committed_may_stand=error.may_stand,
                look=self._look_at_own_records,
            )

    async def _look_at_own_records(self) -> Witness:
        for write, prepared in zip(self._writes, self._prepared, strict=True):
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

    async def _abort(self, obstacle: Exception) -> None:
        """Make sure that nobody can commit what was prepared, undo it, and raise the obstacle."""
        try:
            decision = await self._context.decisions.force_abort(self._tx_id)
        except UndecidedError:
            # Only this process could have committed, and it never will: the outcome is certain,
            # although the records wait for their expiry before others may undo them.
            _log.warning("could not write the abort of %s; its records expire", self._tx_id)
        else:
            if decision.state is TransactionState.COMMITTED:
                # What is prepared bears an id that is committed: whoever reads it will finish it.
                await self._roll_forward(decision.decided_at)
                raise UnknownOutcomeError(
                    f"somebody else committed under the id {self._tx_id} meanwhile: what this "
                    "transaction had prepared is committed with it, the rest of it is not",
                    advice="Read the records and decide by what they hold; never use an id twice",
                    transaction_id=self._tx_id,
                ) from obstacle
            await self._roll_back()
        raise self._as_error(obstacle) from obstacle

    def _as_error(self, obstacle: Exception) -> Exception:
        if isinstance(obstacle, WriteRefusedError):
            return self._refused(obstacle)
        if isinstance(obstacle, StorageBusyError):
            return ConflictError(
                f"the storage was busy while records were prepared: {obstacle}",
                transaction_id=self._tx_id,
                code="STX-1032",
            )
        if isinstance(obstacle, StorageError):
            return StorageUnavailableError(
                f"records could not be prepared, the transaction is aborted: {obstacle}",
                transaction_id=self._tx_id,
                code="STX-4003",
            )
        if isinstance(obstacle, ScalarTxError) and obstacle.transaction_id is None:
            obstacle.transaction_id = self._tx_id
        return obstacle

    def _refused(self, obstacle: WriteRefusedError) -> ConflictError:
        existing = [
            write
            for write in self._writes
            if self._records_found.get(write.record_id) and self._replaces_nothing(write)
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

    # Finish.

    async def _roll_forward(self, committed_at: int) -> None:
        mutations = [
            record.roll_forward(
                write.table,
                write.key,
                self._tx_id,
                committed_at,
                deleted=write.values is None,
                clear_before="before_tx_version" in prepared.values,
            )
            for write, prepared in zip(self._writes, self._prepared, strict=True)
        ]
        await self._finish(mutations, "committed")

    async def _roll_back(self) -> None:
        """Undo what is still prepared by us, judged by the rows as they are now."""
        mutations: list[StorageMutation] = []
        in_the_way: list[PendingWrite] = []
        for write in self._writes:
            try:
                row = await self._context.storage.get(write.table.stored, write.key)
                if row is None:
                    continue
                if row["tx_id"] != self._tx_id:
                    self._records_found[write.record_id] = record.is_committed(row)
                    if not record.is_committed(row) and self._replaces_nothing(write):
                        in_the_way.append(write)
                elif not record.is_committed(row):
                    mutations.append(record.roll_back(write.table, write.key, row))
            except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
                _log.info("left a record of %s to lazy recovery: %s", write.table.name, error)
        await self._finish(mutations, "rolled back")
        for write in in_the_way:
            await self._settle_in_the_way(write)

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
