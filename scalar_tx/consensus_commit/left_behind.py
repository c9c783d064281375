"""Which records of a table are prepared by undecided transactions, and how are all of them settled?

Lazy recovery waits for a reader of each record. Who changes the table can't: a record is found
again by names that are about to go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.scan_pages import page_sizes
from scalar_tx.errors import ConflictError
from scalar_tx.model.conditions import Comparison, Operator, Or
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Pages

UNSETTLED: Final = Or(
    (
        Comparison("tx_state", Operator.EQ, record.PREPARED),
        Comparison("tx_state", Operator.EQ, record.DELETED),
    )
)


def unsettled_rows(context: Context, table: TransactionalTable) -> Pages:
    """Every row that its storage believes to be unsettled; may hold others, ask is_committed."""
    sizes = page_sizes(context.options)
    return context.storage.scan(
        ScanRequest(table.stored, WholeTableSource(), UNSETTLED, None, sizes.first, sizes.largest)
    )


async def settle_all(context: Context, table: TransactionalTable) -> None:
    """Settle every record; ConflictError if the writer of one may be alive."""
    # Keys first: a scan whose rows are settled meanwhile might meet none of the later ones.
    keys: list[tuple[Value, ...]] = []
    pages = unsettled_rows(context, table)
    try:
        while (page := await pages.next_page()) is not None:
            keys += [table.stored.key_of(row) for row in page if not record.is_committed(row)]
    finally:
        await pages.close()
    for key in keys:
        try:
            await context.recovery.settle_record(table, key)
        except ConflictError as error:
            raise ConflictError(
                f"{table.name} can't be changed now: {error.message}",
                records=error.records,
                other_transaction=error.other_transaction,
                retry_after=error.retry_after,
                advice="Stop what writes to the table, then change it; a dead writer's records "
                "can be settled 15 s after they were prepared",
                code=error.code,
            ) from error
