"""How does an operation become a message?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from scalar_tx.cluster.messages.conditions import (
    condition_message,
    condition_of,
    write_condition_of,
)
from scalar_tx.cluster.messages.values import (
    MalformedError,
    check_names,
    columns_message,
    columns_of,
)
from scalar_tx.cluster.rpc.v1 import operations_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.operations import Mutation, Operation

_LARGEST_LIMIT: Final = 2**63 - 1


def operation_message(operation: Operation) -> rpc.Operation:
    """The message of an operation; InvalidOperationError: it holds what none can hold."""
    split_name(operation.table)
    if isinstance(operation, Get):
        return rpc.Operation(get=_get_message(operation))
    if isinstance(operation, Scan):
        return rpc.Operation(scan=scan_message(operation))
    return rpc.Operation(write=_write_message(operation))


def operation_of(message: rpc.Operation) -> Operation:
    """The operation of a message; MalformedError, InvalidOperationError: it is none."""
    kind = message.WhichOneof("kind")
    if kind == "get":
        return _get_of(message.get)
    if kind == "scan":
        return scan_of(message.scan)
    if kind == "write":
        return _write_of(message.write)
    raise MalformedError("an operation is neither get nor scan nor write")


def _get_message(get: Get) -> rpc.Get:
    message = rpc.Get(table=get.table, weak=get.weak)
    if get.key is not None:
        message.key.CopyFrom(columns_message(get.key, "key", get.table))
    if get.index is not None:
        message.index.CopyFrom(columns_message(get.index, "index", get.table))
    _choose(message, get)
    return message


def _choose(message: rpc.Get | rpc.Scan, selection: Get | Scan) -> None:
    if selection.columns is not None:
        message.columns.CopyFrom(_names(selection.columns, selection.table))
    if selection.where is not None:
        message.where.CopyFrom(condition_message(selection.where, selection.table))


def _names(columns: object, table: str) -> values_pb2.Names:
    if not isinstance(columns, list | tuple):
        raise InvalidOperationError(
            f"columns={columns!r:.60} is no list of names",
            advice="Write columns=['name', …]",
            code="STX-3012",
        )
    check_names(columns, table)
    return values_pb2.Names(names=columns)


def _get_of(message: rpc.Get) -> Get:
    return Get(
        message.table,
        columns_of(message.key) if message.HasField("key") else None,
        index=columns_of(message.index) if message.HasField("index") else None,
        columns=list(message.columns.names) if message.HasField("columns") else None,
        where=condition_of(message.where) if message.HasField("where") else None,
        weak=message.weak,
    )


def scan_message(scan: Scan) -> rpc.Scan:
    """The message of a scan."""
    split_name(scan.table)
    message = rpc.Scan(
        table=scan.table,
        whole_table=scan.whole_table,
        start_exclusive=not scan.start_inclusive,
        end_exclusive=not scan.end_inclusive,
        weak=scan.weak,
    )
    for name in ("partition", "index", "start", "end"):
        given = getattr(scan, name)
        if given is not None:
            getattr(message, name).CopyFrom(columns_message(given, name, scan.table))
    if scan.order_by is not None:
        message.order_by.CopyFrom(_names(scan.order_by, scan.table))
    if scan.limit is not None:
        message.limit = min(scan.limit, _LARGEST_LIMIT)
    if scan.after is not None:
        if not isinstance(scan.after, str) or not scan.after.isprintable():
            raise InvalidOperationError(
                f"after={scan.after!r:.60} is no page token",
                advice="Give a scanner's page_token unchanged",
                code="STX-3033",
            )
        message.after = scan.after
    _choose(message, scan)
    return message


def scan_of(message: rpc.Scan) -> Scan:
    """The scan of a message."""

    def given(name: Literal["partition", "index", "start", "end"]) -> Any:
        return columns_of(getattr(message, name)) if message.HasField(name) else None

    return Scan(
        message.table,
        given("partition"),
        index=given("index"),
        whole_table=message.whole_table,
        start=given("start"),
        end=given("end"),
        start_inclusive=not message.start_exclusive,
        end_inclusive=not message.end_exclusive,
        order_by=list(message.order_by.names) if message.HasField("order_by") else None,
        limit=message.limit if message.HasField("limit") else None,
        after=message.after if message.HasField("after") else None,
        columns=list(message.columns.names) if message.HasField("columns") else None,
        where=condition_of(message.where) if message.HasField("where") else None,
        weak=message.weak,
    )


_KINDS: Final[Mapping[type[Mutation], rpc.Write.Kind]] = {
    Insert: rpc.Write.INSERT,
    Upsert: rpc.Write.UPSERT,
    Update: rpc.Write.UPDATE,
    Delete: rpc.Write.DELETE,
    Put: rpc.Write.PUT,
}


def _write_message(mutation: Mutation) -> rpc.Write:
    table = mutation.table
    message = rpc.Write(kind=_KINDS[type(mutation)], table=table)
    if isinstance(mutation, Update | Delete):
        message.key.CopyFrom(columns_message(mutation.key, "key", table))
    if not isinstance(mutation, Delete):
        message.values.CopyFrom(columns_message(mutation.values, "values", table))
    if isinstance(mutation, Update | Delete | Put) and mutation.where is not None:
        message.where.CopyFrom(condition_message(mutation.where, table))
    if isinstance(mutation, Update):
        message.ignore_missing = mutation.missing == "ignore"
    elif isinstance(mutation, Put):
        message.implicit_pre_read = mutation.implicit_pre_read
        message.insert_mode = mutation.insert_mode
    return message


def _write_of(message: rpc.Write) -> Mutation:
    make = _WRITES.get(message.kind)
    if make is None:
        raise MalformedError(f"{message.kind} is no kind of write")
    # What a kind has no use for is refused: a condition that is left out would be a write too many.
    stray = {field.name for field, _ in message.ListFields()} - _FIELDS[message.kind]
    if stray:
        kind = rpc.Write.Kind.Name(message.kind)
        raise MalformedError(f"a write of the kind {kind} has no {', '.join(sorted(stray))}")
    return make(message)


def _update_of(message: rpc.Write) -> Update:
    return Update(
        message.table,
        columns_of(message.key),
        columns_of(message.values),
        where=write_condition_of(message.where) if message.HasField("where") else None,
        missing="ignore" if message.ignore_missing else "error",
    )


def _delete_of(message: rpc.Write) -> Delete:
    where = write_condition_of(message.where) if message.HasField("where") else None
    return Delete(message.table, columns_of(message.key), where=where)


def _put_of(message: rpc.Write) -> Put:
    return Put(
        message.table,
        columns_of(message.values),
        where=write_condition_of(message.where) if message.HasField("where") else None,
        implicit_pre_read=message.implicit_pre_read,
        insert_mode=message.insert_mode,
    )


_WRITES: Final[Mapping[int, Callable[[rpc.Write], Mutation]]] = {
    rpc.Write.INSERT: lambda message: Insert(message.table, columns_of(message.values)),
    rpc.Write.UPSERT: lambda message: Upsert(message.table, columns_of(message.values)),
    rpc.Write.UPDATE: _update_of,
    rpc.Write.DELETE: _delete_of,
    rpc.Write.PUT: _put_of,
}
_OF_ALL: Final = frozenset({"kind", "table"})
_FIELDS: Final[Mapping[int, frozenset[str]]] = {
    rpc.Write.INSERT: _OF_ALL | {"values"},
    rpc.Write.UPSERT: _OF_ALL | {"values"},
    rpc.Write.UPDATE: _OF_ALL | {"key", "values", "where", "ignore_missing"},
    rpc.Write.DELETE: _OF_ALL | {"key", "where"},
    rpc.Write.PUT: _OF_ALL | {"values", "where", "implicit_pre_read", "insert_mode"},
}
