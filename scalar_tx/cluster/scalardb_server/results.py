"""What does a client get to see of a record?

Each column that was read stands in the result once: a Java client refuses a second of the same
name. Their order means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.columns import column_message, old_column_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Value


def result_message(
    record: Mapping[str, Value], schema: TableSchema, table: str, *, old: bool = False
) -> rpc.Result:
    """The record as a message; ``old`` is for clients before 3.6 (``is_from_old_client``)."""
    kinds = schema.columns
    if old:
        values = [old_column_message(name, v, kinds[name], table) for name, v in record.items()]
        return rpc.Result(value=values)
    columns = [column_message(name, v, kinds[name], table) for name, v in record.items()]
    return rpc.Result(columns=columns)
