"""What is in the file? Names are compared as SQLite compares them, and then exactly.

SQLite takes identifiers that differ in the case of ASCII letters for the same; to ScalarDB they are
two. Reaching the one by the other's name would be reading another table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.storage.sqlite.dialect import JOINT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from scalar_tx.model.table import Table

    class Reader(Protocol):
        """Anything that runs a SELECT."""

        def __call__(
            self, text: str, parameters: Sequence[object] = (), /
        ) -> list[tuple[Any, ...]]:
            """All its rows."""
            ...


def physical_name(namespace: str, name: str) -> str:
    """A table's name in the file."""
    return f"{namespace}{JOINT}{name}"


def same_but_for_case(rows: Reader, name: str) -> str | None:
    """The table, view or index that SQLite finds by that name, as it is written in the file."""
    # Triggers have names of their own; tables, views and indexes share theirs.
    text = "SELECT name FROM sqlite_master WHERE type<>'trigger' AND name=? COLLATE NOCASE"
    found = rows(text, (name,))
    return str(found[0][0]) if found else None


def exists(rows: Reader, name: str) -> bool:
    """Is there a table, view or index of exactly that name?"""
    return same_but_for_case(rows, name) == name


def columns_of(rows: Reader, name: str) -> list[str]:
    """The columns of a table."""
    return [str(row[0]) for row in rows("SELECT name FROM pragma_table_info(?)", (name,))]


def indexes_on(rows: Reader, name: str, column: str) -> list[str]:
    """The indexes that were created on that column alone."""
    listed = rows("SELECT name FROM pragma_index_list(?) WHERE origin='c'", (name,))
    return [
        str(index)
        for (index,) in listed
        if [row[0] for row in rows("SELECT name FROM pragma_index_info(?)", (index,))] == [column]
    ]


def check_present(rows: Reader, table: Table, path: str) -> None:
    """The table is there under exactly its name and has exactly the columns of its definition."""
    name = physical_name(table.namespace, table.short_name)
    found = same_but_for_case(rows, name)
    if found is None:
        raise InvalidOperationError(
            f"there is no table {table.name} in SQLite file {path}",
            advice="Create it with the schema loader",
            code="STX-3017",
        )
    if found != name:
        raise InvalidOperationError(
            f"SQLite file {path} holds a table {found!r}, not {name!r}; "
            "SQLite can't tell them apart",
            advice="Write the name as it was created",
            code="STX-3017",
        )
    there = set(columns_of(rows, name))
    missing = [column for column in table.columns if column not in there]
    if missing:
        raise SchemaError(
            f"table {table.name} in SQLite file {path} has no column {', '.join(missing)}",
            advice="Compare the file's table with the definition, or repair the table",
            code="STX-3302",
        )


def check_makeable(table: Table) -> None:
    """Can SQLite hold a table of that name with those columns? (Storage specification 5.1)"""
    for part in (table.namespace, table.short_name):
        check_name(part, f"the table name {table.name!r}")
    if table.namespace.lower().startswith("sqlite_"):
        raise InvalidOperationError(
            f"the table name {table.name!r} begins with sqlite_, which SQLite keeps for itself",
            advice="Use another namespace",
            code="STX-3305",
        )
    check_columns(table.columns, table.name)


def check_name(name: str, place: str) -> None:
    """Names hold no sign that would lead to another table."""
    for sign, shown in ((JOINT, JOINT), ("\x00", "a null character")):
        if sign in name:
            raise InvalidOperationError(
                f"{place} holds {shown}, which names in SQLite can't",
                advice="Use another name",
                code="STX-3305",
            )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidOperationError(
            f"{place} holds a lone surrogate, which is no character",
            advice="Use another name",
            code="STX-3305",
        ) from None


def check_columns(columns: Iterable[str], table: str) -> None:
    """No two columns are the same to SQLite."""
    seen: dict[bytes, str] = {}
    for column in columns:
        try:
            folded = column.encode().lower()  # of bytes: ASCII letters only, as SQLite does
        except UnicodeEncodeError:
            raise InvalidOperationError(
                f"a column name of {table} holds a lone surrogate, which is no character",
                advice="Use another name",
                code="STX-3305",
            ) from None
        other = seen.setdefault(folded, column)
        if other != column:
            raise InvalidOperationError(
                f"the columns {other!r} and {column!r} of {table} differ in case only; "
                "SQLite can't tell them apart",
                advice="Rename one of them",
                code="STX-3305",
            )
