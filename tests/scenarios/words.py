"""Rows, records and decisions in words, and the values that scripts write."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    RecordNotFoundError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row, Value
    from tests.scenarios.tables import ScriptTable

_CONFLICTS = {
    "STX-1010": "its writer is undecided",
    "STX-1011": "changed hands",
    "STX-1020": "a read has changed",
    "STX-1030": "aborted by another",
    "STX-1031": "a record has changed",
    "STX-1032": "busy",
    "STX-1033": "a record exists",
}
EMPTY = '""'
_STATES = {1: "prepared", 2: "deleted", 3: "COMMITTED", 4: "ABORTED"}


def column_value(data_type: DataType, text: str, now_ms: int) -> Value:
    """A value from its text; ``now`` and ``now-3s`` are times of the virtual clock."""
    if text == "NULL":
        return None
    if text.startswith("now"):
        return now_ms + round(float(text[3:].strip("s") or "0") * 1000)
    if data_type in (DataType.INT, DataType.BIGINT):
        return int(text)
    if data_type is DataType.BLOB:
        return base64.b16decode(text, casefold=True)
    return "" if text == EMPTY else text


def shown(value: Value) -> str:
    """A value as scripts write it."""
    return "NULL" if value is None else (value or EMPTY) if isinstance(value, str) else repr(value)


def as_record(record: Mapping[str, Value] | Record | None) -> str:
    """What a transaction sees: the first value bare, the others by name where not NULL."""
    if record is None:
        return "none"
    keys = set(getattr(record, "key", {}))
    values = {name: value for name, value in record.items() if name not in keys}
    (first, value), *others = values.items()
    del first
    words = [shown(value)]
    words += [f"{name}={shown(value)}" for name, value in others if value is not None]
    return " ".join(words)


def as_row(row: Row | None, table: ScriptTable, seed: str) -> str:
    """A stored row: its values, its state and writer, and its before image."""
    if row is None:
        return "none"
    words = table.values_in_words(row)
    writer, state = row["tx_id"], row["tx_state"]
    before = table.values_in_words(row, "before_")
    has_before = row["before_tx_id"] is not None or row["before_tx_version"] is not None
    if state is None:
        return f"{words} imported"
    if state == 3:
        by = "" if writer == seed else f" by {shown(writer)}"
        return f"{words} committed{by}" + (f", stale image {before}" if has_before else "")
    image = f"before image {before}" if has_before else "no before image"
    return f"{words} {_STATES[int(str(state))]} by {shown(writer)}, {image}"


def decision_words(row: Row | None) -> str:
    """A decision row: its state and, for a group, its members."""
    if row is None:
        return "none"
    words = _STATES[int(str(row["tx_state"]))]
    members = row.get("tx_child_ids")
    return f"{words} of {shown(members)}" if members else words


def listed(records: Sequence[Record]) -> str:
    """Records of a scan: the last column of the key and what they hold."""
    return (
        ", ".join(f"{shown(list(r.key.values())[-1])} {as_record(r)}" for r in records) or "nothing"
    )


def error_words(error: ScalarTxError) -> str:
    """What went wrong, in the words of scripts."""
    match error:
        case ConflictError():
            return f"conflict: {_CONFLICTS.get(error.code, error.code)}"
        case ConditionNotMetError():
            return f"condition not met: {as_record(error.record)}"
        case RecordNotFoundError():
            return "not found"
        case UnknownOutcomeError():
            return "unknown"
        case StorageUnavailableError():
            return f"unavailable {error.code}"
        case InvalidOperationError():
            return f"refused {error.code}"
    return f"{type(error).__name__} {error.code}"
