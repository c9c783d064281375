"""Which bugs must the simulator notice?

Variants of the protocol with one mistake each, switched on by name. Each is a mistake that somebody
could make, or has made.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from unittest.mock import patch

from scalar_tx.consensus_commit import commit, record
from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.read import Reader
from scalar_tx.consensus_commit.record import TxState
from scalar_tx.consensus_commit.recover import Recovery, Resolved
from scalar_tx.consensus_commit.scan import ScanPlan, ScanTrace
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.errors import ConflictError, UnknownOutcomeError
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import Erase, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scalar_tx.consensus_commit.decisions import DecisionMaker
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Reads, StorageMutation

# What is replaced: where, which attribute, by what.
Patches: TypeAlias = "list[tuple[object, str, Any]]"


def _no_compare_and_set_in_prepare() -> Patches:
    right = record.prepare

    def prepare(*args: Any, **kwargs: Any) -> Write:
        write = right(*args, **kwargs)
        return dataclasses.replace(write, condition=None)

    return [(record, "prepare", prepare)]


def _no_validation() -> Patches:
    async def run(self: Validation) -> None:
        return None

    return [(Validation, "run", run)]


def _validation_before_prepare() -> Patches:
    prepare = Commit._prepare
    validate_now = Commit._validate

    async def validated_prepare(self: Commit) -> None:
        if self._isolation.value == "SERIALIZABLE":
            await validate_now(self)
        await prepare(self)

    async def nothing(self: Commit) -> None:
        return None

    return [(Commit, "_prepare", validated_prepare), (Commit, "_validate", nothing)]


def _records_before_the_decision() -> Patches:
    decide = Commit._decide

    async def rolled_first(self: Commit) -> Decision:
        await self._roll_forward(self._context.runtime.now_ms())
        return await decide(self)

    return [(Commit, "_decide", rolled_first)]


def _recovery_ignores_expiry() -> Patches:
    """Whoever is undecided is rolled back, and nothing keeps him from committing."""

    async def resolve(
        self: Recovery, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> Resolved:
        decision = await self._read_decision(record.writer_of(row))
        if decision is not None:
            return self._follow(table, key, row, decision)
        return self._roll_back(table, key, row)

    return [(Recovery, "resolve", resolve)]


def _expired_rolled_back_without_decision() -> Patches:
    async def abort(self: Recovery, writer: str) -> Decision:
        return Decision(TransactionState.ABORTED, self._runtime.now_ms())

    return [(Recovery, "_abort", abort)]


def _decision_overwrites() -> Patches:
    async def write(
        self: CoordinatorTable,
        tx_id: str,
        state: TxState,
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> None:
        values: Row = {"tx_state": int(state), "tx_created_at": at}
        await self._storage.mutate([Write(await self.table(), (tx_id,), values), *also])

    return [(CoordinatorTable, "_write", write)]


def _unknown_reported_as_failed() -> Patches:
    async def settled(*args: Any, **kwargs: Any) -> Decision:
        raise ConflictError("the decision failed")

    decide = Commit._decide

    async def decided(self: Commit) -> Decision:
        try:
            return await decide(self)
        except (ConflictError, UnknownOutcomeError):
            return Decision(TransactionState.ABORTED, 0)

    return [(commit, "settle_own", settled), (Commit, "_decide", decided)]


def _absent_decision_trusted() -> Patches:
    """No decision is seen, so there will be none; but the own one may still be on its way."""

    async def settled(decisions: DecisionMaker, tx_id: str, **_: Any) -> Decision:
        try:
            standing = await decisions.read(tx_id)
        except UndecidedError as error:
            raise UnknownOutcomeError("not readable", transaction_id=tx_id) from error
        return standing or Decision(TransactionState.ABORTED, 0)

    return [(commit, "settle_own", settled)]


def _lost_reply_taken_for_a_refusal() -> Patches:
    """The own COMMITTED whose reply was lost is met at the second try and taken for a conflict."""
    right = CoordinatorTable._insert

    async def insert(self: CoordinatorTable, *args: Any, **kwargs: Any) -> Any:
        ours, standing, may_stand = await right(self, *args, **kwargs)
        if standing is not None and standing["tx_state"] == TxState.COMMITTED and not ours:
            standing = {**standing, "tx_state": int(TxState.ABORTED)}
        return ours, standing, may_stand

    return [(CoordinatorTable, "_insert", insert)]


def _rollback_restores_nothing() -> Patches:
    """A rollback that leaves the new values behind and only resets the state."""

    def restored(table: TransactionalTable, row: Row) -> Row:
        right = right_restored(table, row)
        return {**right, **{name: row[name] for name in table.value_columns}}

    right_restored = record.restored
    return [(record, "restored", restored)]


def _rollback_without_condition() -> Patches:
    right = record.roll_back

    def roll_back(*args: Any) -> StorageMutation:
        return dataclasses.replace(right(*args), condition=None)

    return [(record, "roll_back", roll_back)]


def _roll_forward_without_condition() -> Patches:
    right = record.roll_forward

    def roll_forward(*args: Any, **kwargs: Any) -> StorageMutation:
        return dataclasses.replace(right(*args, **kwargs), condition=None)

    return [(record, "roll_forward", roll_forward)]


def _delete_finished_as_update() -> Patches:
    right = record.roll_forward

    def roll_forward(
        table: TransactionalTable, key: tuple[Value, ...], *args: Any, **kwargs: Any
    ) -> StorageMutation:
        mutation = right(table, key, *args, **kwargs)
        if isinstance(mutation, Erase):
            values: Row = {"tx_state": int(TxState.COMMITTED), **table.cleared}
            return Write(table.stored, key, values, mutation.condition)
        return mutation

    return [(record, "roll_forward", roll_forward)]


def _read_of_prepared_values() -> Patches:
    async def by_key(self: Reader, table: TransactionalTable, key: tuple[Value, ...]) -> Row | None:
        row = await self.context.storage.get(table.stored, key)
        self.snapshot.reads.setdefault((table.name, key), row)
        self.snapshot.point_reads[(table.name, key)] = table
        return row

    return [(Reader, "by_key", by_key)]


def _later_read_replaces_the_first() -> Patches:
    async def for_write(
        self: Reader, table: TransactionalTable, key: tuple[Value, ...]
    ) -> Row | None:
        row = await self.context.storage.get(table.stored, key)
        if row is not None and not record.is_committed(row):
            row = (await self.resolve(table, key, row)).row
        self.snapshot.reads[(table.name, key)] = row
        return row

    return [(Reader, "for_write", for_write)]


def _doomed_reads_handed_on() -> Patches:
    async def confirm_reads(self: TransactionSteps) -> None:
        return None

    return [(TransactionSteps, "confirm_reads", confirm_reads)]


def _prepared_records_not_compared_with_scans() -> Patches:
    def contradicts(self: ScanTrace, key: tuple[Value, ...], replaced: Row | None) -> bool:
        return False

    return [(ScanTrace, "contradicts", contradicts)]


def _insert_over_a_dead_record_left_alone() -> Patches:
    async def nothing(self: Commit, write: object) -> None:
        return None

    return [(Commit, "_settle_in_the_way", nothing)]


def _expiry_not_waited_for_but_guessed() -> Patches:
    """Undecidable writers count as aborted."""

    async def read(self: Recovery, writer: str) -> Decision | None:
        try:
            return await self._decisions.read(writer)
        except UndecidedError:
            return Decision(TransactionState.ABORTED, 0)

    return [(Recovery, "_read_decision", read)]


def _index_read_without_previous_values() -> Patches:
    def request(self: ScanPlan, page_size: int) -> None:
        return None

    return [(ScanPlan, "before_index_request", request)]


def _scans_not_validated() -> Patches:
    async def check_scan(self: Validation, reads: Reads, trace: ScanTrace) -> None:
        return None

    return [(Validation, "check_scan", check_scan)]


PLANTED: Final[dict[str, Callable[[], Patches]]] = {
    "no compare-and-set in prepare": _no_compare_and_set_in_prepare,
    "no validation": _no_validation,
    "validation before prepare": _validation_before_prepare,
    "records rolled forward before the decision": _records_before_the_decision,
    "recovery ignores expiry": _recovery_ignores_expiry,
    "expired writer rolled back without a decision": _expired_rolled_back_without_decision,
    "decision not if-absent": _decision_overwrites,
    "unknown reported as failed": _unknown_reported_as_failed,
    "absent decision trusted": _absent_decision_trusted,
    "own decision met again taken for a conflict": _lost_reply_taken_for_a_refusal,
    "unreadable decision taken for an abort": _expiry_not_waited_for_but_guessed,
    "rollback keeps the new values": _rollback_restores_nothing,
    "rollback without condition": _rollback_without_condition,
    "roll-forward without condition": _roll_forward_without_condition,
    "delete finished as an update": _delete_finished_as_update,
    "prepared values read": _read_of_prepared_values,
    "later read replaces the first": _later_read_replaces_the_first,
    "doomed reads handed on": _doomed_reads_handed_on,
    "prepared records not compared with scans": _prepared_records_not_compared_with_scans,
    "index read without previous values": _index_read_without_previous_values,
    "scans not validated": _scans_not_validated,
    "insert over a dead record left alone": _insert_over_a_dead_record_left_alone,
}


@contextmanager
def plant(name: str | None) -> Iterator[None]:
    """Put a bug into the protocol for a while; None: none."""
    with ExitStack() as stack:
        for place, attribute, wrong in PLANTED[name]() if name is not None else ():
            stack.enter_context(patch.object(place, attribute, wrong))
        yield
