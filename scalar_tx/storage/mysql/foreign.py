"""As what can the columns of a table be read that another program made?

Storage specification 7.4. What MySQL would not give back exactly as it was written is left to the
program that made it: its FLOAT is handed out with six digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.definitions import ForeignColumn

if TYPE_CHECKING:
    from scalar_tx.storage.sql.connections import Reader

_COLUMNS: Final = (
    "SELECT c.table_schema, c.table_name, c.column_name, c.column_type, c.extra "
    "FROM information_schema.columns c JOIN information_schema.tables t "
    "ON t.table_schema=c.table_schema AND t.table_name=c.table_name "
    "WHERE c.table_schema=%s AND c.table_name=%s AND t.table_type='BASE TABLE' "
    "ORDER BY c.ordinal_position"
)
_KEY: Final = (
    "SELECT table_schema, table_name, column_name, sub_part "
    "FROM information_schema.statistics "
    "WHERE table_schema=%s AND table_name=%s AND index_name='PRIMARY'"
)
_TEXTS: Final = ("varchar", "char", "tinytext", "text", "mediumtext", "longtext")
_BLOBS: Final = ("varbinary", "binary", "tinyblob", "blob", "mediumblob", "longblob")
_TYPES: Final[dict[str, tuple[DataType, ...]]] = {
    "tinyint": (DataType.INT,),
    "tinyint unsigned": (DataType.INT,),
    "smallint": (DataType.INT,),
    "smallint unsigned": (DataType.INT,),
    "mediumint": (DataType.INT,),
    "mediumint unsigned": (DataType.INT,),
    "int": (DataType.INT,),
    "int unsigned": (DataType.BIGINT,),
    "bigint": (DataType.BIGINT,),
    "double": (DataType.DOUBLE,),
    "date": (DataType.DATE,),
    "time": (DataType.TIME,),
    "datetime": (DataType.TIMESTAMP, DataType.TIMESTAMPTZ),
    "timestamp": (DataType.TIMESTAMPTZ,),
    **dict.fromkeys(_TEXTS, (DataType.TEXT,)),
    **dict.fromkeys(_BLOBS, (DataType.BLOB,)),
}
_CHANGES_BY_ITSELF: Final = ("generated", "on update")
_ADVICE: Final = {
    "float": "Alter its type to double, which keeps all digits, and read it as DOUBLE",
    "bit": "Alter its type to boolean",
}
_LEAVE: Final = "Alter its type, or leave this table to the program that made it"


def foreign_columns(read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
    """The columns of a table; empty if there is none, or it is a view."""
    wanted = (namespace, name)
    parts = {
        str(column): part for *where, column, part in read(_KEY, wanted) if tuple(where) == wanted
    }
    # In the order of the names, as the Java library's driver lists them: to its programs the order
    # of a key's columns is a part of the table.
    key = {column: (at, parts[column]) for at, column in enumerate(sorted(parts), start=1)}
    return [
        foreign_column(str(column), _text(declared), _text(extra), *key.get(str(column), (0, None)))
        for *where, column, declared, extra in read(_COLUMNS, wanted)
        if tuple(where) == wanted
    ]


def _text(cell: str | bytes) -> str:
    return cell.decode() if isinstance(cell, bytes) else cell


def foreign_column(
    name: str, declared: str, extra: str, key_position: int, part: int | None = None
) -> ForeignColumn:
    """One column as the catalog has it; ``part``: how much of it is in the key, if not all is.

    >>> foreign_column("n", "int(10) unsigned", "", 0).types[0].value
    'BIGINT'
    """
    native = plain_type(declared)
    types = (DataType.BOOLEAN,) if native == "boolean" else _TYPES.get(native, ())
    obstacle, advice = "", ""
    if not types:
        obstacle, advice = f"is of the type {declared}", _ADVICE.get(native, _LEAVE)
    elif any(word in extra.lower() for word in _CHANGES_BY_ITSELF):
        obstacle, advice = f"changes by itself ({extra})", "Take that away from the column"
    elif "auto_increment" in extra.lower():
        obstacle = "is numbered by the database, which transactions don't ask"
        advice = "Take AUTO_INCREMENT away, and write the value with the record"
    elif key_position and part is not None:
        obstacle, advice = "is in the key in part only", "Make it a column whose key is all of it"
    return ForeignColumn(name, types, key_position, obstacle, advice)


def plain_type(declared: str) -> str:
    """The type without its size; ``tinyint(1)`` is what MySQL makes of BOOLEAN.

    >>> plain_type("tinyint(1)"), plain_type("varchar(20)"), plain_type("int(10) unsigned")
    ('boolean', 'varchar', 'int unsigned')
    """
    if declared == "tinyint(1)":
        return "boolean"
    name, _, rest = declared.partition("(")
    return " ".join((name + rest.partition(")")[2] if rest else name).split())
