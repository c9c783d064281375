"""Which requests does the Java server refuse with a number of its own?

Only those that its protocol's description lists (20.1). Whatever else does not fit is found by the
translation and by the library, and said in their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from scalar_tx.model.table import TableSchema


def check_get(message: rpc.Get, schema: TableSchema) -> None:
    """RefusedError if the key can't be right."""
    if not _is_index_key(message.partition_key, schema):
        _check_partition_key(message.partition_key, schema, _shown(message, "Get"))
        _check_clustering_key(message.clustering_key, schema, _shown(message, "Get"))


def check_scan(message: rpc.Scan, schema: TableSchema) -> None:
    """RefusedError if limit or key can't be right."""
    shown = _shown(message, "Scan")
    if message.limit < 0:
        raise invalid(f"CORE-10005: The limit cannot be negative. Operation: {shown}")
    if message.HasField("partition_key") and not _is_index_key(message.partition_key, schema):
        _check_partition_key(message.partition_key, schema, shown)


def check_mutation(message: rpc.Mutation, schema: TableSchema) -> None:
    """RefusedError if the key can't be right."""
    shown = _shown(message, "Put" if message.type == rpc.Mutation.PUT else "Delete")
    _check_partition_key(message.partition_key, schema, shown)
    _check_clustering_key(message.clustering_key, schema, shown)


def check_mutations(messages: Sequence[rpc.Mutation]) -> None:
    """RefusedError if there is nothing to do."""
    if not messages:
        raise invalid("CORE-10018: The mutations are empty")


def check_written_columns(message: rpc.Mutation, technical: Collection[str]) -> None:
    """RefusedError if a put in a transaction names a column that is kept for transactions."""
    for name in (*_names_of(message.columns), *_names_of(message.value)):
        if name in technical:
            raise invalid(
                "CORE-10097: Mutating transaction metadata columns is not allowed. Table: "
                f"{message.namespace}.{message.table}; Column: {name}"
            )


def check_projections(message: rpc.Get | rpc.Scan, schema: TableSchema, what: str) -> None:
    """RefusedError if a read without transaction names a column that is not there."""
    for name in message.projections:
        if name not in schema.columns:
            raise invalid(
                "CORE-10009: The specified projection is not found. Projection: "
                f"{name}, Operation: {_shown(message, what)}"
            )


def _check_partition_key(key: rpc.Key, schema: TableSchema, shown: str) -> None:
    if _names(key) != list(schema.partition_key):
        raise invalid(
            f"CORE-10020: The partition key is not properly specified. Operation: {shown}"
        )


def _check_clustering_key(key: rpc.Key, schema: TableSchema, shown: str) -> None:
    if _names(key) != list(schema.clustering_key):
        raise invalid(
            f"CORE-10021: The clustering key is not properly specified. Operation: {shown}"
        )


def _is_index_key(key: rpc.Key, schema: TableSchema) -> bool:
    names = _names(key)
    return len(names) == 1 and names[0] in schema.secondary_index


def _names(key: rpc.Key) -> list[str]:
    return _names_of(key.columns) or _names_of(key.value)


def _names_of(columns: Iterable[rpc.Column] | Iterable[rpc.Value]) -> list[str]:
    return [one.name for one in columns]


def _shown(message: rpc.Get | rpc.Scan | rpc.Mutation, what: str) -> str:
    return f"{what} of {message.namespace}.{message.table}"
