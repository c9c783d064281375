"""How is a table described on the wire?

The map of columns has no order, which no client relies on. A Java client fails where a clustering
column has no order, so each is sent with its own, the ascending ones too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import member_of
from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Order, TableSchema
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS: Final[Mapping[DataType, rpc.DataType]] = {
    DataType.BOOLEAN: rpc.DATA_TYPE_BOOLEAN,
    DataType.INT: rpc.DATA_TYPE_INT,
    DataType.BIGINT: rpc.DATA_TYPE_BIGINT,
    DataType.FLOAT: rpc.DATA_TYPE_FLOAT,
    DataType.DOUBLE: rpc.DATA_TYPE_DOUBLE,
    DataType.TEXT: rpc.DATA_TYPE_TEXT,
    DataType.BLOB: rpc.DATA_TYPE_BLOB,
}
_TYPES: Final[Mapping[int, DataType]] = {number: kind for kind, number in _NUMBERS.items()}
_ORDERS: Final[Mapping[int, Order]] = {rpc.ORDER_ASC: Order.ASC, rpc.ORDER_DESC: Order.DESC}


def schema_of(message: rpc.TableMetadata) -> TableSchema:
    """The table that a client wants; SchemaError says what does not fit together."""
    keys = [*message.partition_key_names, *message.clustering_key_names]
    others = sorted(set(message.columns) - set(keys))
    columns = {
        name: type_of(message.columns[name]) for name in [*keys, *others] if name in message.columns
    }
    stray = sorted(set(message.clustering_orders) - set(message.clustering_key_names))
    if stray:
        raise SchemaError(
            f"clustering_orders names {', '.join(stray)}, not among the clustering keys",
            advice="Give orders of clustering keys only",
        )
    orders = {
        name: order_of(message.clustering_orders.get(name, rpc.ORDER_ASC))
        for name in message.clustering_key_names
    }
    schema = TableSchema(
        columns,
        list(message.partition_key_names),
        [f"{name} DESC" if orders[name] is Order.DESC else name for name in orders],
        list(message.secondary_index_names),
    )
    if dict(schema.clustering_orders) != orders:
        raise SchemaError(
            f"the clustering keys {', '.join(orders)} have names that can be read as an order",
            advice="Choose names that don't end in ' ASC' or ' DESC'",
        )
    return schema


def metadata_message(schema: TableSchema, table: str) -> rpc.TableMetadata:
    """The table as a client expects it."""
    message = rpc.TableMetadata(
        partition_key_names=schema.partition_key,
        clustering_key_names=schema.clustering_key,
        secondary_index_names=schema.secondary_index,
    )
    for name, data_type in schema.columns.items():
        member_of(data_type, f"{table}.{name}")
        message.columns[name] = _NUMBERS[data_type]
    for name, order in schema.clustering_orders.items():
        message.clustering_orders[name] = rpc.ORDER_DESC if order is Order.DESC else rpc.ORDER_ASC
    return message


def type_of(number: int) -> DataType:
    """The column type of that number; zero, which is also what was left unset, is BOOLEAN."""
    data_type = _TYPES.get(number)
    if data_type is None:
        raise SchemaError(
            f"{number} is no number of a column type",
            advice=f"Use one of {min(_TYPES)} to {max(_TYPES)}",
        )
    return data_type


def order_of(number: int) -> Order:
    """The order of that number."""
    order = _ORDERS.get(number)
    if order is None:
        raise SchemaError(f"{number} is no number of an order", advice="Use 0 (ASC) or 1 (DESC)")
    return order
