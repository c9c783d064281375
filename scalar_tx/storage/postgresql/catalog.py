"""What is in the database, and what can be put there?

Names are compared as text: PostgreSQL's own type for names cuts a longer one short, and the rest of
it would name another table. Text is equal here where it is the same; its order is that of the
column's collation, and where that is not by code point the statements name the collation "C".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.postgresql.dialect import POSTGRESQL
from scalar_tx.storage.postgresql.foreign import foreign_columns
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.definitions import ForeignColumn, Texts
from scalar_tx.storage.sql.meanings import no_such_column, no_such_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.connections import Reader, Session

_LONGEST_NAME: Final = 63  # bytes
_LOCK: Final = 0x5C_A1_A2_7C  # of changes of definitions; any number that no other program takes

_BY_CODE_POINT: Final = frozenset({"C", "POSIX", "ucs_basic", "pg_c_utf8"})
_BUILT_IN: Final = "b"

_RELATIONS: Final = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace "
    "WHERE n.nspname::text=%s::text AND c.relkind IN ('r','p','v','m','f')"
)
_NAMESPACES: Final = (
    "SELECT nspname FROM pg_namespace WHERE nspname<>'information_schema' "
    "AND nspname NOT LIKE 'pg\\_%%'"
)
_COLUMNS: Final = (
    "SELECT a.attname, l.collname, l.collisdeterministic FROM pg_attribute a "
    "JOIN pg_class c ON c.oid=a.attrelid JOIN pg_namespace n ON n.oid=c.relnamespace "
    "LEFT JOIN pg_collation l ON l.oid=a.attcollation "
    "WHERE n.nspname::text=%s::text AND c.relname::text=%s::text "
    "AND a.attnum>0 AND NOT a.attisdropped ORDER BY a.attnum"
)
# By way of JSON, since older servers lack the second column.
_DEFAULT_COLLATION: Final = (
    "SELECT datcollate, to_jsonb(d)->>'datlocprovider' FROM pg_database d "
    "WHERE datname=current_database()"
)
_INDEXES: Final = (
    "SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid=x.indexrelid "
    "JOIN pg_class c ON c.oid=x.indrelid JOIN pg_namespace n ON n.oid=c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid=c.oid AND a.attnum=x.indkey[0] "
    "WHERE n.nspname::text=%s::text AND c.relname::text=%s::text AND a.attname::text=%s::text "
    "AND x.indnatts=1 AND NOT x.indisunique AND NOT x.indisprimary AND x.indpred IS NULL"
)
_ANY_RELATION: Final = (
    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace "
    "WHERE n.nspname::text=%s::text AND c.relname::text=%s::text"
)


class PostgresqlDefinitions:
    """The catalog of PostgreSQL and the spelling of its definitions."""

    dialect = POSTGRESQL

    def check_present(self, read: Reader, table: Table, place: str) -> Texts:
        """The table is there, and its texts are equal only if they are the same."""
        found = read(_COLUMNS, (table.namespace, table.short_name))
        if not found:
            raise no_such_table(f"there is no table {table.name} in {place}")
        there = {str(name): (collation, exact) for name, collation, exact in found}
        missing = [column for column in table.columns if column not in there]
        if missing:
            raise no_such_column(f"table {table.name} in {place} lacks {', '.join(missing)}")
        unordered = set()
        default: bool | None = None
        for column in table.columns:
            collation, exact = there[column]
            if collation is None or collation in _BY_CODE_POINT:
                continue
            if not exact:
                raise InvalidOperationError(
                    f"{table.name}.{column} in {place} has the collation {collation!r}, "
                    "in which unlike texts are equal",
                    advice='Give the column a deterministic collation, best of all "C"',
                    code="STX-3307",
                )
            if collation == "default":
                if default is None:
                    default = _default_is_by_code_point(read)
                if default:
                    continue
            unordered.add(column)
        return Texts(unordered=frozenset(unordered))

    def check_makeable(self, table: Table) -> None:
        """Names are not cut short."""
        self.check_namespace(table.namespace)
        _check_name(table.short_name, f"the table name {table.name!r}")
        self.check_columns(table.columns, table.name)

    def check_namespace(self, namespace: str) -> None:
        """Not one that PostgreSQL keeps for itself."""
        _check_name(namespace, f"the namespace {namespace!r}")
        if namespace.startswith("pg_") or namespace == "information_schema":
            raise InvalidOperationError(
                f"PostgreSQL keeps the namespace {namespace!r} for itself",
                advice="Use another name",
                code="STX-3305",
            )

    def check_columns(self, columns: Iterable[str], table: str) -> None:
        """Names are not cut short."""
        for column in columns:
            _check_name(column, f"the column name {column!r} of {table}")

    def lock(self, session: Session) -> None:
        """Until the transaction ends."""
        session.rows("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))

    def unlock(self, session: Session) -> None:
        """The end of the transaction does it."""

    def namespaces(self, read: Reader) -> list[str]:
        """All schemas but PostgreSQL's own."""
        return [str(name) for (name,) in read(_NAMESPACES)]

    def relations(self, read: Reader, namespace: str) -> set[str]:
        """Tables and views."""
        return {str(name) for (name,) in read(_RELATIONS, (namespace,))}

    def columns(self, read: Reader, namespace: str, name: str) -> list[str]:
        """The columns of a table."""
        return [str(row[0]) for row in read(_COLUMNS, (namespace, name))]

    def indexes_on(self, read: Reader, table: Table, column: str) -> list[str]:
        """The plain indexes on that column alone."""
        return [
            str(name) for (name,) in read(_INDEXES, (table.namespace, table.short_name, column))
        ]

    def index_exists(self, read: Reader, table: Table, name: str) -> bool:
        """Indexes share their names with the tables of the namespace."""
        return bool(read(_ANY_RELATION, (table.namespace, name)))

    def create_namespace(self, read: Reader, namespace: str) -> str:
        """A schema."""
        return f"CREATE SCHEMA {POSTGRESQL.quote(namespace)}"

    def drop_namespace(self, namespace: str) -> str:
        """Removes a schema."""
        return f"DROP SCHEMA {POSTGRESQL.quote(namespace)}"

    def create_table(self, read: Reader, table: Table) -> str:
        """A table, its texts in the collation of the database."""
        return sql.create_table(POSTGRESQL, table)

    def index_name(self, table: Table, column: str) -> str:
        """The name of an index, not cut short by PostgreSQL."""
        name = sql.index_name(table, column)
        if len(name.encode()) > _LONGEST_NAME:
            return sql.other_index_name(table, column)
        return name

    def drop_index(self, table: Table, name: str) -> str:
        """Removes an index."""
        return f"DROP INDEX {POSTGRESQL.table(table.namespace, name)}"

    def alter_type(self, table: Table, column: str, declared: str) -> str:
        """Gives a column another type."""
        reference = POSTGRESQL.table(table.namespace, table.short_name)
        return f"ALTER TABLE {reference} ALTER COLUMN {POSTGRESQL.quote(column)} TYPE {declared}"

    def rename_table(self, table: Table, short_name: str) -> str:
        """Gives a table another name in its schema."""
        reference = POSTGRESQL.table(table.namespace, table.short_name)
        return f"ALTER TABLE {reference} RENAME TO {POSTGRESQL.quote(short_name)}"

    def rename_index(self, table: Table, column: str, name: str, new_name: str) -> list[str]:
        """Gives an index another name."""
        reference = POSTGRESQL.table(table.namespace, name)
        return [f"ALTER INDEX {reference} RENAME TO {POSTGRESQL.quote(new_name)}"]

    def foreign_columns(self, read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
        """The columns of a table, whoever made it."""
        return foreign_columns(read, namespace, name)

    def where_tables_are(self, name: str) -> str:
        """A namespace is a schema."""
        return "Name a table of this database as schema.table; a view can't be imported"


def _default_is_by_code_point(read: Reader) -> bool:
    ((collation, provider),) = read(_DEFAULT_COLLATION)
    return provider == _BUILT_IN or (collation in _BY_CODE_POINT and provider in ("c", None))


def _check_name(name: str, place: str) -> None:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidOperationError(
            f"{place} holds a lone surrogate, which is no character",
            advice="Use another name",
            code="STX-3305",
        ) from None
    if size > _LONGEST_NAME or "\x00" in name:
        raise InvalidOperationError(
            f"{place} is no name of PostgreSQL, whose names have at most {_LONGEST_NAME} bytes",
            advice="Use a shorter name",
            code="STX-3305",
        )
