"""What must be known of a kind of database to make tables there, and to trust those it has?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.connections import Reader, Session
    from scalar_tx.storage.sql.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Texts:
    """The text columns that the database does not compare by code point; see ``Names``."""

    unequal: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ForeignColumn:
    """A column of a table that another program made.

    ``types``: what it can be read as, the usual one first. ``key_position`` counts from 1; 0: it is
    not of the key. ``obstacle``: why it can't be used, as words behind its name.
    """

    name: str
    types: tuple[DataType, ...]
    key_position: int = 0
    obstacle: str = ""
    advice: str = ""


class Definitions(Protocol):
    """What a kind of database has in its catalog, and how its definitions are spelled."""

    dialect: Dialect

    def check_present(self, read: Reader, table: Table, place: str) -> Texts:
        """Raise an error unless the table is there and can keep its promises."""
        ...

    def check_makeable(self, table: Table) -> None:
        """InvalidOperationError if the database can't hold a table of these names."""
        ...

    def check_namespace(self, namespace: str) -> None:
        """InvalidOperationError if the database can't hold a namespace of that name."""
        ...

    def check_columns(self, columns: Iterable[str], table: str) -> None:
        """InvalidOperationError if the database can't hold or tell apart these columns."""
        ...

    def lock(self, session: Session) -> None:
        """Wait for other changes of definitions."""
        ...

    def unlock(self, session: Session) -> None:
        """Let others change definitions."""
        ...

    def namespaces(self, read: Reader) -> list[str]:
        """All but the database's own."""
        ...

    def relations(self, read: Reader, namespace: str) -> set[str]:
        """The tables and views of a namespace, whoever made them."""
        ...

    def columns(self, read: Reader, namespace: str, name: str) -> list[str]:
        """The columns of a table."""
        ...

    def indexes_on(self, read: Reader, table: Table, column: str) -> list[str]:
        """The indexes on that column alone, keys left out."""
        ...

    def index_exists(self, read: Reader, table: Table, name: str) -> bool:
        """Is the name of an index taken?"""
        ...

    def create_namespace(self, read: Reader, namespace: str) -> str | None:
        """The definition of a namespace; None where it is but the beginning of tables' names."""
        ...

    def drop_namespace(self, namespace: str) -> str | None:
        """Removes an empty namespace, if there is anything to remove."""
        ...

    def create_table(self, read: Reader, table: Table) -> str:
        """The definition of a table."""
        ...

    def index_name(self, table: Table, column: str) -> str:
        """The name of a column's index."""
        ...

    def drop_index(self, table: Table, name: str) -> str:
        """Removes an index."""
        ...

    def alter_type(self, table: Table, column: str, declared: str) -> str | None:
        """Gives a column another type, where keys and indexed columns have types of their own."""
        ...

    def rename_table(self, table: Table, short_name: str) -> str:
        """Gives a table another name in its namespace."""
        ...

    def rename_index(self, table: Table, column: str, name: str, new_name: str) -> list[str]:
        """Gives the index of a column another name."""
        ...

    def foreign_columns(self, read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
        """The columns of a table, whoever made it; empty if there is none, or it is a view."""
        ...

    def where_tables_are(self, name: str) -> str:
        """What to do about a table that was not found."""
        ...
