"""How does a value get to the Java program and back?

A cell is `["TYPE", value]`: BLOB in base64, DATE, TIME, TIMESTAMP and TIMESTAMPTZ as ISO-8601,
a float that JSON can't hold as "NaN", "Infinity" or "-Infinity".
"""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = bool | int | float | str | bytes | date | time | datetime | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Cell:
    """A value with its type, where the type of the column isn't meant."""

    type: str
    value: Value


def encode(type_name: str, value: Value | Cell) -> list[Any]:
    """The cell of a value in a column of this type."""
    if isinstance(value, Cell):
        return encode(value.type, value.value)
    return [type_name, None if value is None else _plain(type_name, value)]


def _plain(type_name: str, value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime) and type_name == "TIMESTAMPTZ":
        if value.tzinfo is None:
            raise ValueError(f"a TIMESTAMPTZ needs a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def decode(cell: list[Any]) -> Value:
    """The Python value of a cell; a FLOAT is the binary32 value exactly."""
    type_name, value = cell
    if value is None:
        return None
    match type_name:
        case "FLOAT":
            (single,) = struct.unpack("<f", struct.pack("<f", float(value)))
            return float(single)
        case "DOUBLE":
            return float(value)
        case "BLOB":
            return base64.b64decode(value)
        case "DATE":
            return date.fromisoformat(value)
        case "TIME":
            return time.fromisoformat(value)
        case "TIMESTAMP" | "TIMESTAMPTZ":
            return datetime.fromisoformat(value)
        case "BOOLEAN" | "INT" | "BIGINT" | "TEXT":
            plain: bool | int | str = value
            return plain
    raise ValueError(f"no such type: {type_name}")


def decode_row(cells: Mapping[str, list[Any]]) -> Row:
    """A row as the Java program sends it."""
    return {name: decode(cell) for name, cell in cells.items()}
