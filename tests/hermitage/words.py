"""What does a storage call do, and what did it find, in words?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.storage.interface import Erase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import ScanRequest, StorageMutation

_STATES: Final = {1: "prepared", 2: "deleted", 3: "committed", 4: "aborted"}


def place(table: Table, key: tuple[Value, ...]) -> str:
    """A record: its table and the last column of its key."""
    return f"{table.short_name}/{_bare(key[-1])}"


def page_in_words(request: ScanRequest) -> str:
    """A page of a scan."""
    return f"scan {request.table.short_name}"


def mutations_in_words(mutations: Sequence[StorageMutation]) -> str:
    """What is written, record by record."""
    return ", ".join(map(_mutation, mutations))


def _mutation(mutation: StorageMutation) -> str:
    where = place(mutation.table, mutation.key)
    if isinstance(mutation, Erase):
        return f"erase {where}"
    values = mutation.values
    state = _STATES[int(str(values["tx_state"]))]
    if mutation.table.short_name == "state":
        return f"decide {_bare(mutation.key[-1])} {state}"
    if state in {"prepared", "deleted"}:
        return f"prepare {where}={_bare(values.get('value', 'gone'))}"
    return f"roll {'back' if 'tx_id' in values else 'forward'} {where}"


def reply_in_words(value: Any, error: Exception | None) -> str:
    """What came back."""
    if error is not None:
        return type(error).__name__
    if isinstance(value, list):
        return ", ".join(map(_row, value))
    return "nothing" if value is None else _row(value)


def _row(row: Mapping[str, Value]) -> str:
    state = _STATES[int(str(row["tx_state"]))]
    if "id" not in row:
        return state
    record = f"{_bare(row['id'])}={_bare(row['value'])} {state} by {_bare(row['tx_id'])}"
    return record if state == "committed" else f"{record} over {_bare(row['before_value'])}"


def _bare(value: Value) -> str:
    return value if isinstance(value, str) else repr(value)
