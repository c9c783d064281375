"""What is in the file, and what can be put there?

SQLite takes identifiers that differ in the case of ASCII letters for the same; to ScalarDB they are
two. Reaching the one by the other's name would be reading another table. So names are compared as
SQLite compares them, and then exactly. A namespace is the beginning of a table's name, no object of
its own (Storage specification 5.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import split_name
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.definitions import ForeignColumn, Texts
from scalar_tx.storage.sql.meanings import no_such_column, no_such_table
from scalar_tx.storage.sqlite.dialect import JOINT, SQLITE
from scalar_tx.storage.sqlite.foreign import foreign_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.connections import Reader, Session

_RELATIONS: Final = "SELECT name FROM sqlite_master WHERE type IN ('table','view')"
# Triggers have names of their own; tables, views and indexes share theirs.
_BY_NAME: Final = "SELECT name FROM sqlite_master WHERE type<>'trigger' AND name=? COLLATE NOCASE"


class SqliteDefinitions:
    """The catalog of a file and the spelling of its definitions."""

    dialect = SQLITE

    def check_present(self, read: Reader, table: Table, place: str) -> Texts:
        """The table is there under exactly its name, with the columns of its definition."""
        name = _physical_name(table)
        found = _same_but_for_case(read, name)
        if found is None:
            raise no_such_table(f"there is no table {table.name} in {place}")
        if found != name:
            raise InvalidOperationError(
                f"{place} holds a table {found!r}, not {name!r}; SQLite can't tell them apart",
                advice="Write the name as it was created",
                code="STX-3017",
            )
        there = set(self.columns(read, table.namespace, table.short_name))
        missing = [column for column in table.columns if column not in there]
        if missing:
            raise no_such_column(f"table {table.name} in {place} lacks {', '.join(missing)}")
        return Texts()

    def check_makeable(self, table: Table) -> None:
        """Names hold no sign that would lead to another table."""
        self.check_namespace(table.namespace)
        _check_name(table.short_name, f"the table name {table.name!r}")
        self.check_columns(table.columns, table.name)

    def check_namespace(self, namespace: str) -> None:
        """Not one that SQLite keeps for itself."""
        _check_name(namespace, f"the namespace {namespace!r}")
        if namespace.lower().startswith("sqlite_"):
            raise InvalidOperationError(
                f"the namespace {namespace!r} begins with sqlite_, which SQLite keeps for itself",
                advice="Use another namespace",
                code="STX-3305",
            )

    def check_columns(self, columns: Iterable[str], table: str) -> None:
        """No two columns are the same to SQLite."""
        seen: dict[bytes, str] = {}
        for column in columns:
            folded = _encoded(column, f"a column name of {table}")
            # Of bytes: ASCII letters only, as SQLite does.
            other = seen.setdefault(folded.lower(), column)
            if other != column:
                raise InvalidOperationError(
                    f"the columns {other!r} and {column!r} of {table} differ in case only; "
                    "SQLite can't tell them apart",
                    advice="Rename one of them",
                    code="STX-3305",
                )

    def lock(self, session: Session) -> None:
        """The transaction has the file to itself."""

    def unlock(self, session: Session) -> None:
        """The end of the transaction does it."""

    def namespaces(self, read: Reader) -> list[str]:
        """What names of tables begin with."""
        names = [str(name).partition(JOINT) for (name,) in read(_RELATIONS)]
        return sorted({namespace for namespace, joint, _ in names if joint})

    def relations(self, read: Reader, namespace: str) -> set[str]:
        """Tables and views."""
        names = [str(name).partition(JOINT) for (name,) in read(_RELATIONS)]
        return {name for found, joint, name in names if joint and found == namespace}

    def columns(self, read: Reader, namespace: str, name: str) -> list[str]:
        """The columns of a table."""
        found = read("SELECT name FROM pragma_table_info(?)", (f"{namespace}{JOINT}{name}",))
        return [str(row[0]) for row in found]

    def indexes_on(self, read: Reader, table: Table, column: str) -> list[str]:
        """The indexes that were created on that column alone."""
        listed = read(
            "SELECT name FROM pragma_index_list(?) WHERE origin='c'", (_physical_name(table),)
        )
        return [
            str(index)
            for (index,) in listed
            if read("SELECT name FROM pragma_index_info(?)", (index,)) == [(column,)]
        ]

    def index_exists(self, read: Reader, table: Table, name: str) -> bool:
        """Indexes share their names with the tables of the file."""
        return _same_but_for_case(read, name) is not None

    def create_namespace(self, read: Reader, namespace: str) -> None:
        """There is nothing to make."""

    def drop_namespace(self, namespace: str) -> None:
        """There is nothing to remove."""

    def create_table(self, read: Reader, table: Table) -> str:
        """A table whose name SQLite can tell from all others."""
        name = _physical_name(table)
        found = _same_but_for_case(read, name)
        if found is not None:
            raise InvalidOperationError(
                f"the file holds {found!r}, which SQLite can't tell from {name!r}",
                advice="Choose another name",
                code="STX-3305",
            )
        return sql.create_table(SQLITE, table)

    def index_name(self, table: Table, column: str) -> str:
        """The name of an index."""
        return sql.index_name(table, column)

    def drop_index(self, table: Table, name: str) -> str:
        """Removes an index."""
        return f"DROP INDEX {SQLITE.quote(name)}"

    def alter_type(self, table: Table, column: str, declared: str) -> None:
        """There is nothing to alter: a column's type is the same for every use."""

    def rename_table(self, table: Table, short_name: str) -> str:
        """Gives a table another name behind its namespace."""
        other = SQLITE.table(table.namespace, short_name)
        return f"ALTER TABLE {SQLITE.table(table.namespace, table.short_name)} RENAME TO {other}"

    def rename_index(self, table: Table, column: str, name: str, new_name: str) -> list[str]:
        """SQLite has no such statement: the index is made anew."""
        return [self.drop_index(table, name), sql.create_index(SQLITE, table, column, new_name)]

    def foreign_columns(self, read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
        """The columns of a table, whoever made it."""
        return foreign_columns(read, f"{namespace}{JOINT}{name}")

    def where_tables_are(self, name: str) -> str:
        """A namespace is the beginning of a table's name."""
        namespace, short_name = split_name(name)
        return (
            f"The file's table is to be called {namespace}{JOINT}{short_name}. Run: ALTER TABLE "
            f"{SQLITE.quote(short_name)} RENAME TO {SQLITE.table(namespace, short_name)}"
        )


def _physical_name(table: Table) -> str:
    return f"{table.namespace}{JOINT}{table.short_name}"


def _same_but_for_case(read: Reader, name: str) -> str | None:
    """The table, view or index that SQLite finds by that name, as it is written in the file."""
    found = read(_BY_NAME, (name,))
    return str(found[0][0]) if found else None


def _check_name(name: str, place: str) -> None:
    """Names hold no sign that would lead to another table."""
    for sign, shown in ((JOINT, JOINT), ("\x00", "a null character")):
        if sign in name:
            raise InvalidOperationError(
                f"{place} holds {shown}, which names in SQLite can't",
                advice="Use another name",
                code="STX-3305",
            )
    _encoded(name, place)


def _encoded(name: str, place: str) -> bytes:
    try:
        return name.encode()
    except UnicodeEncodeError:
        raise InvalidOperationError(
            f"{place} holds a lone surrogate, which is no character",
            advice="Use another name",
            code="STX-3305",
        ) from None
