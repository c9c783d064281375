"""How are transactional tables, and the coordinator's own, made, described and removed?

A user's schema goes in and comes out; the transaction columns are added and hidden here
(Consensus Commit specification 1.1, 1.2, 2.1; Storage specification 2.9, 8.4).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable, coordinator_table
from scalar_tx.consensus_commit.metadata import (
    BEFORE,
    TransactionalTable,
    is_transactional,
    with_transaction_columns,
)
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import check_flags, wrong
from scalar_tx.model.table import Table, TableSchema, split_name
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.consensus_commit.context import Context

_log = logging.getLogger("scalar_tx.administration")
_NONE: Final[Mapping[str, str]] = {}


class Administration:
    """Schema changes, as steps for both faces."""

    def __init__(
        self,
        context: Context,
        coordinator: CoordinatorTable,
        *,
        coordinator_namespace: str,
        group_commit: bool = False,
        write_sets: bool = False,
    ) -> None:
        self._context = context
        self._coordinator = coordinator
        self._closed_namespace = coordinator_namespace
        self._coordinator_table = coordinator_table(
            coordinator_namespace, group_commit=group_commit, write_sets=write_sets
        )

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool, options: Mapping[str, object]
    ) -> None:
        """Make a namespace."""
        check_flags(if_not_exists=if_not_exists)
        self._open(namespace)
        await self._context.storage.admin.create_namespace(
            namespace, if_not_exists=if_not_exists, options=_options(options)
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool) -> None:
        """Remove an empty namespace."""
        check_flags(if_exists=if_exists)
        self._open(namespace)
        await self._context.storage.admin.drop_namespace(namespace, if_exists=if_exists)

    async def namespaces(self) -> list[str]:
        """The namespaces, the coordinator's left out."""
        found = await self._context.storage.admin.namespaces()
        return [name for name in found if name != self._closed_namespace]

    async def create_table(
        self,
        name: str,
        schema: TableSchema,
        *,
        if_not_exists: bool,
        transaction: bool,
        options: Mapping[str, object],
    ) -> None:
        """Make a table and, if it is missing, its namespace."""
        check_flags(if_not_exists=if_not_exists, transaction=transaction)
        namespace, _ = split_name(name)
        self._open(namespace)
        table = self._stored_form(name, schema, transaction=transaction)
        admin = self._context.storage.admin
        # Looked up first: an option or name that only creation refuses must not trouble a table
        # that is there.
        found = await admin.table(name) if if_not_exists else None
        if found is not None:
            _warn_of_difference(found, table)
            return
        await admin.create_namespace(namespace, if_not_exists=True, options=_options(options))
        await admin.create_table(table, if_not_exists=if_not_exists, options=_options(options))
        self._context.catalog.forget(name)

    async def drop_table(self, name: str, *, if_exists: bool) -> None:
        """Remove a table."""
        check_flags(if_exists=if_exists)
        self._open(split_name(name)[0])
        await self._context.storage.admin.drop_table(name, if_exists=if_exists)
        self._context.catalog.forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all records of a table, without transaction."""
        await self._stored(name)
        await self._context.storage.admin.truncate_table(name)

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a namespace's transactional tables."""
        self._open(namespace)
        admin = self._context.storage.admin
        found = []
        for name in await admin.tables(namespace):
            table = await admin.table(name)
            if table is not None and is_transactional(table.schema):
                found.append(name)
        return found

    async def table(self, name: str) -> TableSchema:
        """A table's schema as its users know it."""
        return TransactionalTable(await self._transactional(name)).user

    async def stored_tables(self, namespace: str) -> list[str]:
        """The full names of all tables of a namespace, transactional or not."""
        self._open(namespace)
        return await self._context.storage.admin.tables(namespace)

    async def stored_table(self, name: str) -> TableSchema | None:
        """A table's schema as it is stored, transaction columns included; None: there is none."""
        self._open(split_name(name)[0])
        table = await self._context.storage.admin.table(name)
        return None if table is None else table.schema

    async def add_column(
        self,
        name: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool,
        transaction: bool,
    ) -> None:
        """Append a column and, to a transactional table, the one for its previous value."""
        check_flags(if_not_exists=if_not_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = _user_schema(table, transaction=transaction)
        wanted = DataType.parse(data_type)
        if not isinstance(column, str):
            raise InvalidOperationError(
                f"{column!r:.60} is not a column name",
                advice="Give the name as text",
                code="STX-3012",
            )
        if column in user.columns:
            if if_not_exists and user.columns[column] is wanted:
                return
            raise InvalidOperationError(
                f"{name} has a column {column!r} already; it is {user.columns[column].value}",
                advice="Choose another name; a column keeps the type it was made with",
                code="STX-3018",
            )
        wider = TableSchema(
            {**user.columns, column: wanted},
            user.partition_key,
            [f"{n} {order.value}" for n, order in user.clustering_orders.items()],
            user.secondary_index,
        )
        stored = self._stored_form(name, wider, transaction=transaction).schema.columns
        added = {n: stored[n] for n in (column, BEFORE + column) if n in stored}
        await self._context.storage.admin.add_columns(table, added)
        self._context.catalog.forget(name)

    async def create_index(
        self,
        name: str,
        column: str,
        *,
        if_not_exists: bool,
        transaction: bool,
        options: Mapping[str, object],
    ) -> None:
        """Index a column and, in a transactional table, its previous value with it."""
        check_flags(if_not_exists=if_not_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        user = _user_schema(table, transaction=transaction)
        if not isinstance(column, str) or column not in user.columns:
            raise InvalidOperationError(
                f"{name} has no column {column!r}",
                advice=f"Its columns are {', '.join(user.columns)}",
                code="STX-3012",
            )
        wanted = [column]
        if (
            transaction
            and column not in user.primary_key
            and self._context.options.before_index_check
        ):
            wanted.append(BEFORE + column)
        admin, there = self._context.storage.admin, table.schema.secondary_index
        for one in wanted:
            # The second may be missing where the first is there: a crash came between.
            if one not in there or (one == column and not if_not_exists):
                await admin.create_index(table, one, options=_options(options))
        self._context.catalog.forget(name)

    async def drop_index(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column's index and its twin."""
        check_flags(if_exists=if_exists, transaction=transaction)
        table = await self._stored_as(name, transaction=transaction)
        if column not in table.schema.secondary_index and if_exists:
            return
        admin = self._context.storage.admin
        await admin.drop_index(table, column)
        if transaction and BEFORE + column in table.schema.secondary_index:
            await admin.drop_index(table, BEFORE + column)
        self._context.catalog.forget(name)

    async def repair_table(
        self,
        name: str,
        schema: TableSchema | None,
        *,
        transaction: bool,
        options: Mapping[str, object],
    ) -> None:
        """Make whatever is missing of a table: itself, columns, indexes, metadata."""
        check_flags(transaction=transaction)
        if schema is None:
            table = await self._stored_as(name, transaction=transaction)
            schema = _user_schema(table, transaction=transaction)
        elif not isinstance(schema, TableSchema):
            raise wrong(f"schema is {schema!r:.60}", "Give a TableSchema, or None")
        wanted = self._stored_form(name, schema, transaction=transaction)
        self._open(wanted.namespace)
        await self._context.storage.admin.repair_table(wanted, options=_options(options))
        self._context.catalog.forget(name)

    async def create_coordinator_tables(
        self, *, if_not_exists: bool, options: Mapping[str, object]
    ) -> None:
        """Make the table of decisions."""
        check_flags(if_not_exists=if_not_exists)
        admin = self._context.storage.admin
        await admin.create_namespace(
            self._closed_namespace, if_not_exists=True, options=_options(options)
        )
        await admin.create_table(
            self._coordinator_table, if_not_exists=if_not_exists, options=_options(options)
        )
        self._coordinator.forget_table()

    async def drop_coordinator_tables(self, *, if_exists: bool) -> None:
        """Remove the table of decisions; undecided records can't be settled afterwards."""
        check_flags(if_exists=if_exists)
        admin = self._context.storage.admin
        await admin.drop_table(self._coordinator_table.name, if_exists=if_exists)
        await admin.drop_namespace(self._closed_namespace, if_exists=True)
        self._coordinator.forget_table()

    async def truncate_coordinator_tables(self) -> None:
        """Forget all decisions; only safe while no record is undecided."""
        await self._context.storage.admin.truncate_table(self._coordinator_table.name)

    async def repair_coordinator_tables(self, options: Mapping[str, object]) -> None:
        """Make whatever is missing of the table of decisions."""
        await self._context.storage.admin.repair_table(
            self._coordinator_table, options=_options(options)
        )
        self._coordinator.forget_table()

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        name = self._coordinator_table.name
        return await self._context.storage.admin.table(name) is not None

    def _stored_form(self, name: str, schema: TableSchema, *, transaction: bool) -> Table:
        if not transaction:
            return Table(name, schema)
        return with_transaction_columns(
            name, schema, before_indexes=self._context.options.before_index_check
        )

    async def _stored(self, name: str) -> Table:
        self._open(split_name(name)[0])
        table = await self._context.storage.admin.table(name)
        if table is None:
            raise InvalidOperationError(
                f"there is no table {name}", advice="Create it first", code="STX-3017"
            )
        return table

    async def _stored_as(self, name: str, *, transaction: bool) -> Table:
        """The table, with transaction columns or without, as the caller takes it to be."""
        if transaction:
            return await self._transactional(name)
        table = await self._stored(name)
        if is_transactional(table.schema):
            raise InvalidOperationError(
                f"{name} has transaction columns",
                advice="Leave transaction=False out of the call",
                code="STX-3019",
            )
        return table

    async def _transactional(self, name: str) -> Table:
        table = await self._stored(name)
        if not is_transactional(table.schema):
            raise InvalidOperationError(
                f"{name} has no transaction columns",
                advice="Create it through db.admin.create_table, or use scalar_tx.open_storage",
                code="STX-3019",
            )
        return table

    def _open(self, namespace: str) -> None:
        if not isinstance(namespace, str) or not namespace or "." in namespace:
            raise InvalidOperationError(
                f"{namespace!r} is not a namespace",
                advice="Use a non-empty text without dots",
                code="STX-3011",
            )
        if namespace == self._closed_namespace:
            raise InvalidOperationError(
                f"the namespace {namespace} is the coordinator's",
                advice="Use the …_coordinator_tables calls",
                code="STX-3017",
            )


def _user_schema(table: Table, *, transaction: bool) -> TableSchema:
    return TransactionalTable(table).user if transaction else table.schema


def _warn_of_difference(found: Table, wanted: Table) -> None:
    """A table that is there is left as it is; of what it lacks somebody should hear."""
    lacking = [
        f"the {what} {', '.join(names)}"
        for what, names in (
            ("columns", [one for one in wanted.columns if one not in found.columns]),
            ("indexes on", _without(wanted.schema.secondary_index, found)),
        )
        if names
    ]
    if lacking:
        _log.warning(
            "the table %s is there already and lacks %s; repair_table makes what is missing",
            found.name,
            " and ".join(lacking),
        )


def _without(columns: Iterable[str], found: Table) -> list[str]:
    return [one for one in columns if one not in found.schema.secondary_index]


def _options(options: Mapping[str, object]) -> Mapping[str, str]:
    if not isinstance(options, Mapping):
        raise wrong(
            f"options={options!r:.60} is no mapping", "Write options={'replication-factor': 3}"
        )
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }
