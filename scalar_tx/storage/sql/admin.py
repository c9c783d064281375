"""How are tables of an SQL database made, changed and removed? (Storage specification 5.2 to 5.4)

Changes of definitions take turns: a lock of the database is held meanwhile. Where the database can
undo definitions, the table and its metadata rows change together; elsewhere a table may be left
without metadata rows by a crash, and ``repair_table`` completes it.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, SchemaError, WriteRefusedError
from scalar_tx.model.table import Table, split_name
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.dialect import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.connections import Connections, Reader, Session
    from scalar_tx.storage.sql.definitions import Definitions

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class SqlAdmin:
    """Tables of one database."""

    def __init__(
        self,
        definitions: Definitions,
        connections: Connections,
        metadata_schema: str,
        forget: Callable[[str], None],
    ) -> None:
        self._definitions = definitions
        self._dialect = definitions.dialect
        self._connections = connections
        self._schema = metadata_schema
        self._forget = forget

    def _change(self, steps: Callable[[Session], None]) -> None:
        definitions = self._definitions

        def locked(session: Session) -> None:
            definitions.lock(session)
            steps(session)
            definitions.unlock(session)

        try:
            self._connections.transaction(locked, keep=False)
        except WriteRefusedError as error:
            raise InvalidOperationError(
                f"a name can't be told from one that is there: {error}",
                advice="Choose another name",
                code="STX-3305",
            ) from error

    async def create_namespace(
        self,
        namespace: str,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make a schema, where a namespace is one; elsewhere the name is checked."""
        self._definitions.check_namespace(namespace)

        def steps(session: Session) -> None:
            if namespace not in self._definitions.namespaces(session.rows):
                self._make_namespace(session, namespace)
            elif not if_not_exists:
                raise InvalidOperationError(
                    f"the namespace {namespace} exists",
                    advice="Pass if_not_exists=True",
                    code="STX-3018",
                )

        self._change(steps)

    async def drop_namespace(self, namespace: str, *, if_exists: bool = False) -> None:
        """Remove a schema that holds nothing."""

        def steps(session: Session) -> None:
            if namespace not in self._definitions.namespaces(session.rows):
                if if_exists:
                    return
                raise InvalidOperationError(
                    f"the namespace {namespace} is not there",
                    advice="Pass if_exists=True",
                    code="STX-3018",
                )
            left = sorted(self._definitions.relations(session.rows, namespace))
            if left:
                raise InvalidOperationError(
                    f"the namespace {namespace} is not empty, it holds {', '.join(left[:5])}",
                    advice="Drop its tables first",
                    code="STX-3018",
                )
            self._define(session, self._definitions.drop_namespace(namespace))

        self._change(steps)

    async def namespaces(self) -> list[str]:
        """All but the database's own, and that of the metadata."""
        return sorted({*self._definitions.namespaces(self._connections.read), self._schema})

    async def create_table(
        self,
        table: Table,
        *,
        if_not_exists: bool = False,
        options: Mapping[str, str] = _NO_OPTIONS,
    ) -> None:
        """Make the table, its namespace, its indexes and its metadata rows."""
        self._definitions.check_makeable(table)

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

        self._change(steps)
        self._forget(table.name)

    def _make(self, session: Session, table: Table) -> None:
        self._make_namespace(session, table.namespace)
        if self._exists(session.rows, table.namespace, table.short_name):
            raise InvalidOperationError(
                f"{self._connections.place} holds {table.name} already, without metadata",
                advice="Repair the table if it is the same one, or choose another name",
                code="STX-3018",
            )
        session.define(self._definitions.create_table(session.rows, table))
        index = sql.create_clustering_index(self._dialect, table)
        if index is not None:
            session.define(index)
        for column in table.schema.secondary_index:
            self._make_index(session, table, column)

    def _make_namespace(self, session: Session, namespace: str) -> None:
        if namespace in self._definitions.namespaces(session.rows):
            return
        self._define(session, self._definitions.create_namespace(session.rows, namespace))

    @staticmethod
    def _define(session: Session, text: str | None) -> None:
        if text is not None:
            session.define(text)

    def _make_index(self, session: Session, table: Table, column: str) -> None:
        name = self._definitions.index_name(table, column)
        if self._definitions.index_exists(session.rows, table, name):
            name = sql.other_index_name(table, column)
        session.define(sql.create_index(self._dialect, table, column, name))

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table and its metadata rows, and the metadata table with the last of them."""

        def steps(session: Session) -> None:
            if if_exists and self._described(session.rows, name) is None:
                return
            self._current(session, name)
            namespace, short_name = split_name(name)
            # A table that was lost is no reason to keep its metadata.
            if self._exists(session.rows, namespace, short_name):
                session.define(f"DROP TABLE {self._dialect.table(namespace, short_name)}")
            session.count(sql.delete_metadata(self._dialect, self._schema), (name,))
            if not self._names_in(session.rows, sql.METADATA_TABLE):
                session.define(
                    f"DROP TABLE {self._dialect.table(self._schema, sql.METADATA_TABLE)}"
                )
                if not self._definitions.relations(session.rows, self._schema):
                    self._define(session, self._definitions.drop_namespace(self._schema))

        self._change(steps)
        self._forget(name)

    async def truncate_table(self, name: str) -> None:
        """Remove all rows."""

        def steps(session: Session) -> None:
            self._current(session, name)
            session.define(f"{self._dialect.truncate} {self._dialect.table(*split_name(name))}")

        self._change(steps)

    async def tables(self, namespace: str) -> list[str]:
        """The full names of a namespace's tables."""
        names = self._names(self._connections.read)
        return sorted(name for name in names if sql.namespace_of(name) == namespace)

    async def table(self, name: str) -> Table | None:
        """A table as its metadata rows describe it."""
        split_name(name)
        return self._described(self._connections.read, name)

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column, whose type may change for it, and mark it in the metadata."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has an index",
                    advice="Nothing needs to be done",
                    code="STX-3018",
                )
            self._alter_type(session, current, column, Role.INDEX)
            if not self._definitions.indexes_on(session.rows, current, column):
                self._make_index(session, current, column)
            self._mark(session, table.name, column, indexed=True)

        self._change(steps)
        self._forget(table.name)

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index and its mark; the column's type changes back."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column not in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has no index",
                    advice="Nothing needs to be done",
                    code="STX-3015",
                )
            for index in self._definitions.indexes_on(session.rows, current, column):
                session.define(self._definitions.drop_index(current, index))
            self._alter_type(session, current, column, Role.PLAIN)
            self._mark(session, table.name, column, indexed=False)

        self._change(steps)
        self._forget(table.name)

    def _alter_type(self, session: Session, table: Table, column: str, role: Role) -> None:
        data_type = table.schema.columns[column]
        # A column of the key has the key's type already.
        if data_type in self._dialect.key_types and column not in table.schema.primary_key:
            declared = self._dialect.column_type(data_type, role)
            self._define(session, self._definitions.alter_type(table, column, declared))

    def _mark(self, session: Session, name: str, column: str, *, indexed: bool) -> None:
        session.count(sql.mark_indexed(self._dialect, self._schema), (indexed, name, column))

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make what is missing of the table, its columns, its indexes and its metadata rows."""
        self._definitions.check_makeable(table)

        def steps(session: Session) -> None:
            self._make_metadata_table(session)
            if self._exists(session.rows, table.namespace, table.short_name):
                self._complete(session, table)
            else:
                self._make(session, table)
            session.count(sql.delete_metadata(self._dialect, self._schema), (table.name,))
            self._insert_rows(session, table)

        self._change(steps)
        self._forget(table.name)

    def _complete(self, session: Session, table: Table) -> None:
        there = self._definitions.columns(session.rows, table.namespace, table.short_name)
        self._definitions.check_columns(dict.fromkeys([*there, *table.columns]), table.name)
        for column in table.columns:
            if column in there:
                continue
            if column in table.schema.primary_key:
                raise SchemaError(
                    f"table {table.name} in {self._connections.place} lacks {column!r}, "
                    "a column of its key",
                    advice="Make the table anew and copy its rows",
                    code="STX-3302",
                )
            session.define(
                sql.add_column(self._dialect, table, column, table.schema.columns[column])
            )
        for column in table.schema.secondary_index:
            if not self._definitions.indexes_on(session.rows, table, column):
                self._alter_type(session, table, column, Role.INDEX)
                self._make_index(session, table, column)

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns to the table and its metadata rows."""

        def steps(session: Session) -> None:
            current = self._current(session, table.name)
            schema = current.schema
            added = {n: t for n, t in columns.items() if n not in schema.columns}
            if not added:
                return
            self._definitions.check_columns([*current.columns, *added], table.name)
            for column, data_type in added.items():
                session.define(sql.add_column(self._dialect, current, column, data_type))
            wider = replace(current, schema=sql.widened(schema, added))
            session.count(sql.delete_metadata(self._dialect, self._schema), (table.name,))
            self._insert_rows(session, wider)

        self._change(steps)
        self._forget(table.name)

    # What is there.

    def _exists(self, read: Reader, namespace: str, name: str) -> bool:
        return name in self._definitions.relations(read, namespace)

    def _names_in(self, read: Reader, table: str) -> set[str]:
        if not self._exists(read, self._schema, table):
            return set()
        return {
            str(row[0]) for row in read(sql.select_table_names(self._dialect, self._schema, table))
        }

    def _names(self, read: Reader) -> set[str]:
        return self._names_in(read, sql.METADATA_TABLE) | self._names_in(read, sql.VIRTUAL_TABLES)

    def _described(self, read: Reader, name: str) -> Table | None:
        found = []
        if self._exists(read, self._schema, sql.METADATA_TABLE):
            found = read(sql.select_metadata(self._dialect, self._schema), (name,))
        if found:
            return sql.table_from_rows(name, found)
        if name in self._names_in(read, sql.VIRTUAL_TABLES):
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
        # Of the database, too: SQLite would index a text literal in place of a missing column.
        if column not in current.columns or column not in self._definitions.columns(
            session.rows, current.namespace, current.short_name
        ):
            raise InvalidOperationError(
                f"{name} has no column {column}",
                advice=f"Its columns are {', '.join(current.columns)}",
                code="STX-3012",
            )
        return current

    # Metadata rows.

    def _make_metadata_table(self, session: Session) -> None:
        self._make_namespace(session, self._schema)
        if not self._exists(session.rows, self._schema, sql.METADATA_TABLE):
            session.define(sql.create_metadata_table(self._dialect, self._schema))

    def _insert_rows(self, session: Session, table: Table) -> None:
        text = sql.insert_metadata(self._dialect, self._schema)
        for row in sql.metadata_rows(table):
            session.count(text, row)
