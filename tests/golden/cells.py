"""How are the cells of the golden files read?

A logical cell is ``[type, value]``: binary values in base64, times in ISO 8601 as Java prints them,
floats that are no numbers as words. A cell stored by SQLite is ``[storage class, value]``.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType, to_float32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.types import Row, Value

FOLDER = Path(__file__).parent
_NO_NUMBERS = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


@cache
def golden(name: str) -> dict[str, Any]:
    """The content of ``<name>.json``."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def _number(value: float | str) -> float:
    return _NO_NUMBERS[value] if isinstance(value, str) else float(value)


def logical_value(data_type: DataType, value: Any) -> Value:
    """The Python value of a logical cell's second half."""
    if value is None:
        return None
    match data_type:
        case DataType.FLOAT:
            return to_float32(_number(value))
        case DataType.DOUBLE:
            return _number(value)
        case DataType.BLOB:
            return base64.b64decode(value)
        case DataType.DATE:
            return dt.date.fromisoformat(value)
        case DataType.TIME:
            return dt.time.fromisoformat(value)
        case DataType.TIMESTAMP:
            return dt.datetime.fromisoformat(value)
        case DataType.TIMESTAMPTZ:
            return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    plain: Value = value
    return plain


def logical(cell: list[Any]) -> tuple[DataType, Value]:
    """Type and value of a logical cell."""
    data_type = DataType(cell[0])
    return data_type, logical_value(data_type, cell[1])


def logical_row(row: Mapping[str, list[Any]]) -> Row:
    """The values of a row's logical cells."""
    return {name: logical(cell)[1] for name, cell in row.items()}


def sqlite_cell(cell: list[Any]) -> object:
    """What SQLite's driver hands out for a stored cell."""
    storage_class, value = cell
    if storage_class == "blob":
        return base64.b64decode(value)
    return _number(value) if storage_class == "real" else value


def described_table(name: str, described: Mapping[str, Any]) -> Table:
    """The table of a ``spec`` or ``described``."""
    clustering = [f"{column} {order}" for column, order in described["clustering_key"]]
    return Table(
        name,
        TableSchema(
            described["columns"], described["partition_key"], clustering, described["indexes"]
        ),
    )
