"""Mistakes in commits that leave steps out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from scalar_tx.consensus_commit import commit_path, record
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.record_only import Found, RecordOnly
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.errors import ReplyLostError, WriteRefusedError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.decision_row import NewRow
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _without_condition(*, over_a_record: bool) -> Patches:
    right = record.final

    def final(*args: Any, **how: Any) -> StorageMutation:
        mutation = right(*args, **how)
        if (mutation.condition is not if_not_exists) is over_a_record:
            return dataclasses.replace(mutation, condition=None)
        return mutation

    return [(record, "final", final)]


def _written_without_looking_at_what_was_read() -> Patches:
    return [(commit_path, "needs_validation", lambda *_: False)]


def _lost_reply_taken_for_a_refusal() -> Patches:
    right = CoordinatorTable._write

    async def write(
        self: CoordinatorTable, row: NewRow, also: Sequence[StorageMutation] = ()
    ) -> None:
        try:
            await right(self, row, also)
        except ReplyLostError as error:
            if also:
                raise WriteRefusedError("no answer") from error
            raise

    return [(CoordinatorTable, "_write", write)]


def _own_decision_met_again_taken_for_a_refusal() -> Patches:
    async def own(self: CoordinatorTable, tx_id: str, refusal: WriteRefusedError) -> Decision:
        raise refusal

    return [(CoordinatorTable, "_own", own)]


def _decision_first_and_records_afterwards() -> Patches:
    async def decide_with(
        self: CoordinatorTable, tx_id: str, at: int, records: Sequence[StorageMutation], *_: Any
    ) -> Decision:
        decision = await self.decide(tx_id, at)
        if decision.state is TransactionState.COMMITTED:
            await self._storage.mutate(list(records))
        return decision

    return [(CoordinatorTable, "decide_with", decide_with)]


def _records_first_and_decision_afterwards() -> Patches:
    async def decide_with(
        self: CoordinatorTable, tx_id: str, at: int, records: Sequence[StorageMutation], *_: Any
    ) -> Decision:
        try:
            await self._storage.mutate(list(records))
        except ReplyLostError as error:
            raise WriteRefusedError("no answer") from error
        return await self.decide(tx_id, at)

    return [(CoordinatorTable, "decide_with", decide_with)]


def _own_record_met_again_taken_for_a_refusal() -> Patches:
    async def was_applied(self: RecordOnly, refusal: WriteRefusedError) -> bool:
        raise refusal

    return [(RecordOnly, "_was_applied", was_applied)]


def _a_read_taken_for_a_fence() -> Patches:
    """An untouched record is believed to stay untouched, though the write may be on its way."""
    right = RecordOnly.run

    async def run(self: RecordOnly) -> None:
        mutate = self._context.storage.mutate

        async def looked_at(mutations: Sequence[StorageMutation]) -> None:
            try:
                await mutate(mutations)
            except ReplyLostError as error:
                found = [await self._look(write) for write in self._writes]
                if Found.UNTOUCHED in found:
                    raise WriteRefusedError("it is not there") from error
                raise

        with patch.object(self._context, "storage", Redirected(self._context.storage, looked_at)):
            await right(self)

    return [(RecordOnly, "run", run)]


class Redirected:
    """A storage whose writes go elsewhere first."""

    def __init__(self, storage: Any, mutate: Any) -> None:
        self._storage = storage
        self.mutate = mutate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def _last_get_trusted_whatever_was_absent() -> Patches:
    def but_the_last(self: Validation, checks: list[Any]) -> list[Any]:
        return [check for check in checks if check.record_id != self._last_get]

    return [(Validation, "_but_the_last", but_the_last)]


def _first_get_trusted() -> Patches:
    def but_the_first(self: Validation, checks: list[Any]) -> list[Any]:
        return checks[1:] if self._last_get is not None else checks

    return [(Validation, "_but_the_last", but_the_first)]


BUGS: Final[Mapping[str, Bug]] = {
    "one write over a record without condition": lambda: _without_condition(over_a_record=True),
    "one write of a new record without condition": lambda: _without_condition(over_a_record=False),
    "one write although reads must be validated": _written_without_looking_at_what_was_read,
    "lost reply to one write taken for a refusal": _lost_reply_taken_for_a_refusal,
    "own one write met again taken for a refusal": _own_decision_met_again_taken_for_a_refusal,
    "decision first, its records afterwards": _decision_first_and_records_afterwards,
    "records first, their decision afterwards": _records_first_and_decision_afterwards,
    "own record met again taken for a refusal": _own_record_met_again_taken_for_a_refusal,
    "a read taken for a fence": _a_read_taken_for_a_fence,
    "last get trusted although others were of nothing": _last_get_trusted_whatever_was_absent,
    "first get trusted instead of the last": _first_get_trusted,
}
