"""How is a primary key read from the command line?

``id=1``, ``id=1,kind=2`` or a JSON object, typed by the table's columns. A comma divides only where
a key column and ``=`` follow it, so that texts may hold commas.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Value


def read_key(text: str, table: TransactionalTable) -> tuple[Value, ...]:
    """The key that a text means, in the order of the table's key columns.

    InvalidOperationError says what is wrong, and shows a right one.
    """
    given = _object(text, table) if text.lstrip().startswith("{") else _pairs(text, table)
    types = table.user.columns
    for name in given:
        if name not in table.key_columns:
            raise _wrong(table, f"{name!r} is no key column of {table.name}")
    missing = [name for name in table.key_columns if name not in given]
    if missing:
        raise _wrong(table, f"the key of {table.name} lacks {', '.join(missing)}")
    typed = {name: _typed(given[name], types[name], table, name) for name in table.key_columns}
    return table.checks.key(typed, table.key_columns, "key")


def _object(text: str, table: TransactionalTable) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _wrong(table, f"the key is no JSON object: {error}") from error
    if not isinstance(found, dict):
        raise _wrong(table, "the key is no JSON object")
    return found


def _pairs(text: str, table: TransactionalTable) -> Mapping[str, str]:
    names = "|".join(re.escape(name) for name in table.key_columns)
    given: dict[str, str] = {}
    for part in re.split(rf",(?=\s*(?:{names})\s*=)", text):
        name, sign, value = part.partition("=")
        name = name.strip()
        if not sign:
            raise _wrong(table, f"{part!r} is no part of a key")
        if name in given:
            raise _wrong(table, f"the key names {name!r} twice")
        given[name] = value
    return given


def _typed(value: object, data_type: DataType, table: TransactionalTable, column: str) -> Value:
    if isinstance(value, str) and data_type is not DataType.TEXT:
        try:
            return _READERS[data_type](value.strip())
        except (ValueError, KeyError):
            place = f"{table.name}.{column} is {data_type.value}"
            raise _wrong(table, f"{place}, and {value!r} is none") from None
    if isinstance(value, bool | int | float | str):
        return value  # whether it fits its column is checked as for all keys
    raise _wrong(table, f"{table.name}.{column} can't be {value!r}")


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _blob(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


def _number(text: str) -> float:
    found = float(text)
    if math.isnan(found):
        raise ValueError(text)
    return found


_READERS: dict[DataType, Callable[[str], Value]] = {
    DataType.BOOLEAN: _boolean,
    DataType.INT: int,
    DataType.BIGINT: int,
    DataType.FLOAT: _number,
    DataType.DOUBLE: _number,
    DataType.BLOB: _blob,
    DataType.DATE: dt.date.fromisoformat,
    DataType.TIME: dt.time.fromisoformat,
    DataType.TIMESTAMP: dt.datetime.fromisoformat,
    DataType.TIMESTAMPTZ: dt.datetime.fromisoformat,
}
_EXAMPLES: dict[DataType, str] = {
    DataType.BOOLEAN: "true",
    DataType.INT: "1",
    DataType.BIGINT: "1",
    DataType.FLOAT: "1.5",
    DataType.DOUBLE: "1.5",
    DataType.TEXT: "abc",
    DataType.BLOB: "0x00ff",
    DataType.DATE: "2024-12-31",
    DataType.TIME: "23:59:59",
    DataType.TIMESTAMP: "2024-12-31T23:59:59",
    DataType.TIMESTAMPTZ: "2024-12-31T23:59:59Z",
}


def _wrong(table: TransactionalTable, message: str) -> InvalidOperationError:
    example = ",".join(f"{n}={_EXAMPLES[table.user.columns[n]]}" for n in table.key_columns)
    return InvalidOperationError(
        message, advice=f"Write the key like {example}, or as JSON", code="STX-3014"
    )
