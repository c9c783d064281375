"""Which tables does an SQL database have, by its metadata and by itself?

Storage specification 5.4 and 7.1. Definitions are changed under a lock, one change at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.storage.sql import tables as sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.connections import Connections, Reader, Session
    from scalar_tx.storage.sql.definitions import Definitions


class SqlDescriptions:
    """The metadata of one database, and its catalog."""

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

    def _make_namespace(self, session: Session, namespace: str) -> None:
        if namespace in self._definitions.namespaces(session.rows):
            return
        self._define(session, self._definitions.create_namespace(session.rows, namespace))

    @staticmethod
    def _define(session: Session, text: str | None) -> None:
        if text is not None:
            session.define(text)

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

    def _changeable(self, session: Session, name: str) -> Table:
        """The table, unless a view of the Java library is made of it."""
        current = self._current(session, name)
        if self._exists(session.rows, self._schema, sql.VIRTUAL_TABLES):
            text = sql.select_virtual_tables(self._dialect, self._schema)
            for view, *sources in session.rows(text):
                if name in sources:
                    raise InvalidOperationError(
                        f"{name} is a part of the virtual table {view}",
                        advice="Change it with the Java library, which made it so",
                        code="STX-3306",
                    )
        return current

    def _columns(self, session: Session, table: Table) -> list[str]:
        """What the database itself has."""
        return self._definitions.columns(session.rows, table.namespace, table.short_name)

    def _with_column(self, session: Session, name: str, column: str) -> Table:
        current = self._current(session, name)
        # Of the database, too: SQLite would index a text literal in place of a missing column.
        if column not in current.columns or column not in self._columns(session, current):
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

    def _describe_anew(self, session: Session, table: Table) -> None:
        self._delete_rows(session, table.name)
        self._insert_rows(session, table)

    def _delete_rows(self, session: Session, name: str) -> None:
        session.count(sql.delete_metadata(self._dialect, self._schema), (name,))

    def _insert_rows(self, session: Session, table: Table) -> None:
        text = sql.insert_metadata(self._dialect, self._schema)
        for row in sql.metadata_rows(table):
            session.count(text, row)
