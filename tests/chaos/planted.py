"""Which mistakes must the campaign notice?

Each is planted into the library of a writer or of the settler, by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.errors import ConflictError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.recover import Resolved
    from scalar_tx.model.types import Row, Value


def acknowledge_before_the_decision() -> None:
    """commit returns once everything is prepared; the decision follows in the background."""

    async def run(self: Commit) -> None:
        await self.check_ready()
        try:
            await self.prepare()
            await self.validate()
        except Exception as obstacle:  # noqa: BLE001  # whatever it is, the abort comes first
            await self.give_up(obstacle)

        async def later() -> None:
            await self._context.runtime.sleep(0.01)
            self.decision = decision = await self._decide(self._plainly)
            await self._records.roll_forward(decision.decided_at)

        self._context.runtime.run_later(later)

    Commit.run = run  # type: ignore[method-assign]


def report_a_conflict_that_was_none() -> None:
    """Now and then a commit is decided and yet reported as lost."""
    decide = Commit._decide
    count = 0

    async def decide_and_lie(self: Commit, *how: Any) -> Decision:
        nonlocal count
        decision = await decide(self, *how)
        count += 1
        if count % 10 == 0 and decision.state is TransactionState.COMMITTED:
            await self._records.roll_forward(decision.decided_at)
            raise ConflictError("no, it was lost", transaction_id=self._tx_id)
        return decision

    Commit._decide = decide_and_lie  # type: ignore[method-assign,assignment]


def roll_back_whatever_was_decided() -> None:
    """Recovery looks the decision up and does not follow it."""

    def follow(
        self: Recovery,
        table: TransactionalTable,
        key: tuple[Value, ...],
        row: Row,
        decision: Decision,
    ) -> Resolved:
        return self._roll_back(table, key, row)

    Recovery._follow = follow  # type: ignore[method-assign]


WRITERS: Final[dict[str, Callable[[], None]]] = {
    "acknowledge-early": acknowledge_before_the_decision,
    "false-conflict": report_a_conflict_that_was_none,
}
SETTLERS: Final[dict[str, Callable[[], None]]] = {
    "ignore-decisions": roll_back_whatever_was_decided,
}
FAULTS: Final = {**WRITERS, **SETTLERS}


def plant(name: str) -> None:
    """Make this process's library faulty; ``none`` leaves it as it is."""
    if name != "none":
        FAULTS[name]()
