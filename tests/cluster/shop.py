"""What table do the messages of these tests speak of, and how are its keys written?"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import column_message, old_column_message
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import INT64_MAX, INT64_MIN, INT_MAX, INT_MIN, DataType, Value

SCHEMA = TableSchema(
    columns={
        "owner": "TEXT",
        "at": "BIGINT",
        "kind": "INT",
        "paid": "BOOLEAN",
        "size": "INT",
        "total": "BIGINT",
        "share": "FLOAT",
        "exact": "DOUBLE",
        "note": "TEXT",
        "scan": "BLOB",
    },
    partition_key=["owner"],
    clustering_key=["at DESC", "kind"],
    secondary_index=["note"],
)
TABLE = "shop.orders"
NAME: dict[str, Any] = {"namespace": "shop", "table": "orders"}

COLUMN_OF_TYPE = {
    DataType.BOOLEAN: "paid",
    DataType.INT: "size",
    DataType.BIGINT: "total",
    DataType.FLOAT: "share",
    DataType.DOUBLE: "exact",
    DataType.TEXT: "note",
    DataType.BLOB: "scan",
}
ZEROES: dict[DataType, Value] = {
    DataType.BOOLEAN: False,
    DataType.INT: 0,
    DataType.BIGINT: 0,
    DataType.FLOAT: 0.0,
    DataType.DOUBLE: 0.0,
    DataType.TEXT: "",
    DataType.BLOB: b"",
}
VALUES: dict[DataType, st.SearchStrategy[Value]] = {
    DataType.BOOLEAN: st.booleans(),
    DataType.INT: st.integers(INT_MIN, INT_MAX),
    DataType.BIGINT: st.integers(INT64_MIN, INT64_MAX),
    DataType.FLOAT: st.floats(width=32, allow_nan=False),
    DataType.DOUBLE: st.floats(allow_nan=False),
    DataType.TEXT: st.text(st.characters(exclude_categories=["Cs"])),
    DataType.BLOB: st.binary(),
}


def key(**values: Value) -> rpc.Key:
    return rpc.Key(
        columns=[column_message(n, v, SCHEMA.columns[n], TABLE) for n, v in values.items()]
    )


def old_key(**values: Value) -> rpc.Key:
    return rpc.Key(
        value=[old_column_message(n, v, SCHEMA.columns[n], TABLE) for n, v in values.items()]
    )
