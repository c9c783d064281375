"""As what can the columns of a table be read that another program made?

Storage specification 7.4. What PostgreSQL would not give back exactly as it was written is left to
the program that made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.model.types import DataType
from scalar_tx.storage.sql.definitions import ForeignColumn

if TYPE_CHECKING:
    from scalar_tx.storage.sql.connections import Reader

_COLUMNS: Final = (
    "SELECT a.attname, format_type(a.atttypid, NULL), a.attidentity, "
    "to_jsonb(a)->>'attgenerated', pg_get_expr(d.adbin, d.adrelid), "
    "array_position(p.conkey, a.attnum) "
    "FROM pg_attribute a JOIN pg_class c ON c.oid=a.attrelid "
    "JOIN pg_namespace n ON n.oid=c.relnamespace "
    "LEFT JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum "
    "LEFT JOIN pg_constraint p ON p.conrelid=c.oid AND p.contype='p' "
    "WHERE n.nspname::text=%s::text AND c.relname::text=%s::text AND c.relkind IN ('r','p') "
    "AND a.attnum>0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_TYPES: Final = {
    "boolean": DataType.BOOLEAN,
    "smallint": DataType.INT,
    "integer": DataType.INT,
    "bigint": DataType.BIGINT,
    "real": DataType.FLOAT,
    "double precision": DataType.DOUBLE,
    "character varying": DataType.TEXT,
    "text": DataType.TEXT,
    "bytea": DataType.BLOB,
    "date": DataType.DATE,
    "time without time zone": DataType.TIME,
    "timestamp without time zone": DataType.TIMESTAMP,
    "timestamp with time zone": DataType.TIMESTAMPTZ,
}
_ADVICE: Final = {
    "character": "Alter its type to varchar: a CHAR fills texts up with spaces",
    "bit": "Alter its type to boolean, which is what is written",
}
_LEAVE: Final = "Alter its type, or leave this table to the program that made it"


def foreign_columns(read: Reader, namespace: str, name: str) -> list[ForeignColumn]:
    """The columns of a table; empty if there is none, or it is a view."""
    return [
        foreign_column(
            str(column),
            str(native),
            at or 0,
            computed=bool(generated) or identity == "a",
            default=default or "",
        )
        for column, native, identity, generated, default, at in read(_COLUMNS, (namespace, name))
    ]


def foreign_column(
    name: str, native: str, key_position: int = 0, *, computed: bool = False, default: str = ""
) -> ForeignColumn:
    """One column as the catalog has it.

    >>> foreign_column("id", "integer", 1).types[0].value
    'INT'
    """
    data_type = _TYPES.get(native)
    obstacle, advice = "", ""
    if data_type is None:
        obstacle = f"is of the type {native}"
        advice = _ADVICE.get(native, _LEAVE)
    elif computed:
        obstacle = "is computed by the database"
        advice = "Drop the expression: every column is written by transactions"
    elif default.startswith("nextval("):
        obstacle = "takes its value from a sequence, which transactions don't ask"
        advice = "Drop its default, and write the value with the record"
    return ForeignColumn(name, (data_type,) if data_type else (), key_position, obstacle, advice)
