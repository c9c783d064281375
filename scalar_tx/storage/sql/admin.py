"""How are tables of an SQL database made, repaired and removed? (Storage specification 5.2 to 5.4)

Changes of definitions take turns: a lock of the database is held meanwhile. Where the database can
undo definitions, the table and its metadata rows change together; elsewhere a table may be left
without metadata rows by a crash, and ``repair_table`` completes it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import split_name
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.alterations import SqlAlterations
from scalar_tx.storage.sql.dialect import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.connections import Session

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class SqlAdmin(SqlAlterations):
    """Tables of one database."""

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

    async def drop_table(self, name: str, *, if_exists: bool = False) -> None:
        """Remove the table and its metadata rows, and the metadata table with the last of them."""

        def steps(session: Session) -> None:
            if if_exists and self._described(session.rows, name) is None:
                return
            self._changeable(session, name)
            namespace, short_name = split_name(name)
            # A table that was lost is no reason to keep its metadata.
            if self._exists(session.rows, namespace, short_name):
                session.define(f"DROP TABLE {self._dialect.table(namespace, short_name)}")
            self._delete_rows(session, name)
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

    async def repair_table(self, table: Table, *, options: Mapping[str, str] = _NO_OPTIONS) -> None:
        """Make what is missing of the table, its columns, its indexes and its metadata rows."""
        self._definitions.check_makeable(table)

        def steps(session: Session) -> None:
            self._make_metadata_table(session)
            if self._exists(session.rows, table.namespace, table.short_name):
                self._complete(session, table)
            else:
                self._make(session, table)
            self._describe_anew(session, table)

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
