"""What is in the database, and what can be put there?

The catalog compares names by collations of its own, so whatever it finds is compared again here.
A text must be equal to itself only: under MySQL's usual collations ``A`` is ``a`` and ``a`` is
``a`` with a space behind it, so that two keys would be one record. Tables made here have a binary
collation without padding. A table made elsewhere is refused if a text of its key has another;
other columns are compared as bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, StorageBusyError
from scalar_tx.storage.mysql.foreign import foreign_columns
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.definitions import ForeignColumn, Texts
from scalar_tx.storage.sql.meanings import no_such_column, no_such_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.connections import Reader, Session
    from scalar_tx.storage.sql.dialect import Dialect

_LONGEST_NAME: Final = 64
_LONGEST_FULL_NAME: Final = 128  # what the metadata table holds
_CHARACTER_SET: Final = "utf8mb4"
_MARIADB_EXACT: Final = "utf8mb4_nopad_bin"
_MYSQL_EXACT: Final = "utf8mb4_0900_bin"
_EXACT: Final = frozenset({_MARIADB_EXACT, _MYSQL_EXACT})
_MYSQL_EXACT_SINCE: Final = (8, 0, 17)
_OWN: Final = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
_TRANSACTIONAL: Final = frozenset({"innodb", "rocksdb", "ndbcluster", "tokudb"})
_LOCK: Final = "scalar_tx definitions"
_LOCK_WAIT_S: Final = 10

_RELATIONS: Final = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema=%s"
)
_COLUMNS: Final = (
    "SELECT table_schema, table_name, column_name, character_set_name, collation_name "
    "FROM information_schema.columns WHERE table_schema=%s AND table_name=%s "
    "ORDER BY ordinal_position"
)
_ENGINE: Final = (
    "SELECT table_schema, table_name, engine FROM information_schema.tables "
    "WHERE table_schema=%s AND table_name=%s"
)
_INDEXES: Final = (
    "SELECT table_schema, table_name, index_name, column_name, non_unique "
    "FROM information_schema.statistics WHERE table_schema=%s AND table_name=%s"
)


class MysqlDefinitions:
    """The catalog of MySQL or MariaDB and the spelling of its definitions."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def check_present(self, read: Reader, table: Table, place: str) -> Texts:
        """The table is there, transactional, and its keys are equal only if they are the same."""
        name = (table.namespace, table.short_name)
        there = {row[2]: (row[3], row[4]) for row in read(_COLUMNS, name) if row[:2] == name}
        if not there:
            raise no_such_table(f"there is no table {table.name} in {place}")
        missing = [column for column in table.columns if column not in there]
        if missing:
            raise no_such_column(f"table {table.name} in {place} lacks {', '.join(missing)}")
        for *found, engine in read(_ENGINE, name):
            if tuple(found) == name and engine and engine.lower() not in _TRANSACTIONAL:
                raise InvalidOperationError(
                    f"table {table.name} in {place} is of the engine {engine}, "
                    "which has no transactions",
                    advice=f"Run: ALTER TABLE {_spoken(table)} ENGINE=InnoDB",
                    code="STX-3308",
                )
        unequal, unordered = set(), set()
        for column in table.columns:
            character_set, collation = there[column]
            if collation is None:
                continue
            if column not in table.schema.primary_key:
                # Sorting fills a text up with U+0000; keys hold none, see ``codec.objection_for``.
                unordered.add(column)
            if collation in _EXACT:
                continue
            if column in table.schema.primary_key or character_set != _CHARACTER_SET:
                raise InvalidOperationError(
                    f"{table.name}.{column} in {place} has the collation {collation}, in which "
                    "unlike texts are equal, or which can't hold every text",
                    advice=f"Run: ALTER TABLE {_spoken(table)} CONVERT TO CHARACTER SET "
                    f"{_CHARACTER_SET} COLLATE {_exact_collation(read)}; Java programs on the "
                    "table work with it too",
                    code="STX-3307",
                )
            unequal.add(column)
        return Texts(frozenset(unequal), frozenset(unordered))

    def check_makeable(self, table: Table) -> None:
        """Names are of MySQL's signs and no longer than its names."""
        self.check_namespace(table.namespace)
        _check_name(table.short_name, f"the table name {table.name!r}")
        if len(table.name) > _LONGEST_FULL_NAME:
            raise InvalidOperationError(
                f"{table.name!r} is longer than the {_LONGEST_FULL_NAME} characters that the "
                "metadata table holds",
                advice="Use a shorter name",
                code="STX-3305",
            )
        self.check_columns(table.columns, table.name)

    def check_namespace(self, namespace: str) -> None:
        """Not one that MySQL keeps for itself."""
        _check_name(namespace, f"the namespace {namespace!r}")
        if namespace.lower() in _OWN:
            raise InvalidOperationError(
                f"MySQL keeps the namespace {namespace!r} for itself",
                advice="Use another name",
                code="STX-3305",
            )

    def check_columns(self, columns: Iterable[str], table: str) -> None:
        """No two differ in case only: MySQL can't tell them apart."""
        seen: dict[str, str] = {}
        for column in columns:
            _check_name(column, f"the column name {column!r} of {table}")
            other = seen.setdefault(column.casefold(), column)
            if other != column:
                raise InvalidOperationError(
                    f"the columns {other!r} and {column!r} of {table} differ in case only; "
                    "MySQL can't tell them apart",
                    advice="Rename one of them",
                    code="STX-3305",
                )

    def lock(self, session: Session) -> None:
        """Until it is let go, or the connection ends."""
        ((got,),) = session.rows("SELECT GET_LOCK(%s, %s)", (_LOCK, _LOCK_WAIT_S))
        if got != 1:
            raise StorageBusyError("another process changes definitions of the database")

    def unlock(self, session: Session) -> None:
        """Let go of the lock."""
        session.rows("SELECT RELEASE_LOCK(%s)", (_LOCK,))

    def namespaces(self, read: Reader) -> list[str]:
        """All schemas but MySQL's own."""
        found = read("SELECT schema_name FROM information_schema.schemata")
        return [name for (name,) in found if name.lower() not in _OWN]

    def relations(self, read: Reader, namespace: str) -> set[str]:
        """Tables and views."""
        found = read(_RELATIONS, (namespace,))
        return {name for schema, name in found if schema == namespace}

    def columns(self, read: Reader, namespace: str, name: str) -> list[str]:
        """The columns of a table."""
        found = read(_COLUMNS, (namespace, name))
        return [row[2] for row in found if row[:2] == (namespace, name)]

    def indexes_on(self, read: Reader, table: Table, column: str) -> list[str]:
        """The plain indexes on that column alone."""
        plain = {name for name, (_, unique) in self._indexes(read, table).items() if not unique}
        found = self._indexes(read, table)
        return sorted(name for name in plain if found[name][0] == [column])

    def index_exists(self, read: Reader, table: Table, name: str) -> bool:
        """Indexes have their names within the table."""
        return name.casefold() in {one.casefold() for one in self._indexes(read, table)}

    @staticmethod
    def _indexes(read: Reader, table: Table) -> dict[str, tuple[list[str], bool]]:
        name = (table.namespace, table.short_name)
        found: dict[str, tuple[list[str], bool]] = {}
        for *where, index, column, non_unique in read(_INDEXES, name):
            if tuple(where) == name:
                found.setdefault(index, ([], not non_unique))[0].append(column)
        return found

    def create_namespace(self, read: Reader, namespace: str) -> str:
        """A schema whose tables, also those that other programs make, compare texts exactly."""
        return f"CREATE SCHEMA {self.dialect.quote(namespace)}{_exact_texts(read)}"

    def drop_namespace(self, namespace: str) -> str:
        """Removes a schema."""
        return f"DROP SCHEMA {self.dialect.quote(namespace)}"

    def create_table(self, read: Reader, table: Table) -> str:
        """A table that compares texts exactly."""
        return sql.create_table(self.dialect, table) + _exact_texts(read)

    def index_name(self, table: Table, column: str) -> str:
        """The name of an index."""
        return sql.index_name(table, column)

    def drop_index(self, table: Table, name: str) -> str:
        """Removes an index."""
        reference = self.dialect.table(table.namespace, table.short_name)
        return f"DROP INDEX {self.dialect.quote(name)} ON {reference}"

    def alter_type(self, table: Table, column: str, declared: str) -> str:
        """Gives a column another type."""
        reference = self.dialect.table(table.namespace, table.short_name)
        return f"ALTER TABLE {reference} MODIFY {self.dialect.quote(column)} {declared}"

    def rename_table(self, table: Table, short_name: str) -> str:
        """Gives a table another name in its schema."""
        reference = self.dialect.table(table.namespace, table.short_name)
        return (
            f"ALTER TABLE {reference} RENAME TO {self.dialect.table(table.namespace, short_name)}"
        )

    def rename_index(self, table: Table, column: str, name: str, new_name: str) -> list[str]:
        """Gives an index another name."""
        quote = self.dialect.quote
        reference = self.dialect.table(table.namespace, table.short_name)
        return [f"ALTER TABLE {reference} RENAME INDEX {quote(name)} TO {quote(new_name)}"]

    def foreign_columns(self, read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
        """The columns of a table, whoever made it."""
        return foreign_columns(read, namespace, name)

    def where_tables_are(self, name: str) -> str:
        """A namespace is a schema."""
        return "Name a table of this server as schema.table; a view can't be imported"


def _spoken(table: Table) -> str:
    return f"`{table.namespace}`.`{table.short_name}`"


def _exact_texts(read: Reader) -> str:
    return f" CHARACTER SET {_CHARACTER_SET} COLLATE {_exact_collation(read)}"


def _exact_collation(read: Reader) -> str:
    ((version,),) = read("SELECT VERSION()")
    return exact_collation(version)


def exact_collation(version: str) -> str:
    """The collation in which texts are equal only if they are the same.

    >>> exact_collation("11.4.5-MariaDB"), exact_collation("8.4.2")
    ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin')
    """
    if "mariadb" in version.lower():
        return _MARIADB_EXACT
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if numbers < _MYSQL_EXACT_SINCE:
        raise InvalidOperationError(
            f"MySQL {version} has no collation in which texts are equal only if they are the same",
            advice="Use MySQL 8.0.17 or later, or MariaDB",
            code="STX-3307",
        )
    return _MYSQL_EXACT


def _check_name(name: str, place: str) -> None:
    reason = None
    if len(name) > _LONGEST_NAME:
        reason = f"names have at most {_LONGEST_NAME} characters"
    elif any(ord(sign) > 0xFFFF or 0xD800 <= ord(sign) < 0xE000 for sign in name):
        reason = "names hold no characters beyond U+FFFF"
    elif "\x00" in name or name != name.rstrip(" "):
        reason = "names hold no U+0000 and end with no space"
    if reason is not None:
        raise InvalidOperationError(
            f"{place} is no name of MySQL, whose {reason}",
            advice="Use another name",
            code="STX-3305",
        )
