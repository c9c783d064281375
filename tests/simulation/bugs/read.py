"""Mistakes in reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import plan, record
from scalar_tx.consensus_commit.read import Reader
from scalar_tx.consensus_commit.scan import ScanPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan_pages import PageSizes
    from scalar_tx.model.types import Row, Value
    from tests.simulation.bugs.bug import Bug, Patches


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


def _index_read_without_previous_values() -> Patches:
    def request(self: ScanPlan, sizes: PageSizes) -> None:
        return None

    return [(ScanPlan, "before_index_request", request)]


def _pre_read_without_recovery() -> Patches:
    """A blind write goes over whatever is there, uncommitted values of others too."""

    async def for_write(
        self: Reader, table: TransactionalTable, key: tuple[Value, ...]
    ) -> Row | None:
        record_id = (table.name, key)
        if record_id not in self.snapshot.reads:
            row = await self.context.storage.get(table.stored, key)
            self.snapshot.note(record_id, row)
        return self.snapshot.reads[record_id]

    return [(Reader, "for_write", for_write)]


def _lagging_index_believed() -> Patches:
    def check_linearizable(*_: Any, **__: Any) -> None:
        return None

    return [(plan, "check_linearizable", check_linearizable)]


BUGS: Final[Mapping[str, Bug]] = {
    "prepared values read": _read_of_prepared_values,
    "later read replaces the first": _later_read_replaces_the_first,
    "index read without previous values": _index_read_without_previous_values,
    "pre-read without recovery": _pre_read_without_recovery,
    "lagging index believed": _lagging_index_believed,
}
