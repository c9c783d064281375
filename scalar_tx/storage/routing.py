"""Which of several storages holds a table? (Storage specification 6)

A table's own mapping first, then its namespace's, then the default. What concerns a whole namespace
goes by the namespace alone.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from scalar_tx.errors import (
    InvalidOperationError,
    SchemaError,
    StorageError,
    StorageUnavailableError,
)
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Answer,
        BatchStorage,
        MomentStorage,
        Pages,
        Reads,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

T = TypeVar("T")

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_OF_A_STORAGE = (StorageError, StorageUnavailableError, InvalidOperationError, SchemaError)


async def _told(name: str, steps: Coroutine[Any, Any, T]) -> T:
    """Run steps of one storage; where they fail, the error says of which one."""
    try:
        return await steps
    except _OF_A_STORAGE as error:
        _name(error, name)
        raise


def _name(error: Exception, name: str) -> None:
    before = f"storage {name!r}: "
    text = str(error.args[0]) if error.args else type(error).__name__
    if text.startswith(before):  # an adapter may raise one error twice
        return
    error.args = (before + text, *error.args[1:])
    if isinstance(error, (StorageUnavailableError, InvalidOperationError, SchemaError)):
        error.message = before + error.message


class RoutedStorage:
    """Several storages as one. ``info`` names a storage as the settings do, and so do errors.

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

    def _holder(self, table: str) -> tuple[str, Storage]:
        name = self.name_for_table(table)
        return name, self.storages[name]

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
        return self._holder(table)[1].objection(table, data_type, value, in_key=in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record from the storage that holds its table."""
        name, holder = self._holder(table.name)
        return await _told(name, holder.get(table, key))

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records of one storage."""
        name = self._one_name([table.name for table, _ in wanted], "call")
        batches = cast("BatchStorage", self.storages[name])  # its info said so
        answers = await _told(name, batches.get_many(wanted))
        for answer in answers:
            if isinstance(answer, _OF_A_STORAGE):
                _name(answer, name)
        return answers

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over the table's storage at one moment; the others may be ahead of it."""
        name, holder = self._holder(table)
        moments = cast("MomentStorage", holder)  # its info said so
        await _told(name, moments.at_one_moment(table, steps))

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan of the storage that holds the table."""
        name, holder = self._holder(request.table.name)
        return _RoutedPages(name, holder.scan(request))

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all mutations; they must belong to one storage."""
        name = self._one_name([one.table.name for one in mutations], "atomic write")
        await _told(name, self.storages[name].mutate(mutations))

    def _one_name(self, tables: Sequence[str], what: str) -> str:
        names = {self.name_for_table(table) for table in tables}
        if len(names) != 1:
            raise InvalidOperationError(
                f"one {what} over {len(names)} storages: {', '.join(sorted(names))}",
                advice="Ask one storage at a time; a transaction does it by itself",
            )
        return names.pop()

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


class _RoutedPages:
    """A scan of one storage."""

    def __init__(self, name: str, pages: Pages) -> None:
        self._name = name
        self._pages = pages

    async def next_page(self) -> Sequence[Row] | None:
        return await _told(self._name, self._pages.next_page())

    async def close(self) -> None:
        await _told(self._name, self._pages.close())


class RoutedAdmin:
    """The administration of several storages, each table and namespace where it belongs."""

    def __init__(self, storage: RoutedStorage) -> None:
        self._storage = storage

    def _of_namespace(self, namespace: str) -> tuple[str, StorageAdmin]:
        return self._named(self._storage.name_for_namespace(namespace))

    def _of_table(self, table: str) -> tuple[str, StorageAdmin]:
        return self._named(self._storage.name_for_table(table))

    def _named(self, name: str) -> tuple[str, StorageAdmin]:
        return name, self._storage.storages[name].admin

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make a namespace."""
        holder, admin = self._of_namespace(namespace)
        await _told(
            holder, admin.create_namespace(namespace, if_not_exists=if_not_exists, options=options)
        )

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty namespace."""
        holder, admin = self._of_namespace(namespace)
        await _told(holder, admin.drop_namespace(namespace, if_exists=if_exists))

    async def namespaces(self) -> list[str]:
        """The default storage's namespaces, and of the others' those that are mapped to them."""
        routes = self._storage
        holder, admin = self._named(routes.default)
        found = set(await _told(holder, admin.namespaces()))
        for name in sorted(set(routes.namespaces.values()) - {routes.default}):
            holder, admin = self._named(name)
            for namespace in await _told(holder, admin.namespaces()):
                if routes.namespaces.get(namespace) == name:
                    found.add(namespace)
        return sorted(found)

    async def create_table(
        self, table: Table, *, if_not_exists: bool = False, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Make a table, its namespace too."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.create_table(table, if_not_exists=if_not_exists, options=options))

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove a table."""
        holder, admin = self._of_table(name)
        await _told(holder, admin.drop_table(name, if_exists=if_exists))

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""
        holder, admin = self._of_table(name)
        await _told(holder, admin.truncate_table(name))

    async def tables(self, namespace: str) -> list[str]:
        """The tables that the namespace's storage has in it."""
        holder, admin = self._of_namespace(namespace)
        return await _told(holder, admin.tables(namespace))

    async def table(self, name: str) -> Table | None:
        """A table as it is."""
        holder, admin = self._of_table(name)
        return await _told(holder, admin.table(name))

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.create_index(table, column, options=options))

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.drop_index(table, column))

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make whatever is missing."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.repair_table(table, options=options))

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.add_columns(table, columns))

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Remove columns."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.drop_columns(table, columns))

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Give columns other names."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.rename_columns(table, names))

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Widen columns."""
        holder, admin = self._of_table(table.name)
        await _told(holder, admin.alter_types(table, columns))

    async def rename_table(self, name: str, new_name: str) -> None:
        """Give a table another name, by which it must still be found in its storage."""
        holder, admin = self._of_table(name)
        other = self._storage.name_for_table(new_name)
        if other != holder:
            raise InvalidOperationError(
                f"{name} is in the storage {holder!r}, and {new_name} would be looked for in "
                f"{other!r}",
                advice="Change scalar.db.multi_storage.table_mapping along with the name",
                code="STX-3074",
            )
        await _told(holder, admin.rename_table(name, new_name))

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """A table that another program made."""
        holder, admin = self._of_table(name)
        return await _told(holder, admin.foreign_table(name, types))
