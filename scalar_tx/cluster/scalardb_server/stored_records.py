"""How is a table read and written as it is stored, without transactions?

A read becomes one that the storage knows; so does a write, with its condition, and all writes of
one call, which are about one partition, are one atomic write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.scalardb_server.operations import (
    get_of,
    is_from_old_client,
    mutation_of,
    scan_of,
)
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.cluster.scalardb_server.request_checks import (
    check_get,
    check_projections,
    check_scan,
)
from scalar_tx.cluster.scalardb_server.results import result_message
from scalar_tx.cluster.scalardb_server.tables_by_name import no_such_table
from scalar_tx.cluster.scalardb_server.write_checks import (
    check_bigints,
    check_condition,
    check_mutation,
    check_mutations,
    check_one_partition,
)
from scalar_tx.consensus_commit.metadata import TransactionalTable
from scalar_tx.consensus_commit.plan import plan_scan
from scalar_tx.model.conditions import Existence, bound
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Scan
from scalar_tx.storage.interface import Erase, ScanRequest, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
    from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages, ScanSource, StorageMutation


class StoredRecords:
    """The records of all storages, transaction columns included."""

    def __init__(self, database: TablesByName) -> None:
        self._database = database

    async def get(self, message: rpc.Get) -> rpc.Result | None:
        """One record by its key, or the only one with an index value."""
        table = await self._table(message)
        check_projections(message, table.schema, "Get")
        check_get(message, table.schema)
        get = get_of(message, table.schema)
        storage = self._database.parts.storage
        if get.key is not None:
            key = self._database.checks(table).key(get.key, table.schema.primary_key, "key")
            row = await self._database.run(storage.get(table, key))
        else:
            row = await self._only_one(table, Scan(get.table, index=get.index), message)
        return None if row is None else Shown(message, table).result(row)

    async def _only_one(self, table: Table, scan: Scan, message: rpc.Get) -> Row | None:
        pages = self._pages(table, self._source(table, scan), 2)
        found: list[Row] = []
        try:
            while (page := await self._database.run(pages.next_page())) is not None:
                found.extend(page)
                if len(found) > 1:
                    raise invalid(
                        "CORE-10068: Please use scan() for non-exact match selection. Operation: "
                        f"Get of {message.namespace}.{message.table}"
                    )
        finally:
            await self._database.run(pages.close())
        return found[0] if found else None

    async def scan(self, message: rpc.Scan, page_size: int) -> tuple[Pages, Shown]:
        """A scan that was begun, and how its records are shown."""
        table = await self._table(message)
        check_projections(message, table.schema, "Scan")
        check_scan(message, table.schema)
        scan = scan_of(message, table.schema)
        return self._pages(table, self._source(table, scan), page_size), Shown(message, table)

    def _source(self, table: Table, scan: Scan) -> ScanSource:
        """What to read; the level is one that asks no storage for more than it does."""
        context, checks = self._database.parts.context, self._database.checks(table)
        known = TransactionalTable(table, context.storage.objection)
        return plan_scan(scan, known, checks, context, Isolation.SNAPSHOT).source

    def _pages(self, table: Table, source: ScanSource, page_size: int) -> Pages:
        return self._database.parts.storage.scan(ScanRequest(table, source, page_size=page_size))

    async def mutate(self, messages: Sequence[rpc.Mutation]) -> None:
        """Write all, or nothing; WriteRefusedError: a condition was not met.

        Storages that could span partitions are not asked to: Java clients count on the refusal.
        """
        check_mutations(messages)
        check_one_partition(messages)
        await self._database.write([await self._mutation(message) for message in messages])

    async def _mutation(self, message: rpc.Mutation) -> StorageMutation:
        table = await self._table(message)
        if not self._database.wide_bigint:
            check_bigints(message)
        check_mutation(message, table.schema)
        check_condition(message, table.schema)
        mutation, checks = mutation_of(message, table.schema), self._database.checks(table)
        condition = _bound(mutation.where, table)
        if isinstance(mutation, Delete):
            key = checks.key(mutation.key, table.schema.primary_key, "key")
            return Erase(table, key, condition)
        key, values = checks.values(mutation.values, with_key=True)
        return Write(table, key, values, condition)

    async def _table(self, message: rpc.Get | rpc.Scan | rpc.Mutation) -> Table:
        if not message.namespace or not message.table:
            raise no_such_table()
        return await self._database.stored_table(f"{message.namespace}.{message.table}")


class Shown:
    """What a client gets to see of the rows that a read of its own returned."""

    def __init__(self, message: rpc.Get | rpc.Scan, table: Table) -> None:
        self._table = table
        self._columns = tuple(dict.fromkeys(message.projections)) or table.columns
        self._old = is_from_old_client(message)

    def result(self, row: Row) -> rpc.Result:
        """One row."""
        record = {name: row[name] for name in self._columns}
        return result_message(record, self._table.schema, self._table.name, old=self._old)


def _bound(where: Condition | Existence | None, table: Table) -> Condition | Existence | None:
    if where is None or isinstance(where, Existence):
        return where
    return bound(where, table.schema, table.name)
