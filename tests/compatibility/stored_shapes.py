"""What does a server itself hold of a table: its definition, its cells?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.servers.plain_clients import (
    cassandra_session,
    dynamodb_client,
    mysql_connection,
    postgresql_connection,
)

if TYPE_CHECKING:
    from tests.servers import Cluster

Rows = list[dict[str, Any]]


def shape(cluster: Cluster, table: str) -> dict[str, Rows]:
    """Whatever defines a table, its name left out; ids and times of the server's own too."""
    namespace, _, name = table.partition(".")
    found = _SHAPES[cluster.kind](cluster, namespace, name)
    return {
        part: sorted(({k: _nameless(v, name) for k, v in row.items()} for row in rows), key=repr)
        for part, rows in found.items()
    }


def _nameless(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value.replace(name, "<table>")
    if isinstance(value, dict):
        return {key: _nameless(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return sorted((_nameless(one, name) for one in value), key=repr)
    return value


def cells(cluster: Cluster, table: str) -> Rows:
    """The rows in the server's own values, whatever their order."""
    namespace, _, name = table.partition(".")
    if cluster.kind == "dynamodb":
        return _items(cluster, table)
    quote = "`" if cluster.kind == "mysql" else '"'
    return _query(cluster, f"SELECT * FROM {quote}{namespace}{quote}.{quote}{name}{quote}")


def _query(cluster: Cluster, text: str) -> Rows:
    node = cluster.nodes[0]
    if cluster.kind == "cassandra":
        with cassandra_session(node.host, node.port) as session:
            return [dict(row._asdict()) for row in session.execute(text)]
    connect = mysql_connection if cluster.kind == "mysql" else postgresql_connection
    with closing(connect(node.port)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(text)
        names = [column[0].lower() for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _items(cluster: Cluster, table: str) -> Rows:
    with closing(dynamodb_client(cluster.nodes[0].endpoint)) as client:
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [dict(item) for page in pages for item in page["Items"]]


def _cassandra(cluster: Cluster, namespace: str, name: str) -> dict[str, Rows]:
    where = f"WHERE keyspace_name = '{namespace}' AND table_name = '{name}'"
    columns = "column_name, clustering_order, kind, position, type"
    options = "compaction, compression, gc_grace_seconds, default_time_to_live, caching"
    return {
        "columns": _query(cluster, f"SELECT {columns} FROM system_schema.columns {where}"),
        "indexes": _query(
            cluster, f"SELECT index_name, kind, options FROM system_schema.indexes {where}"
        ),
        "options": _query(cluster, f"SELECT {options} FROM system_schema.tables {where}"),
    }


_SERVERS_OWN = {
    "TableArn",
    "TableId",
    "TableSizeBytes",
    "CreationDateTime",
    "ItemCount",
    "IndexArn",
    "IndexSizeBytes",
}


def _dynamodb(cluster: Cluster, namespace: str, name: str) -> dict[str, Rows]:
    with closing(dynamodb_client(cluster.nodes[0].endpoint)) as client:
        described = client.describe_table(TableName=f"{namespace}.{name}")["Table"]
    for one in (described, *described.get("GlobalSecondaryIndexes", ())):
        for key in _SERVERS_OWN & one.keys():
            del one[key]
        throughput = one["ProvisionedThroughput"]
        one["ProvisionedThroughput"] = [
            throughput["ReadCapacityUnits"],
            throughput["WriteCapacityUnits"],
        ]
    metadata = _items(cluster, "scalardb.metadata")
    mine = [item for item in metadata if item["table"] == {"S": f"{namespace}.{name}"}]
    return {"table": [described], "metadata": mine}


def _sql(cluster: Cluster, namespace: str, name: str) -> dict[str, Rows]:
    where = f"WHERE table_schema = '{namespace}' AND table_name = '{name}'"
    columns = _query(
        cluster,
        "SELECT column_name, data_type, is_nullable, character_maximum_length, numeric_precision, "
        f"datetime_precision, column_default FROM information_schema.columns {where}",
    )
    metadata = _query(
        cluster, f"SELECT * FROM scalardb.metadata WHERE full_table_name = '{namespace}.{name}'"
    )
    # The numbers of before columns mean nothing, and follow the order of a hash in Java.
    for row in metadata:
        if str(row["column_name"]).startswith("before_"):
            row["ordinal_position"] = None
    if cluster.kind == "mysql":
        indexes = _query(
            cluster,
            "SELECT index_name, seq_in_index, column_name, collation, non_unique "
            f"FROM information_schema.statistics {where}",
        )
    else:
        indexes = _query(
            cluster,
            "SELECT indexdef FROM pg_indexes "
            f"WHERE schemaname = '{namespace}' AND tablename = '{name}'",
        )
    return {"columns": columns, "metadata": metadata, "indexes": indexes}


_SHAPES = {"cassandra": _cassandra, "dynamodb": _dynamodb, "mysql": _sql, "postgresql": _sql}
