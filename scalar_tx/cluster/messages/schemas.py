"""How does a table's schema become a message?"""

from __future__ import annotations

from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.rpc.v1 import administration_pb2 as rpc
from scalar_tx.model.table import TableSchema


def schema_message(schema: TableSchema) -> rpc.Schema:
    """The message of a schema."""
    orders = schema.clustering_orders
    return rpc.Schema(
        columns=[
            rpc.ColumnType(name=name, data_type=data_type.value)
            for name, data_type in schema.columns.items()
        ],
        partition_key=schema.partition_key,
        clustering_key=[f"{name} {orders[name].value}" for name in schema.clustering_key],
        secondary_index=schema.secondary_index,
    )


def schema_of(message: rpc.Schema) -> TableSchema:
    """The schema of a message; SchemaError: its parts do not fit together."""
    columns = {one.name: one.data_type for one in message.columns}
    if len(columns) != len(message.columns):
        raise MalformedError("a column stands twice in a schema")
    return TableSchema(
        columns,
        list(message.partition_key),
        list(message.clustering_key),
        list(message.secondary_index),
    )
