"""Which reads, and which keys, does the Java server refuse with a number of its own?

The numbers are those of its protocol's description (20.1) and those that its 3.13.6 was seen to
answer. Whatever else does not fit is found by the translation and by the library, and said in their
words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import TYPES
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.model.table import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_tx.model.table import TableSchema

    Columns = Sequence[rpc.Column] | Sequence[rpc.Value]


def check_get(message: rpc.Get, schema: TableSchema) -> None:
    """RefusedError if the key can't be right."""
    shown = shown_as(message, "Get")
    if _is_index_key(message.partition_key, schema):
        _check_index_key(message.partition_key, schema, shown)
    else:
        check_keys(message, schema, shown)


def check_scan(message: rpc.Scan, schema: TableSchema) -> None:
    """RefusedError if limit, key, range or order can't be right."""
    shown = shown_as(message, "Scan")
    if message.limit < 0:
        raise invalid(f"CORE-10005: The limit cannot be negative. Operation: {shown}")
    if not message.HasField("partition_key"):
        return
    if _is_index_key(message.partition_key, schema):
        _check_index_key(message.partition_key, schema, shown)
        return
    _check_partition_key(message.partition_key, schema, shown)
    _check_range(message, schema, shown)
    _check_orderings(message, schema, shown)


def check_projections(message: rpc.Get | rpc.Scan, schema: TableSchema, what: str) -> None:
    """RefusedError if a read without transaction names a column that is not there."""
    for name in message.projections:
        if name not in schema.columns:
            raise invalid(
                "CORE-10009: The specified projection is not found. Projection: "
                f"{name}, Operation: {shown_as(message, what)}"
            )


def check_keys(message: rpc.Get | rpc.Mutation, schema: TableSchema, shown: str) -> None:
    """RefusedError if that can't be the key of a record."""
    _check_partition_key(message.partition_key, schema, shown)
    if not _is_key(sent(message.clustering_key), schema.clustering_key, schema):
        raise invalid(
            f"CORE-10021: The clustering key is not properly specified. Operation: {shown}"
        )


def _check_partition_key(key: rpc.Key, schema: TableSchema, shown: str) -> None:
    if not _is_key(sent(key), schema.partition_key, schema):
        raise invalid(
            f"CORE-10020: The partition key is not properly specified. Operation: {shown}"
        )


def _check_index_key(key: rpc.Key, schema: TableSchema, shown: str) -> None:
    (column,) = sent(key)
    if not fits(column, schema):
        raise invalid(f"CORE-10002: The index key is not properly specified. Operation: {shown}")


def _check_range(message: rpc.Scan, schema: TableSchema, shown: str) -> None:
    start, end = sent(message.start_clustering_key), sent(message.end_clustering_key)
    for number, side, of_side in (("10011", "start", start), ("10012", "end", end)):
        if message.HasField(f"{side}_clustering_key") and not _begins_key(of_side, schema):
            raise invalid(
                f"CORE-{number}: The {side} clustering key is not properly specified. "
                f"Operation: {shown}"
            )
    if start and end:
        leading = [[_content(one) for one in side[:-1]] for side in (start, end)]
        if len(start) != len(end) or leading[0] != leading[1]:
            raise invalid(
                "CORE-10010: The clustering key boundary is not properly specified. "
                f"Operation: {shown}"
            )


def _check_orderings(message: rpc.Scan, schema: TableSchema, shown: str) -> None:
    if any(one.order not in rpc.Order.values() for one in message.orderings):
        raise invalid("The order is unrecognized")
    names = [one.name for one in message.orderings]
    # All as declared, or all the other way round.
    directions = {
        (one.order == rpc.ORDER_DESC) is (schema.clustering_orders.get(one.name) is Order.DESC)
        for one in message.orderings
    }
    if names != list(schema.clustering_key[: len(names)]) or len(directions) > 1:
        raise invalid(f"CORE-10013: Orderings are not properly specified. Operation: {shown}")


def _is_key(given: Columns, names: Sequence[str], schema: TableSchema) -> bool:
    # As the Java server compares them: one after the other.
    return names_of(given) == list(names) and all(fits(one, schema) for one in given)


def _begins_key(given: Columns, schema: TableSchema) -> bool:
    return bool(given) and _is_key(given, schema.clustering_key[: len(given)], schema)


def _is_index_key(key: rpc.Key, schema: TableSchema) -> bool:
    names = names_of(sent(key))
    return len(names) == 1 and names[0] in schema.secondary_index


def fits(column: rpc.Column | rpc.Value, schema: TableSchema) -> bool:
    """Is that a value, no NULL, of the type that the column has?"""
    member = column.WhichOneof("value")
    return member is not None and TYPES[member] is schema.columns.get(column.name)


def _content(column: rpc.Column | rpc.Value) -> object:
    member = column.WhichOneof("value")
    return None if member is None else getattr(column, member)


def sent(key: rpc.Key) -> Columns:
    """The columns of a key, of an old client too."""
    return key.columns or key.value


def names_of(columns: Iterable[rpc.Column] | Iterable[rpc.Value]) -> list[str]:
    """The names of columns."""
    return [one.name for one in columns]


def shown_as(message: rpc.Get | rpc.Scan | rpc.Mutation, what: str) -> str:
    """How an operation stands in a text."""
    return f"{what} of {message.namespace}.{message.table}"
