"""As what can the columns of a table be read that another program made?

The Java library imports none from SQLite (Storage specification 2.9). A column's declared type says
little here, so every cell is looked at, and a column of integers is BIGINT unless the caller knows
better: that they are small, 0 and 1, or ScalarDB's numbers for times.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.definitions import ForeignColumn
from scalar_tx.storage.sqlite.dialect import SQLITE

if TYPE_CHECKING:
    from scalar_tx.storage.sql.connections import Reader

_COLUMNS: Final = "SELECT name, type, hidden, pk FROM pragma_table_xinfo(?)"
_DEFINITION: Final = "SELECT sql FROM sqlite_master WHERE type='table' AND name=?"
_STRICT: Final = re.compile(r"\)[^)]*\bstrict\b[^)]*$", re.IGNORECASE)
_COLLATED: Final = re.compile(r"\bcollate\s+(?![\"'`\[]?binary\b)", re.IGNORECASE)
_INTEGERS: Final = (
    DataType.BIGINT,
    DataType.INT,
    DataType.BOOLEAN,
    DataType.DATE,
    DataType.TIME,
    DataType.TIMESTAMP,
    DataType.TIMESTAMPTZ,
)
_COMPUTED: Final = (2, 3)  # pragma_table_xinfo: generated columns
_LEAVE: Final = "Make a table of ScalarDB's types, and copy the rows"


def foreign_columns(read: Reader, physical: str) -> list[ForeignColumn]:
    """The columns of the table with that name in the file; empty if there is none."""
    found = read(_DEFINITION, (physical,))
    if not found:
        return []
    definition = str(found[0][0])
    columns = []
    for name, declared, hidden, key_position in read(_COLUMNS, (physical,)):
        types, stored = types_of(str(declared))
        obstacle, advice = "", _LEAVE
        if not types:
            obstacle = f"is of the type {declared or 'of whatever is written'}"
        elif hidden in _COMPUTED:
            obstacle = "is computed by the database"
        elif _STRICT.search(definition):
            obstacle = "is in a STRICT table, which takes no columns of ScalarDB's types"
        elif _COLLATED.search(definition):
            obstacle = "is in a table with a COLLATE, under which unlike texts are equal"
        elif _holds_other(read, physical, str(name), stored, in_key=bool(key_position)):
            obstacle = f"holds values that are not {stored}"
            advice = f"Look for rows where typeof({name}) is another, and correct them"
        columns.append(ForeignColumn(str(name), types, int(key_position), obstacle, advice))
    return columns


def types_of(declared: str) -> tuple[tuple[DataType, ...], str]:
    """What a declared type can be read as, and what SQLite calls its cells.

    >>> [one.value for one in types_of("VARCHAR(20)")[0]], types_of("NUMERIC")[0]
    (['TEXT'], ())
    """
    name = declared.upper()
    # The order of SQLite's own rules for a column's affinity.
    if name in ("BOOLEAN", "BOOL"):
        return (DataType.BOOLEAN,), "integer"
    if "INT" in name and "POINT" not in name:
        return _INTEGERS, "integer"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return (DataType.TEXT,), "text"
    if name == "BLOB":
        return (DataType.BLOB,), "blob"
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return (DataType.DOUBLE, DataType.FLOAT), "real"
    return (), ""


def _holds_other(read: Reader, physical: str, name: str, stored: str, *, in_key: bool) -> bool:
    wanted = (stored,) if in_key else (stored, "null")  # SQLite lets a key be NULL
    holes = ",".join("?" * len(wanted))
    table = SQLITE.quote(physical)
    column = f"{table}.{SQLITE.quote(name)}"
    return bool(
        read(f"SELECT 1 FROM {table} WHERE typeof({column}) NOT IN ({holes}) LIMIT 1", wanted)
    )
