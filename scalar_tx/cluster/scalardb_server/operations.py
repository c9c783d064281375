"""What does a client ask for? Its messages as the operations that ``scalar_tx.model`` knows.

A client does not say which kind of read it wants: an index read and a read of a partition look
alike, and only the table's indexes tell which is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import column_of, columns_of, old_column_of
from scalar_tx.cluster.scalardb_server.metadata import order_of
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import (
    And,
    Comparison,
    Condition,
    Existence,
    Operator,
    if_exists,
    if_not_exists,
)
from scalar_tx.model.operations import Delete, Get, Put, Scan
from scalar_tx.model.table import Order, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Row

_OPERATORS: Final[Mapping[int, Operator]] = {
    rpc.ConditionalExpression.EQ: Operator.EQ,
    rpc.ConditionalExpression.NE: Operator.NE,
    rpc.ConditionalExpression.GT: Operator.GT,
    rpc.ConditionalExpression.GTE: Operator.GE,
    rpc.ConditionalExpression.LT: Operator.LT,
    rpc.ConditionalExpression.LTE: Operator.LE,
    rpc.ConditionalExpression.IS_NULL: Operator.IS_NULL,
    rpc.ConditionalExpression.IS_NOT_NULL: Operator.IS_NOT_NULL,
}

# (condition, is it on a put?) -> what it says of the record; None: it compares columns
_CONDITIONS: Final[Mapping[tuple[int, bool], Existence | None]] = {
    (rpc.MutateCondition.PUT_IF, True): None,
    (rpc.MutateCondition.PUT_IF_EXISTS, True): if_exists,
    (rpc.MutateCondition.PUT_IF_NOT_EXISTS, True): if_not_exists,
    (rpc.MutateCondition.DELETE_IF, False): None,
    (rpc.MutateCondition.DELETE_IF_EXISTS, False): if_exists,
}


def table_of(message: rpc.Get | rpc.Scan | rpc.Mutation) -> str:
    """The full name of the table that a message is about."""
    name = f"{message.namespace}.{message.table}"
    split_name(name)
    return name


def is_from_old_client(message: rpc.Get | rpc.Scan) -> bool:
    """Must the results be such as clients before 3.6 read?"""
    return bool(message.partition_key.value) and not message.partition_key.columns


def get_of(message: rpc.Get, schema: TableSchema) -> Get:
    """The read of one record; a clustering key beside an index value is ignored."""
    table = table_of(message)
    partition = _values(message.partition_key, schema, table)
    columns = list(message.projections) or None
    if _is_index_value(partition, schema):
        return Get(table, index=partition, columns=columns)
    return Get(table, _primary_key(message, schema, table), columns=columns)


def scan_of(message: rpc.Scan, schema: TableSchema) -> Scan:
    """The read of several records; range and order are ignored but of one partition."""
    table = table_of(message)
    common: dict[str, Any] = {
        "columns": list(message.projections) or None,
        "limit": message.limit or None,
    }
    if not message.HasField("partition_key"):
        return Scan(table, whole_table=True, **common)
    partition = _values(message.partition_key, schema, table)
    if _is_index_value(partition, schema):
        return Scan(table, index=partition, **common)
    for side in ("start", "end"):
        if message.HasField(f"{side}_clustering_key"):
            common[side] = _values(getattr(message, f"{side}_clustering_key"), schema, table)
            common[f"{side}_inclusive"] = getattr(message, f"{side}_inclusive")
    if message.orderings:
        common["order_by"] = [_ordering(item, schema, table) for item in message.orderings]
    return Scan(table, _complete(partition, schema.partition_key, "partition key", table), **common)


def mutation_of(message: rpc.Mutation, schema: TableSchema) -> Put | Delete:
    """The write; whatever is not a put is a delete."""
    table = table_of(message)
    is_put = message.type == rpc.Mutation.PUT
    key = _primary_key(message, schema, table)
    where = (
        _where(message.condition, schema, table, is_put=is_put)
        if message.HasField("condition")
        else None
    )
    if not is_put:
        return Delete(table, key, where=where)
    values = columns_of(message.columns, message.value, schema, table)
    twice = [name for name in values if name in schema.primary_key]
    if twice:
        raise InvalidOperationError(
            f"{', '.join(twice)} of {table} is part of the primary key and can't be changed",
            advice="Send the key's columns in the keys only",
            code="STX-3014",
        )
    return Put(
        table, key | values, where=where, implicit_pre_read=message.implicit_pre_read_enabled
    )


def _values(key: rpc.Key, schema: TableSchema, table: str) -> Row:
    return columns_of(key.columns, key.value, schema, table)


def _is_index_value(partition: Row, schema: TableSchema) -> bool:
    return len(partition) == 1 and next(iter(partition)) in schema.secondary_index


def _primary_key(message: rpc.Get | rpc.Mutation, schema: TableSchema, table: str) -> Row:
    partition = _values(message.partition_key, schema, table)
    clustering = _values(message.clustering_key, schema, table)
    return _complete(partition, schema.partition_key, "partition key", table) | _complete(
        clustering, schema.clustering_key, "clustering key", table
    )


def _complete(given: Row, names: Sequence[str], what: str, table: str) -> Row:
    """Refuse a key of other columns than the table's; joined, the two would look right."""
    if set(given) != set(names):
        raise InvalidOperationError(
            f"the {what} of {table} is given as {', '.join(given) or 'nothing'}",
            advice=f"It is made of {', '.join(names) or 'no column'}",
            code="STX-3014",
        )
    return given


def _ordering(message: rpc.Ordering, schema: TableSchema, table: str) -> str:
    if order_of(message.order) is Order.ASC:
        return message.name
    descending = f"-{message.name}"
    if descending in schema.columns:
        raise InvalidOperationError(
            f"{table} has a column {descending!r} too, so an order by {message.name!r} "
            "descending can't be told from an ascending one by that",
            advice="Read in ascending order",
            code="STX-3032",
        )
    return descending


def _where(
    message: rpc.MutateCondition, schema: TableSchema, table: str, *, is_put: bool
) -> Condition | Existence:
    try:
        existence = _CONDITIONS[message.type, is_put]
    except KeyError:
        write = "put" if is_put else "delete"
        raise InvalidOperationError(
            f"a {write} of {table} has the condition number {message.type}, which is not for it",
            advice=f"Give a {write} its own conditions",
            code="STX-3020",
        ) from None
    if existence is not None:
        return existence
    terms = tuple(_comparison(item, schema, table) for item in message.expressions)
    if not terms:
        raise InvalidOperationError(
            f"a condition on {table} compares nothing",
            advice="Give at least one expression, or ask for the record's existence",
            code="STX-3020",
        )
    return terms[0] if len(terms) == 1 else And(terms)


def _comparison(message: rpc.ConditionalExpression, schema: TableSchema, table: str) -> Comparison:
    sign = _OPERATORS.get(message.operator)
    if sign is None:
        raise InvalidOperationError(
            f"a condition on {table} has the operator number {message.operator}",
            advice=f"Use one of {min(_OPERATORS)} to {max(_OPERATORS)}",
            code="STX-3020",
        )
    if message.HasField("column"):
        name, value = column_of(message.column, schema, table)
    else:
        named = rpc.Value()
        named.CopyFrom(message.value)
        named.name = message.name
        name, value = old_column_of(named, schema, table)
    if sign in (Operator.IS_NULL, Operator.IS_NOT_NULL):
        return Comparison(name, sign)
    if value is None:
        raise InvalidOperationError(
            f"a condition compares {table}.{name} {sign.value} NULL, which is never true",
            advice="Ask with IS_NULL or IS_NOT_NULL",
            code="STX-3020",
        )
    return Comparison(name, sign, value)
