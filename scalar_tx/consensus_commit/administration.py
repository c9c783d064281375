"""How are transactional tables, and the coordinator's own, made, described and removed?

A user's schema goes in and comes out; the transaction columns are added and hidden here
(Consensus Commit specification 1.1, 1.2, 2.1; Storage specification 2.9, 8.4).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.metadata import (
    TransactionalTable,
    is_transactional,
)
from scalar_tx.consensus_commit.table_changes import (
    DECOUPLED,
    TableChanges,
    checked_options,
    refuse_decoupling,
    user_schema,
)
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import check_flags, wrong
from scalar_tx.model.table import Table, TableSchema, split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable

_log = logging.getLogger("scalar_tx.administration")


class Administration(TableChanges):
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
        super().__init__(context, coordinator_namespace)
        self._coordinator = coordinator
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
            namespace, if_not_exists=if_not_exists, options=checked_options(options)
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
        checked = checked_options(options)
        refuse_decoupling(checked)
        table = self._stored_form(name, schema, transaction=transaction)
        admin = self._context.storage.admin
        # Looked up first: an option or name that only creation refuses must not trouble a table
        # that is there.
        found = await admin.table(name) if if_not_exists else None
        if found is not None:
            _warn_of_difference(found, table)
            return
        await admin.create_namespace(namespace, if_not_exists=True, options=checked)
        await admin.create_table(table, if_not_exists=if_not_exists, options=checked)
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
        found = []
        for name in await self._context.storage.admin.tables(namespace):
            table = await self._described(name)
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
            schema = user_schema(table, transaction=transaction)
        elif not isinstance(schema, TableSchema):
            raise wrong(f"schema is {schema!r:.60}", "Give a TableSchema, or None")
        wanted = self._stored_form(name, schema, transaction=transaction)
        self._open(wanted.namespace)
        await self._context.storage.admin.repair_table(wanted, options=checked_options(options))
        self._context.catalog.forget(name)

    async def create_coordinator_tables(
        self, *, if_not_exists: bool, options: Mapping[str, object]
    ) -> None:
        """Make the table of decisions."""
        check_flags(if_not_exists=if_not_exists)
        admin = self._context.storage.admin
        await admin.create_namespace(
            self._closed_namespace, if_not_exists=True, options=checked_options(options)
        )
        await admin.create_table(
            self._coordinator_table, if_not_exists=if_not_exists, options=checked_options(options)
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
        """Make whatever is missing of the table of decisions.

        Columns that the settings no longer ask for are kept: rows and other programs need them.
        """
        admin = self._context.storage.admin
        wanted = self._coordinator_table
        found = await admin.table(wanted.name)
        if found is not None:
            columns = {**found.schema.columns, **wanted.schema.columns}
            schema = TableSchema(columns, wanted.schema.partition_key)
            wanted = replace(wanted, schema=schema)
        await admin.repair_table(wanted, options=checked_options(options))
        self._coordinator.forget_table()

    async def upgrade(self, *, options: Mapping[str, object], dry_run: bool) -> list[str]:
        """Make what older releases of ScalarDB did not make yet; what was, or would be, done."""
        check_flags(dry_run=dry_run)
        checked = checked_options(options)
        admin = self._context.storage.admin
        done = []
        for name in await self._of_all_namespaces():
            table = await self._described(name)
            if table is None or not is_transactional(table.schema):
                continue
            for column in self._missing_indexes(table):
                if not dry_run:
                    await admin.create_index(table, column, options=checked)
                    self._context.catalog.forget(name)
                done.append(f"index {name}.{column}")
        lacking = await self._missing_of_coordinator()
        if lacking:
            if not dry_run:
                await self.repair_coordinator_tables(options)
            done.append(f"add {', '.join(lacking)} to {self._coordinator_table.name}")
        return done

    async def _of_all_namespaces(self) -> list[str]:
        admin = self._context.storage.admin
        return [name for one in await self.namespaces() for name in await admin.tables(one)]

    async def _described(self, name: str) -> Table | None:
        try:
            return await self._context.storage.admin.table(name)
        except InvalidOperationError as error:
            if error.code != DECOUPLED:
                raise
            # A table of the Java library whose transaction columns are apart is its own matter.
            _log.warning("%s is passed over: %s", name, error.message)
            return None

    def _missing_indexes(self, table: Table) -> list[str]:
        if not self._context.options.before_index_check:
            return []
        return TransactionalTable(table).missing_before_indexes()

    async def _missing_of_coordinator(self) -> list[str]:
        found = await self._context.storage.admin.table(self._coordinator_table.name)
        if found is None:
            return []
        return [one for one in self._coordinator_table.columns if one not in found.columns]

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        name = self._coordinator_table.name
        return await self._context.storage.admin.table(name) is not None


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
