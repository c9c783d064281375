"""Which namespaces and tables are there to an administrator, and how are they changed? (11)

Storage administration sees every table as it is stored, the coordinator's too. Transaction
administration sees transactional tables alone, without the columns that transactions need, and of
the coordinator's namespace nothing. What is the node's own, such as its users, neither sees. Names
of tables are full. What a caller has looked up already, such as that a table is there, is not told
apart here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_tx.admin import named
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.consensus_commit.metadata import is_transactional, without_transaction_columns
from scalar_tx.model.table import Table, split_name
from scalar_tx.storage.registry import adapter_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from typing import Any

    from scalar_tx.admin_async import AsyncAdmin
    from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import DataType
    from scalar_tx.storage.admin import StorageAdmin

    Options = Mapping[str, str]

T = TypeVar("T")

_WITHOUT_NAMESPACES: Final = ("dynamo", "sqlite")


class TablesSeen(ABC):
    """Namespaces and tables as one of the two services has them."""

    def __init__(self, database: TablesByName) -> None:
        self.database = database

    @property
    def storage_admin(self) -> StorageAdmin:
        """Whom the storages are administered by."""
        return self.database.parts.storage.admin

    async def told(self, steps: Coroutine[Any, Any, T]) -> T:
        """Run steps; what a storage says of them becomes an error that callers know."""
        return await self.database.run(named(steps))

    def are_only_names(self, namespace: str) -> bool:
        """Is a namespace no more than the first part of names where it would lie?

        Then each is there always, as for ScalarDB (Storage specification 2.9).
        """
        settings = self.database.manager.settings.storage
        if settings.multi is not None:
            several = settings.multi
            settings = several.storages[several.namespaces.get(namespace, several.default)]
        return adapter_of(settings).name in _WITHOUT_NAMESPACES

    async def all_tables(self, namespace: str) -> list[str]:
        """All tables of a namespace, seen or not."""
        return await self.told(self.storage_admin.tables(namespace))

    async def stored(self, name: str) -> TableSchema | None:
        """A table as it is stored; None: there is none."""
        split_name(name)
        table = await self.told(self.storage_admin.table(name))
        return None if table is None else table.schema

    def check_namespace(self, namespace: str) -> None:
        """RefusedError if nothing may be made in it."""
        if not namespace or "." in namespace:
            raise invalid(f"{namespace!r} is no name of a namespace")
        self.check_not_reserved(namespace)

    def check_not_reserved(self, namespace: str) -> None:
        """RefusedError if it is one that this service has nothing to do with."""
        if not self.sees(namespace):
            raise invalid(
                f"CORE-10096: The namespace {namespace} is reserved. Any operations on this "
                "namespace are not allowed"
            )

    async def has_namespace(self, namespace: str) -> bool:
        """Is there such a namespace?"""
        if not namespace or not self.sees(namespace):
            return False
        if self.are_only_names(namespace):
            return True
        return namespace in await self.told(self.storage_admin.namespaces())

    @abstractmethod
    def sees(self, namespace: str) -> bool:
        """Is a namespace of that name seen, if there is one?"""

    @abstractmethod
    async def tables(self, namespace: str) -> list[str]:
        """The tables of a namespace that are seen."""

    @abstractmethod
    async def table(self, name: str) -> TableSchema | None:
        """A table; None: none is seen."""

    @abstractmethod
    async def create_namespace(self, namespace: str, options: Options) -> None:
        """Make a namespace."""

    @abstractmethod
    async def drop_namespace(self, namespace: str) -> None:
        """Remove an empty namespace."""

    @abstractmethod
    async def create_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make a table."""

    @abstractmethod
    async def drop_table(self, name: str) -> None:
        """Remove a table."""

    @abstractmethod
    async def truncate_table(self, name: str) -> None:
        """Remove all records."""

    @abstractmethod
    async def create_index(self, name: str, column: str, options: Options) -> None:
        """Index a column."""

    @abstractmethod
    async def drop_index(self, name: str, column: str) -> None:
        """Remove a column's index."""

    @abstractmethod
    async def repair_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make whatever is missing of a table."""

    @abstractmethod
    async def add_column(self, name: str, column: str, data_type: DataType) -> None:
        """Append a column."""


class StoredTables(TablesSeen):
    """Every table as it is stored."""

    def sees(self, namespace: str) -> bool:
        """The coordinator's too."""
        return not self.database.is_closed(namespace)

    async def tables(self, namespace: str) -> list[str]:
        """All of them."""
        return await self.all_tables(namespace) if self.sees(namespace) else []

    async def table(self, name: str) -> TableSchema | None:
        """With the columns that transactions need, if it has them."""
        return await self.stored(name) if self.sees(split_name(name)[0]) else None

    async def create_namespace(self, namespace: str, options: Options) -> None:
        """Make a namespace."""
        admin = self.storage_admin
        await self.told(admin.create_namespace(namespace, if_not_exists=True, options=options))

    async def drop_namespace(self, namespace: str) -> None:
        """Remove an empty namespace."""
        await self.told(self.storage_admin.drop_namespace(namespace, if_exists=True))

    async def create_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make a table of these columns and no other."""
        admin, namespace = self.storage_admin, split_name(name)[0]
        await self.told(admin.create_namespace(namespace, if_not_exists=True, options=options))
        await self.told(admin.create_table(Table(name, schema), options=options))
        self.database.forget(name)

    async def drop_table(self, name: str) -> None:
        """Remove a table, the coordinator's too."""
        await self.told(self.storage_admin.drop_table(name))
        self.database.forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all records."""
        await self.told(self.storage_admin.truncate_table(name))

    async def create_index(self, name: str, column: str, options: Options) -> None:
        """Index a column, and no other with it."""
        table = await self._stored_table(name)
        await self.told(self.storage_admin.create_index(table, column, options=options))
        self.database.forget(name)

    async def drop_index(self, name: str, column: str) -> None:
        """Remove a column's index."""
        await self.told(self.storage_admin.drop_index(await self._stored_table(name), column))
        self.database.forget(name)

    async def repair_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make whatever is missing of a table."""
        await self.told(self.storage_admin.repair_table(Table(name, schema), options=options))
        self.database.forget(name)

    async def add_column(self, name: str, column: str, data_type: DataType) -> None:
        """Append a column, and no other with it."""
        table = await self._stored_table(name)
        await self.told(self.storage_admin.add_columns(table, {column: data_type}))
        self.database.forget(name)

    async def _stored_table(self, name: str) -> Table:
        schema = await self.stored(name)
        if schema is None:
            raise invalid(f"CORE-10016: The table does not exist. Table: {name}")
        return Table(name, schema)


class TransactionalTables(TablesSeen):
    """Transactional tables as their users know them."""

    @property
    def _admin(self) -> AsyncAdmin:
        return self.database.manager.admin

    def sees(self, namespace: str) -> bool:
        """Not the coordinator's."""
        settings = self.database.manager.settings
        return (
            namespace != settings.consensus_commit.coordinator_namespace
            and not self.database.is_closed(namespace)
        )

    async def tables(self, namespace: str) -> list[str]:
        """The transactional ones."""
        return await self._admin.tables(namespace) if namespace and self.sees(namespace) else []

    async def table(self, name: str) -> TableSchema | None:
        """Without the columns that transactions need."""
        stored = await self.stored(name)
        if stored is None or not self.sees(split_name(name)[0]):
            return None
        return without_transaction_columns(stored) if is_transactional(stored) else None

    async def create_namespace(self, namespace: str, options: Options) -> None:
        """Make a namespace."""
        await self._admin.create_namespace(namespace, if_not_exists=True, options=options)

    async def drop_namespace(self, namespace: str) -> None:
        """Remove an empty namespace."""
        await self._admin.drop_namespace(namespace, if_exists=True)

    async def create_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make a table with what transactions need."""
        await self._admin.create_table(name, schema, options=options)
        self.database.forget(name)

    async def drop_table(self, name: str) -> None:
        """Remove a table."""
        await self._admin.drop_table(name)
        self.database.forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all records at once, outside any transaction."""
        await self._admin.truncate_table(name)

    async def create_index(self, name: str, column: str, options: Options) -> None:
        """Index a column and its previous value."""
        await self._admin.create_index(name, column, options=options)
        self.database.forget(name)

    async def drop_index(self, name: str, column: str) -> None:
        """Remove both."""
        await self._admin.drop_index(name, column)
        self.database.forget(name)

    async def repair_table(self, name: str, schema: TableSchema, options: Options) -> None:
        """Make whatever is missing of a table, or all of it."""
        await self._admin.repair_table(name, schema, options=options)
        self.database.forget(name)

    async def add_column(self, name: str, column: str, data_type: DataType) -> None:
        """Append a column and the one for its previous value."""
        await self._admin.add_column(name, column, data_type)
        self.database.forget(name)
