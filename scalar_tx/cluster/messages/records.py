"""How do records become a message? Their columns are named once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.messages.values import MalformedError, value_message, value_of
from scalar_tx.cluster.rpc.v1 import values_pb2 as rpc
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence


def records_message(records: Sequence[Record]) -> rpc.Records:
    """The message of records of one read: of one table, with the same columns."""
    if not records:
        return rpc.Records()
    first = records[0]
    key = list(first.key)
    columns = list(first)
    hidden = [name for name in key if name not in first]
    table = first.table
    rows = []
    for record in records:
        values = [value_message(record[name], name) for name in columns]
        if hidden:
            whole = record.key
            values += [value_message(whole[name], name) for name in hidden]
        rows.append(rpc.Row(values=values))
    names = columns + hidden
    return rpc.Records(table=table, names=names, shown=len(columns), key=key, rows=rows)


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
