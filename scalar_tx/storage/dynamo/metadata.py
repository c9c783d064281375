"""How does the metadata table describe a table, and what makes one? (Storage spec. 4.1, 4.3)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.dynamo.codec import attribute_kind
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.names import Names

HASH_KEY: Final = "table"


def metadata_item(table: Table, names: Names) -> Item:
    """The item that describes a table; what is empty is left out."""
    schema = table.schema
    item: Item = {
        HASH_KEY: {"S": names.table(table.name)},
        "columns": {"M": {n: {"S": t.value.lower()} for n, t in schema.columns.items()}},
        "partitionKey": {"L": [{"S": name} for name in schema.partition_key]},
    }
    if schema.clustering_key:
        orders = schema.clustering_orders
        item["clusteringKey"] = {"L": [{"S": name} for name in schema.clustering_key]}
        item["clusteringOrders"] = {"M": {n: {"S": order.value} for n, order in orders.items()}}
    if schema.secondary_index:
        item["secondaryIndex"] = {"SS": sorted(schema.secondary_index)}
    return item


def table_from_item(name: str, item: Mapping[str, Any]) -> Table:
    """The table that an item describes; SchemaError if it is no such item."""
    try:
        columns = {n: DataType.parse(t["S"]) for n, t in item["columns"]["M"].items()}
        partition = [one["S"] for one in item["partitionKey"]["L"]]
        orders = item.get("clusteringOrders", {}).get("M", {})
        clustering = [
            f"{one['S']} {orders.get(one['S'], {}).get('S', 'ASC')}"
            for one in item.get("clusteringKey", {}).get("L", [])
        ]
        indexes = sorted(item.get("secondaryIndex", {}).get("SS", []))
        return Table(name, TableSchema(columns, partition, clustering, indexes))
    except (KeyError, TypeError, AttributeError, SchemaError) as error:
        raise SchemaError(
            f"the metadata of {name} in DynamoDB can't be read: {error}",
            advice="Repair the table with the schema loader",
            code="STX-3605",
        ) from error


def metadata_table_request(names: Names) -> dict[str, Any]:
    """What makes the metadata table."""
    return {
        "TableName": names.metadata,
        "AttributeDefinitions": [{"AttributeName": HASH_KEY, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": HASH_KEY, "KeyType": "HASH"}],
        "ProvisionedThroughput": _throughput(1),
    }


def create_request(table: Table, names: Names, units: int) -> dict[str, Any]:
    """What makes a table with its indexes."""
    schema = table.schema
    keys = [(PARTITION_KEY, "HASH")]
    if schema.clustering_key:
        keys.append((CLUSTERING_KEY, "RANGE"))
    request: dict[str, Any] = {
        "TableName": names.table(table.name),
        "AttributeDefinitions": [
            *({"AttributeName": name, "AttributeType": "B"} for name, _ in keys),
            *(_definition(table, column) for column in schema.secondary_index),
        ],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "ProvisionedThroughput": _throughput(units),
    }
    if schema.secondary_index:
        request["GlobalSecondaryIndexes"] = [
            _index(table, names, column, units) for column in schema.secondary_index
        ]
    return request


def create_index_request(table: Table, names: Names, column: str, units: int) -> dict[str, Any]:
    """What adds an index to a table."""
    return {
        "TableName": names.table(table.name),
        "AttributeDefinitions": [_definition(table, column)],
        "GlobalSecondaryIndexUpdates": [{"Create": _index(table, names, column, units)}],
    }


def drop_index_request(table: Table, names: Names, column: str) -> dict[str, Any]:
    """What removes an index."""
    name = names.index(table.name, column)
    return {
        "TableName": names.table(table.name),
        "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}],
    }


def _definition(table: Table, column: str) -> dict[str, str]:
    kind = attribute_kind(table.schema.columns[column])
    return {"AttributeName": column, "AttributeType": kind}


def _index(table: Table, names: Names, column: str, units: int) -> dict[str, Any]:
    return {
        "IndexName": names.index(table.name, column),
        "KeySchema": [{"AttributeName": column, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": _throughput(units),
    }


def _throughput(units: int) -> dict[str, int]:
    return {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
