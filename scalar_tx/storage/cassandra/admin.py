"""How are keyspaces, tables and indexes made, changed and removed? (Storage specification 3.2)"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, SchemaError, StorageUnavailableError
from scalar_tx.model.table import Table, renamed, split_name
from scalar_tx.storage.cassandra import ddl
from scalar_tx.storage.cassandra.names import check_index, check_makeable, check_namespace
from scalar_tx.storage.later_steps import begun
from scalar_tx.storage.refusals import cannot, chosen_types, unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.cassandra.catalog import Catalog
    from scalar_tx.storage.cassandra.session import Session

_LONGEST_BUILD: Final = 60.0  # seconds
_BUILD_PAUSE: Final = 0.05
_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class CassandraAdmin:
    """A namespace is a keyspace. Each step is a statement of its own: there is no undoing."""

    def __init__(
        self,
        session: Session,
        catalog: Catalog,
        system_namespace: str,
        forget: Callable[[str], None],
    ) -> None:
        self._session = session
        self._catalog = catalog
        self._system = system_namespace
        self._forget = forget

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make a keyspace: SimpleStrategy and one replica unless the options say otherwise."""
        check_namespace(namespace)
        text = ddl.create_keyspace(namespace, options, if_not_exists=if_not_exists)
        await self._session.define(text, f"namespace {namespace}")

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove an empty keyspace."""
        if namespace not in await self._catalog.keyspaces():
            if if_exists:
                return
            raise InvalidOperationError(
                f"there is no namespace {namespace}",
                advice="Pass if_exists=True",
                code="STX-3018",
            )
        if await self._catalog.tables(namespace):
            raise InvalidOperationError(
                f"the namespace {namespace} is not empty",
                advice="Drop its tables first",
                code="STX-3018",
            )
        await self._session.define(ddl.drop_keyspace(namespace), f"namespace {namespace}")

    async def namespaces(self) -> list[str]:
        """Every keyspace that is not Cassandra's own, and the system namespace."""
        found = {name for name in await self._catalog.keyspaces() if not name.startswith("system")}
        return sorted(found | {self._system})

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make the table, its keyspace, its indexes, and the system keyspace, which stays empty."""
        check_makeable(table)
        # What is wrong with it comes before any step.
        text = ddl.create_table(table, options, if_not_exists=if_not_exists)
        if table.short_name in await self._catalog.tables(table.namespace):
            if not if_not_exists:
                raise InvalidOperationError(
                    f"the table {table.name} exists",
                    advice="Pass if_not_exists=True",
                    code="STX-3018",
                )
            # Whoever made it may have ended before its indexes.
            await self._add_indexes(table, await self._catalog.indexes(table.name))
            return
        await self._make(table, text, options)

    async def _make(self, table: Table, text: str, options: Mapping[str, str]) -> None:
        await self._check_index_names(table, table.schema.secondary_index)
        there = await self._catalog.keyspaces()
        for namespace in dict.fromkeys((self._system, table.namespace)):
            if namespace not in there:
                await self.create_namespace(namespace, if_not_exists=True, options=options)
        await self._session.define(text, table.name)
        self._forget(table.name)
        # From here on others may use the table: what fails leaves it to be repaired.
        with begun(f"making {table.name}"):
            await self._add_indexes(table, ())

    async def _add_indexes(self, table: Table, there: Container[str]) -> None:
        for column in table.schema.secondary_index:
            if column not in there:
                await self._index(table, column)

    async def _check_index_names(self, table: Table, columns: Iterable[str]) -> None:
        """InvalidOperationError where another table has the name of an index of this one."""
        holders = await self._catalog.index_tables(table.namespace)
        for column in columns:
            name = check_index(table, column)
            if holders.get(name, table.short_name) != table.short_name:
                raise _name_taken(table, column, name)

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table."""
        namespace, short_name = split_name(name)
        if short_name not in await self._catalog.tables(namespace):
            if if_exists:
                return
            raise _missing(name)
        await self._session.define(ddl.drop_table(name), name)
        self._forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all rows; every node must be up."""
        namespace, short_name = split_name(name)
        if short_name not in await self._catalog.tables(namespace):
            raise _missing(name)
        await self._session.define(ddl.truncate_table(name), name)

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a keyspace's tables."""
        return [f"{namespace}.{name}" for name in await self._catalog.tables(namespace)]

    async def table(self, name: str) -> Table | None:
        """A table as the schema tables describe it."""
        return await self._catalog.table(name)

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column; Cassandra builds it from the rows that are there."""
        current = await self._with_column(table.name, column)
        if column in current.schema.secondary_index:
            raise InvalidOperationError(
                f"{table.name}.{column} has an index",
                advice="Nothing needs to be done",
                code="STX-3018",
            )
        await self._index(table, column)
        self._forget(table.name)

    async def _index(self, table: Table, column: str) -> None:
        """Make an index and wait until it can be read; another process may make it just now."""
        name = check_index(table, column)
        text = ddl.create_index(table, column, if_not_exists=True)
        await self._session.define(text, table.name)
        with begun(f"indexing {table.name}.{column}"):
            await self._check_index_names(table, [column])
            indexes = await self._catalog.indexes(table.name)
            await self._wait_until_built(table, indexes.get(column, name))

    async def _wait_until_built(self, table: Table, name: str) -> None:
        waited = 0.0
        while not await self._catalog.is_built(table.namespace, name):
            if waited >= _LONGEST_BUILD:
                raise StorageUnavailableError(
                    f"the index {name} of {table.name} is still being built",
                    advice="Wait for the nodes to finish it; it need not be made again",
                    code="STX-4218",
                )
            await self._session.pause(_BUILD_PAUSE)
            waited += _BUILD_PAUSE

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index, whatever its name."""
        await self._with_column(table.name, column)
        name = (await self._catalog.indexes(table.name)).get(column)
        if name is None:
            raise InvalidOperationError(
                f"{table.name}.{column} has no index",
                advice="Nothing needs to be done",
                code="STX-3015",
            )
        await self._session.define(ddl.drop_index(table, name), table.name)
        self._forget(table.name)

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make what is missing of the table, its columns and its indexes."""
        check_makeable(table)
        text = ddl.create_table(table, options, if_not_exists=True)
        current = await self._catalog.table(table.name)
        if current is None:
            await self._make(table, text, options)
            return
        lost = [name for name in table.schema.primary_key if name not in current.schema.columns]
        if lost:
            raise SchemaError(
                f"table {table.name} in Cassandra lacks {', '.join(lost)} of its key",
                advice="Make the table anew and copy its rows",
                code="STX-3302",
            )
        await self.add_columns(table, table.schema.columns)
        await self._add_indexes(table, current.schema.secondary_index)
        self._forget(table.name)

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns, one statement each."""
        current = await self._current(table.name)
        added = {n: t for n, t in columns.items() if n not in current.schema.columns}
        texts = [ddl.add_column(table.name, column, kind) for column, kind in added.items()]
        for text in texts[:1]:
            await self._session.define(text, table.name)
        with begun(f"adding columns to {table.name}"):
            for text in texts[1:]:
                await self._session.define(text, table.name)
        self._forget(table.name)

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Remove columns, each index and each column by a statement of its own."""
        current = await self._current(table.name)
        for column in columns:
            if column in current.schema.primary_key:
                raise cannot("Cassandra", f"drop {table.name}.{column}, which is of the key")
        there = [column for column in columns if column in current.columns]
        with begun(f"dropping columns of {table.name}"):
            for column in there:
                if column in current.schema.secondary_index:
                    await self.drop_index(table, column)
                await self._session.define(ddl.drop_column(table.name, column), table.name)
        self._forget(table.name)

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Rename columns of the key; where one is indexed, its index is made anew."""
        current = await self._current(table.name)
        check_makeable(Table(table.name, renamed(current.schema, names)))
        for old in names:
            if old not in current.schema.primary_key:
                raise cannot("Cassandra", f"rename {table.name}.{old}, which is not of the key")
        with begun(f"renaming columns of {table.name}"):
            for old, new in names.items():
                indexed = old in current.schema.secondary_index
                if indexed:
                    await self.drop_index(table, old)
                await self._session.define(ddl.rename_column(table.name, old, new), table.name)
                if indexed:
                    await self._index(await self._current(table.name), new)
        self._forget(table.name)

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Columns keep their types."""
        raise cannot("Cassandra", "alter the type of a column")

    async def rename_table(self, name: str, new_name: str) -> None:
        """Tables keep their names."""
        raise cannot("Cassandra", "rename a table")

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """Any table whose types are ScalarDB's: the schema is all the metadata there are."""
        namespace, short_name = split_name(name)
        if short_name not in await self._catalog.tables(namespace):
            raise _missing(name)
        try:
            table = await self._current(name)
        except SchemaError as error:
            raise unfit(name, error.message, error.advice) from error
        chosen_types(
            {column: (kind,) for column, kind in table.schema.columns.items()}, types, name
        )
        seconds = await self._catalog.time_to_live(name)
        if seconds:
            raise unfit(
                name,
                f"what is written to it vanishes after {seconds} s, undecided or not",
                "Set its default_time_to_live to 0",
            )
        check_makeable(table)
        return table

    async def _current(self, name: str) -> Table:
        table = await self._catalog.table(name)
        if table is None:
            raise _missing(name)
        return table

    async def _with_column(self, name: str, column: str) -> Table:
        current = await self._current(name)
        if column not in current.columns:
            raise InvalidOperationError(
                f"{name} has no column {column}",
                advice=f"Its columns are {', '.join(current.columns)}",
                code="STX-3012",
            )
        return current


def _name_taken(table: Table, column: str, name: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"{table.name}.{column} can't have an index: another table of the keyspace has the one "
        f"named {name}",
        advice="Choose another name for the table or the column, or drop the other index",
        code="STX-3018",
    )


def _missing(name: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"there is no table {name}", advice="Create it first", code="STX-3017"
    )
