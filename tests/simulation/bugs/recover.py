"""Mistakes in dealing with what others have left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.in_the_way import InTheWay
from scalar_tx.consensus_commit.recover import Recovery, Resolved
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value
    from tests.simulation.bugs.bug import Bug, Patches


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


def _insert_over_a_dead_record_left_alone() -> Patches:
    async def nothing(self: InTheWay) -> None:
        return None

    return [(InTheWay, "settle", nothing)]


def _expiry_not_waited_for_but_guessed() -> Patches:
    """Undecidable writers count as aborted."""

    async def read(self: Recovery, writer: str) -> Decision | None:
        try:
            return await self._decisions.read(writer)
        except UndecidedError:
            return Decision(TransactionState.ABORTED, 0)

    return [(Recovery, "_read_decision", read)]


def _expiry_by_the_readers_clock() -> Patches:
    """A writer's 15 seconds begin when this process first meets it, not when it prepared."""

    def leave_the_living_alone(
        self: Recovery, table: TransactionalTable, key: tuple[Value, ...], row: Row
    ) -> None:
        met = self.__dict__.setdefault("first met", {})
        now = self._runtime.now_ms()
        since = met.setdefault(record.writer_of(row), now)
        right(self, table, key, {**row, "tx_prepared_at": since})

    right = Recovery._leave_the_living_alone
    return [(Recovery, "_leave_the_living_alone", leave_the_living_alone)]


BUGS: Final[Mapping[str, Bug]] = {
    "recovery ignores expiry": _recovery_ignores_expiry,
    "expired writer rolled back without a decision": _expired_rolled_back_without_decision,
    "insert over a dead record left alone": _insert_over_a_dead_record_left_alone,
    "unreadable decision taken for an abort": _expiry_not_waited_for_but_guessed,
    "expiry by the reader's clock only": _expiry_by_the_readers_clock,
}
