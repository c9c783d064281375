"""Are the decisions on record readable, and which transactions were aborted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cli.raw_rows import all_rows
from scalar_tx.consensus_commit.record import TxState

if TYPE_CHECKING:
    from scalar_tx.connection import Parts


async def check_coordinator(parts: Parts) -> tuple[set[str], list[str]]:
    """The ids of aborted transactions, and what is wrong with rows of decisions.

    A group's own row that is aborted blocks the group and stands for no transaction; an aborted
    member has a row of its own (Consensus Commit specification 2.3, 6.5).
    """
    aborted: set[str] = set()
    problems: list[str] = []
    if not await parts.administration.coordinator_tables_exist():
        return aborted, problems
    pages = all_rows(parts, await parts.coordinator.table())
    while (page := await pages.next_page()) is not None:
        for row in page:
            tx_id, state, at = row["tx_id"], row["tx_state"], row["tx_created_at"]
            if state not in (TxState.COMMITTED, TxState.ABORTED):
                problems.append(f"the decision about {tx_id!r} has the state {state!r}")
            elif not isinstance(at, int) or at <= 0:
                problems.append(f"the decision about {tx_id!r} has no time")
            if state == TxState.ABORTED and isinstance(tx_id, str):
                aborted.add(tx_id)
    return aborted, problems
