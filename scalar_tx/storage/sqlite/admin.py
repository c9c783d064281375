"""How are tables made, changed and removed? (Storage specification 5.2 to 5.4)

Each step is one transaction of the file: the table and its metadata rows change together.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import Table, split_name
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sqlite import catalog
from scalar_tx.storage.sqlite.dialect import SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sqlite.connections import Connections, Session

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class SqliteAdmin:
    """Tables of one file. A namespace is the beginning of a table's name, no object of its own."""

    def __init__(
        self, connections: Connections, metadata_schema: str, forget: Callable[[str], None]
    ) -> None:
        self._connections = connections
        self._schema = metadata_schema
        self._forget = forget
        self._metadata = catalog.physical_name(metadata_schema, sql.METADATA_TABLE)
        self._virtual = catalog.physical_name(metadata_schema, sql.VIRTUAL_TABLES)

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Check the name; there is nothing to make (Storage specification 5.1)."""
        catalog.check_name(namespace, f"the namespace {namespace!r}")
        if not if_not_exists and self._tables_of(namespace):
            raise InvalidOperationError(
                f"the namespace {namespace} exists",
                advice="Pass if_not_exists=True",
                code="STX-3018",
            )

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Nothing can be removed: with tables it is not empty, without them it is not there."""
        if self._tables_of(namespace):
            message, advice = "is not empty", "Drop its tables first"
        elif if_exists:
            return
        else:
            message, advice = "is not there", "Pass if_exists=True"
        raise InvalidOperationError(
            f"the namespace {namespace} {message}", advice=advice, code="STX-3018"
        )

    async def namespaces(self) -> list[str]:
        """The namespaces of all tables, and that of the metadata."""
        named = {sql.namespace_of(name) for name in self._names(self._connections.read)}
        return sorted(named | {self._schema})

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make the table, its indexes and its metadata rows."""
        catalog.check_makeable(table)

        def steps(session: Session) -> None:
            if table.name in self._names(session.rows):
                if if_not_exists:
                    return
                raise InvalidOperationError(
                    f"the table {table.name} exists",
                    advice="Pass if_not_exists=True",
                    code="STX-3018",
                )
            self._make_metadata_table(session)
            self._make(session, table)
            self._insert_rows(session, table)

        self._connections.transaction(steps)
        self._forget(table.name)

    def _make(self, session: Session, table: Table) -> None:
        name = catalog.physical_name(table.namespace, table.short_name)
        found = catalog.same_but_for_case(session.rows, name)
        if found == name:
            raise InvalidOperationError(
                f"the file {self._connections.path} holds {name!r} already, without metadata",
                advice="Repair the table if it is the same one, or choose another name",
                code="STX-3018",
            )
        if found is not None:
            raise InvalidOperationError(
                f"the file {self._connections.path} holds {found!r}, which SQLite can't tell from "
                f"{name!r}: they differ in case only",
                advice="Choose another name",
                code="STX-3305",
            )
        session.count(sql.create_table(SQLITE, table))
        for column in table.schema.secondary_index:
            self._make_index(session, table, column)

    def _make_index(self, session: Session, table: Table, column: str) -> None:
        name = sql.index_name(table, column)
        if catalog.same_but_for_case(session.rows, name) is not None:
            name = sql.other_index_name(table, column)
        session.count(sql.create_index(SQLITE, table, column, name))

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table and its metadata rows, and the metadata table with the last of them."""

        def steps(session: Session) -> None:
            if if_exists and self._described(session.rows, name) is None:
                return
            self._current(session, name)
            physical = catalog.physical_name(*split_name(name))
            # A table that was lost is no reason to keep its metadata.
            if catalog.exists(session.rows, physical):
                session.count(f"DROP TABLE {SQLITE.quote(physical)}")
            session.count(sql.delete_metadata(SQLITE, self._schema), (name,))
            if not self._names_in(session.rows, self._metadata, sql.METADATA_TABLE):
                session.count(f"DROP TABLE {SQLITE.quote(self._metadata)}")

        self._connections.transaction(steps)
        self._forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""

        def steps(session: Session) -> None:
            self._current(session, name)
            session.count(f"DELETE FROM {SQLITE.table(*split_name(name))}")

        self._connections.transaction(steps)

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a namespace's tables."""
        return self._tables_of(namespace)

    async def table(self, name: str) -> Table | None:
        """A table as its metadata rows describe it."""
        split_name(name)
        return self._described(self._connections.read, name)

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column and mark it in the metadata."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has an index",
                    advice="Nothing needs to be done",
                    code="STX-3018",
                )
            if not self._indexes(session, table, column):
                self._make_index(session, table, column)
            session.count(sql.mark_indexed(SQLITE, self._schema), (1, table.name, column))

        self._connections.transaction(steps)
        self._forget(table.name)

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index and its mark."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column not in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has no index",
                    advice="Nothing needs to be done",
                    code="STX-3015",
                )
            for index in self._indexes(session, table, column):
                session.count(f"DROP INDEX {SQLITE.quote(index)}")
            session.count(sql.mark_indexed(SQLITE, self._schema), (0, table.name, column))

        self._connections.transaction(steps)
        self._forget(table.name)

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make what is missing of the table, its columns, its indexes and its metadata rows."""
        catalog.check_makeable(table)

        def steps(session: Session) -> None:
            self._make_metadata_table(session)
            name = catalog.physical_name(table.namespace, table.short_name)
            if catalog.exists(session.rows, name):
                self._complete(session, table, name)
            else:
                self._make(session, table)
            session.count(sql.delete_metadata(SQLITE, self._schema), (table.name,))
            self._insert_rows(session, table)

        self._connections.transaction(steps)
        self._forget(table.name)

    def _complete(self, session: Session, table: Table, name: str) -> None:
        there = catalog.columns_of(session.rows, name)
        catalog.check_columns(dict.fromkeys([*there, *table.columns]), table.name)
        for column in table.columns:
            if column in there:
                continue
            if column in table.schema.primary_key:
                raise SchemaError(
                    f"table {table.name} in SQLite file {self._connections.path} lacks {column!r}, "
                    "a column of its key",
                    advice="Make the table anew and copy its rows",
                    code="STX-3302",
                )
            session.count(sql.add_column(SQLITE, table, column, table.schema.columns[column]))
        for column in table.schema.secondary_index:
            if not self._indexes(session, table, column):
                self._make_index(session, table, column)

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns to the table and its metadata rows."""

        def steps(session: Session) -> None:
            current = self._current(session, table.name)
            schema = current.schema
            added = {n: t for n, t in columns.items() if n not in schema.columns}
            if not added:
                return
            catalog.check_columns([*current.columns, *added], table.name)
            for column, data_type in added.items():
                session.count(sql.add_column(SQLITE, current, column, data_type))
            wider = replace(current, schema=sql.widened(schema, added))
            session.count(sql.delete_metadata(SQLITE, self._schema), (table.name,))
            self._insert_rows(session, wider)

        self._connections.transaction(steps)
        self._forget(table.name)

    # What is there.

    def _names_in(self, rows: catalog.Reader, physical: str, table: str) -> set[str]:
        if not catalog.exists(rows, physical):
            return set()
        return {str(row[0]) for row in rows(sql.select_table_names(SQLITE, self._schema, table))}

    def _names(self, rows: catalog.Reader) -> set[str]:
        real = self._names_in(rows, self._metadata, sql.METADATA_TABLE)
        return real | self._names_in(rows, self._virtual, sql.VIRTUAL_TABLES)

    def _tables_of(self, namespace: str) -> list[str]:
        names = self._names(self._connections.read)
        return sorted(name for name in names if sql.namespace_of(name) == namespace)

    def _described(self, rows: catalog.Reader, name: str) -> Table | None:
        found = []
        if catalog.exists(rows, self._metadata):
            found = rows(sql.select_metadata(SQLITE, self._schema), (name,))
        if found:
            return sql.table_from_rows(name, found)
        if name in self._names_in(rows, self._virtual, sql.VIRTUAL_TABLES):
            raise InvalidOperationError(
                f"{name} is a virtual table: its transaction columns are decoupled from its data",
                advice="Decoupled tables are not supported; use them from the Java library",
                code="STX-3306",
            )
        return None

    def _current(self, session: Session, name: str) -> Table:
        table = self._described(session.rows, name)
        if table is None:
            raise InvalidOperationError(
                f"there is no table {name}", advice="Create it first", code="STX-3017"
            )
        return table

    def _with_column(self, session: Session, name: str, column: str) -> Table:
        current = self._current(session, name)
        physical = catalog.physical_name(current.namespace, current.short_name)
        # Of the file, too: SQLite would index a text literal in place of a column that is missing.
        if column not in current.columns or column not in catalog.columns_of(
            session.rows, physical
        ):
            raise InvalidOperationError(
                f"{name} has no column {column}",
                advice=f"Its columns are {', '.join(current.columns)}",
                code="STX-3012",
            )
        return current

    @staticmethod
    def _indexes(session: Session, table: Table, column: str) -> list[str]:
        physical = catalog.physical_name(table.namespace, table.short_name)
        return catalog.indexes_on(session.rows, physical, column)

    # Metadata rows.

    def _make_metadata_table(self, session: Session) -> None:
        if not catalog.exists(session.rows, self._metadata):
            session.count(sql.create_metadata_table(SQLITE, self._schema))

    def _insert_rows(self, session: Session, table: Table) -> None:
        text = sql.insert_metadata(SQLITE, self._schema)
        for row in sql.metadata_rows(table):
            session.count(text, tuple(int(v) if isinstance(v, bool) else v for v in row))
