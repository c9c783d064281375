"""How are all stored rows read, settled or not, without transaction?

Through the storage interface, page by page, as every adapter offers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import left_behind, record
from scalar_tx.consensus_commit.metadata import TransactionalTable, is_transactional
from scalar_tx.consensus_commit.scan_pages import page_sizes
from scalar_tx.model.table import split_name
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.connection import Parts
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages


def all_rows(parts: Parts, table: Table) -> Pages:
    """Every row of a table, transactional or not."""
    sizes = page_sizes(parts.context.options)
    return parts.storage.scan(
        ScanRequest(table, WholeTableSource(), None, None, sizes.first, sizes.largest)
    )


def unsettled_rows(parts: Parts, table: TransactionalTable) -> Pages:
    """Every row that its storage believes to be unsettled; may hold others, ask is_committed."""
    return left_behind.unsettled_rows(parts.context, table)


async def next_unsettled(pages: Pages) -> Sequence[Row] | None:
    """The unsettled rows of the next page; None at the end."""
    page = await pages.next_page()
    if page is None:
        return None
    return [row for row in page if row["tx_state"] in (record.PREPARED, record.DELETED)]


async def transactional_tables(parts: Parts, names: Sequence[str] = ()) -> list[TransactionalTable]:
    """The tables of those names, or all transactional ones. InvalidOperationError: no such one."""
    if names:
        return [await parts.context.catalog.table(name) for name in names]
    return [
        TransactionalTable(table)
        for table in await stored_tables(parts)
        if is_transactional(table.schema)
    ]


async def stored_tables(parts: Parts) -> list[Table]:
    """Every table but the coordinator's, as it is stored."""
    closed, _ = split_name(parts.coordinator.name)
    admin = parts.storage.admin
    found = []
    for namespace in await admin.namespaces():
        if namespace == closed:
            continue
        for name in await admin.tables(namespace):
            table = await admin.table(name)
            if table is not None:  # else it was dropped at this moment
                found.append(table)
    return found
