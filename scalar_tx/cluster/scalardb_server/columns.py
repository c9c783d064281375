"""What value does a column on the wire hold, and what does a value look like there?

A message says of a value which type it has, and of a NULL nothing: its type is known from the
table. Clients before 3.6 send and expect ``Value``, all others ``Column``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.types import DataType, Row, Value, checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.model.table import TableSchema

# member of the oneof, in Column and in Value -> the type that it is for
TYPES: Final[Mapping[str, DataType]] = {
    "boolean_value": DataType.BOOLEAN,
    "int_value": DataType.INT,
    "bigint_value": DataType.BIGINT,
    "float_value": DataType.FLOAT,
    "double_value": DataType.DOUBLE,
    "text_value": DataType.TEXT,
    "blob_value": DataType.BLOB,
}
_MEMBERS: Final[Mapping[DataType, str]] = {kind: member for member, kind in TYPES.items()}
_WITH_A_NULL_OF_THEIR_OWN: Final = ("text_value", "blob_value")


def columns_of(
    columns: Iterable[rpc.Column], old: Iterable[rpc.Value], schema: TableSchema, table: str
) -> Row:
    """The values of a list of columns, or of the ``old`` list where the client sent only that."""
    found: Row = {}
    for name, value in [column_of(column, schema, table) for column in columns] or [
        old_column_of(column, schema, table) for column in old
    ]:
        if name in found:
            raise InvalidOperationError(
                f"{table}.{name} is there twice in one request",
                advice="Send each column once",
                code="STX-3014",
            )
        found[name] = value
    return found


def column_of(message: rpc.Column, schema: TableSchema, table: str) -> tuple[str, Value]:
    """A column's name and value; a message without a value is a NULL."""
    member = message.WhichOneof("value")
    _check_type(message.name, member, schema, table)
    return message.name, None if member is None else getattr(message, member)


def old_column_of(message: rpc.Value, schema: TableSchema, table: str) -> tuple[str, Value]:
    """The same of a client before 3.6, whose only NULLs are of TEXT and BLOB."""
    member = message.WhichOneof("value")
    _check_type(message.name, member, schema, table)
    if member is None:
        raise InvalidOperationError(
            f"the request has no value for {table}.{message.name}",
            advice="Send a value; a NULL of TEXT or BLOB is an empty text_value or blob_value",
            code="STX-3010",
        )
    value = getattr(message, member)
    if member in _WITH_A_NULL_OF_THEIR_OWN:
        value = value.value if value.HasField("value") else None
    return message.name, value


def _check_type(name: str, member: str | None, schema: TableSchema, table: str) -> None:
    data_type = schema.columns.get(name)
    if data_type is None:
        raise InvalidOperationError(
            f"{table} has no column {name!r}",
            advice=f"Its columns are {', '.join(schema.columns)}",
            code="STX-3012",
        )
    if member is not None and TYPES[member] is not data_type:
        raise InvalidOperationError(
            f"{table}.{name} is {data_type.value}, and the request has a value of the type "
            f"{TYPES[member].value} for it",
            advice=f"Send a value of the type {data_type.value}",
            code="STX-3010",
        )


def column_message(name: str, value: Value, data_type: DataType, table: str) -> rpc.Column:
    """A column as clients from 3.6 on expect it."""
    member = member_of(data_type, f"{table}.{name}")
    message = rpc.Column(name=name)
    if value is not None:
        setattr(message, member, _sendable(name, value, data_type, table))
    return message


def old_column_message(name: str, value: Value, data_type: DataType, table: str) -> rpc.Value:
    """A column as clients before 3.6 expect it, to whom most NULLs can't be told."""
    member = member_of(data_type, f"{table}.{name}")
    message = rpc.Value(name=name)
    if member in _WITH_A_NULL_OF_THEIR_OWN:
        getattr(message, member).SetInParent()
        if value is not None:
            getattr(message, member).value = _sendable(name, value, data_type, table)
    elif value is None:
        raise InvalidOperationError(
            f"{table}.{name} is NULL, which a client of ScalarDB before 3.6 can't be told of "
            f"a column of the type {data_type.value}",
            advice="Use a client of ScalarDB 3.6 to 3.13, or leave the column out of the "
            "projections",
        )
    else:
        setattr(message, member, _sendable(name, value, data_type, table))
    return message


def _sendable(name: str, value: Value, data_type: DataType, table: str) -> Value:
    # A BIGINT may be any that the table holds; a FLOAT must be what a client will compare with.
    return checked(value, data_type, f"{table}.{name}", wide_bigint=True)


def member_of(data_type: DataType, place: str) -> str:
    """Where messages hold values of a type; dates and times have no place in this protocol."""
    member = _MEMBERS.get(data_type)
    if member is None:
        raise InvalidOperationError(
            f"{place} is {data_type.value}, a type that ScalarDB has had since 3.14 and its "
            "server's protocol never had",
            advice="Leave the table to clients that know the type",
        )
    return member
