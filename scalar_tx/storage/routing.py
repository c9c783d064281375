"""Which of several storages holds a table? (Storage specification 6)

A table's own mapping first, then its namespace's, then the default. What concerns a whole namespace
goes by the namespace alone.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import (
        MomentStorage,
        Pages,
        Reads,
        ScanRequest,
        Storage,
        StorageAdmin,
        StorageInfo,
        StorageMutation,
    )

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class RoutedStorage:
    """Several storages as one. ``info`` names a storage as the settings do.

    Unlike ScalarDB's, a ``mutate`` over two storages is InvalidOperationError rather than handed to
    the storage of its first mutation.
    """

    def __init__(
        self,
        storages: Mapping[str, Storage],
        *,
        default: str,
        namespaces: Mapping[str, str] = _NO_OPTIONS,
        tables: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        for name in (default, *namespaces.values(), *tables.values()):
            if name not in storages:
                raise InvalidOperationError(
                    f"no storage is named {name!r}",
                    advice=f"The storages are {', '.join(storages)}",
                )
        self.storages = MappingProxyType(dict(storages))
        self.default = default
        self.namespaces = MappingProxyType(dict(namespaces))
        self.tables = MappingProxyType(dict(tables))
        # Asked for several times in each transaction: kept as long as the storage says the same.
        self._infos: dict[str, tuple[StorageInfo, StorageInfo]] = {}
        self._admin = RoutedAdmin(self)

    def name_for_table(self, table: str) -> str:
        """The name of the storage that holds a table."""
        own = self.tables.get(table)
        return self.name_for_namespace(split_name(table)[0]) if own is None else own

    def name_for_namespace(self, namespace: str) -> str:
        """The name of the storage that holds a namespace."""
        return self.namespaces.get(namespace, self.default)

    def _holder(self, table: str) -> Storage:
        return self.storages[self.name_for_table(table)]

    def info(self, table: str) -> StorageInfo:
        """What the storage that holds this table is able to do, under its configured name."""
        name = self.name_for_table(table)
        own = self.storages[name].info(table)
        known = self._infos.get(table)
        if known is None or known[0] is not own:
            known = self._infos[table] = (own, replace(own, name=name))
        return known[1]

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """Why the storage that holds the table can't hold a value."""
        return self._holder(table).objection(table, data_type, value, in_key=in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record from the storage that holds its table."""
        return await self._holder(table.name).get(table, key)

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over the table's storage at one moment; the others may be ahead of it."""
        holder = cast("MomentStorage", self._holder(table))  # its info said so
        await holder.at_one_moment(table, steps)

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan of the storage that holds the table."""
        return self._holder(request.table.name).scan(request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all mutations; they must belong to one storage."""
        names = {self.name_for_table(one.table.name) for one in mutations}
        if len(names) != 1:
            raise InvalidOperationError(
                f"one atomic write over {len(names)} storages: {', '.join(sorted(names))}",
                advice="Write to one storage at a time; a transaction does it by itself",
            )
        await self.storages[names.pop()].mutate(mutations)

    @property
    def admin(self) -> StorageAdmin:
        """Namespaces, tables and indexes of all storages."""
        return self._admin

    async def close(self) -> None:
        """Close all storages, also when one fails to; the first failure is raised at the end."""
        failures = []
        for name, storage in self.storages.items():
            try:
                await storage.close()
            except Exception as error:  # noqa: BLE001 - the others are to be closed first
                error.add_note(f"on closing the storage {name!r}")
                failures.append(error)
        if failures:
            raise failures[0]


class RoutedAdmin:
    """The administration of several storages, each table and namespace where it belongs."""

    def __init__(self, storage: RoutedStorage) -> None:
        self._storage = storage

    def _of_namespace(self, namespace: str) -> StorageAdmin:
        return self._storage.storages[self._storage.name_for_namespace(namespace)].admin

    def _of_table(self, table: str) -> StorageAdmin:
        return self._storage.storages[self._storage.name_for_table(table)].admin

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make a namespace."""
        await self._of_namespace(namespace).create_namespace(
            namespace, if_not_exists=if_not_exists, options=options
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        await self._of_namespace(namespace).drop_namespace(namespace, if_exists=if_exists)

    async def namespaces(self) -> list[str]:
        """The default storage's namespaces, and of the others' those that are mapped to them."""
        routes = self._storage
        found = set(await routes.storages[routes.default].admin.namespaces())
        for name in sorted(set(routes.namespaces.values()) - {routes.default}):
            for namespace in await routes.storages[name].admin.namespaces():
                if routes.namespaces.get(namespace) == name:
                    found.add(namespace)
        return sorted(found)

    async def create_table(
        self, table: Table, *, if_not_exists: bool = False, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Make a table, its namespace too."""
        await self._of_table(table.name).create_table(
            table, if_not_exists=if_not_exists, options=options
        )

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove a table."""
        await self._of_table(name).drop_table(name, if_exists=if_exists)

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""
        await self._of_table(name).truncate_table(name)

    async def tables(self, namespace: str) -> list[str]:
        """The tables that the namespace's storage has in it."""
        return await self._of_namespace(namespace).tables(namespace)

    async def table(self, name: str) -> Table | None:
        """A table as it is."""
        return await self._of_table(name).table(name)

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column."""
        await self._of_table(table.name).create_index(table, column, options=options)

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index."""
        await self._of_table(table.name).drop_index(table, column)

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make whatever is missing."""
        await self._of_table(table.name).repair_table(table, options=options)

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns."""
        await self._of_table(table.name).add_columns(table, columns)
