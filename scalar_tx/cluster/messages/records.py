"""How do records become a message? Their columns are named once.

They are written where they are sent from: a message that is put into another is copied, and records
may be megabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.messages.values import MalformedError, put_value, value_of
from scalar_tx.cluster.rpc.v1 import values_pb2 as rpc
from scalar_tx.cluster.turns import at_once
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

_PIECE: Final = 2**16  # bytes of values, or as many values as are written in the same time
_VALUE: Final = 256  # bytes that are written in the time that a value takes


def records_message(records: Sequence[Record]) -> rpc.Records:
    """The message of records of one read: of one table, with the same columns."""
    message = rpc.Records()
    put_records(message, records)
    return message


def put_records(message: rpc.Records, records: Sequence[Record]) -> None:
    """Make an empty message that of records."""
    at_once(putting_records(message, records))


def putting_records(message: rpc.Records, records: Sequence[Record]) -> Generator[None, None, None]:
    """The same in pieces."""
    if not records:
        return
    first = records[0]
    key = list(first.key)
    columns = list(first)
    hidden = [name for name in key if name not in first]
    message.table = first.table
    message.names.extend(columns + hidden)
    message.shown = len(columns)
    message.key.extend(key)
    rows, written = message.rows, 0
    for record in records:
        values = rows.add().values
        for name in columns:
            value = record[name]
            put_value(values.add(), value, name)
            written += len(value) + _VALUE if isinstance(value, str | bytes) else _VALUE
        if hidden:
            whole = record.key
            for name in hidden:
                put_value(values.add(), whole[name], name)
        if written >= _PIECE:
            written = 0
            yield


def records_of(message: rpc.Records) -> list[Record]:
    """The records of a message; MalformedError: they do not fit its names."""
    names = list(message.names)
    shown, key, table = names[: message.shown], list(message.key), message.table
    found = []
    for row in message.rows:
        if len(row.values) != len(names):
            raise MalformedError(f"a row has {len(row.values)} values for {len(names)} columns")
        whole = dict(zip(names, map(value_of, row.values), strict=True))
        found.append(Record.from_row(table, key, shown, whole))
    return found
