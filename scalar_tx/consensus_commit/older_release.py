"""Does a ScalarDB before 3.19 still write these tables?

Its readers would take a removed decision for an abort, so decisions must stay while it is there
(Consensus Commit specification 5.6). For certain nobody can tell: one that only reads leaves no
trace. One that writes gives itself away: it finishes records at another time than that of their
decision, and before 3.16 it left the previous image in them (0.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.transaction_id import leaves_a_decision
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.state import TransactionState
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row

MOST_ROWS: Final = 1000  # of a table, read from its beginning
MOST_DECISIONS: Final = 100  # looked up for a table
# A rollback by 3.19 may restore a time that is a little off: a few such records prove nothing.
ENOUGH: Final = 3


async def traces_of_older_releases(
    context: Context, table: TransactionalTable, *, since_ms: int
) -> set[str]:
    """Ids of transactions that an older release has finished since then; ``ENOUGH`` are proof."""
    found: set[str] = set()
    rows = decisions = 0
    pages = context.storage.scan(ScanRequest(table.stored, WholeTableSource()))
    try:
        while rows < MOST_ROWS and (page := await guarded(pages.next_page(), None)) is not None:
            rows += len(page)
            for row in page:
                writer, at = row["tx_id"], row["tx_committed_at"]
                recent = isinstance(at, int) and at >= since_ms and record.is_committed(row)
                if not recent or not isinstance(writer, str) or writer in found:
                    continue
                if row["before_tx_state"] is not None:
                    found.add(writer)
                elif leaves_a_decision(writer) and decisions < MOST_DECISIONS:
                    decisions += 1
                    if await _finished_later(context, writer, row):
                        found.add(writer)
    finally:
        await pages.close()
    return found


async def _finished_later(context: Context, writer: str, row: Row) -> bool:
    try:
        decision = await context.decisions.read(writer)
    except UndecidedError as error:
        raise StorageUnavailableError(
            f"the decision about {writer} could not be read; nothing was done",
            advice="Check the coordinator's storage",
            code="STX-4002",
        ) from error
    return (
        decision is not None
        and decision.state is TransactionState.COMMITTED
        and decision.decided_at != row["tx_committed_at"]
    )
