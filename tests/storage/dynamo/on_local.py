"""Storages, settings and files for tests on DynamoDB Local, whose one store all tests share."""

from __future__ import annotations

import base64
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.storage import DynamoStorage, from_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.servers import Cluster

PREFIX = "scalar.db.dynamo.namespace.prefix"
ENDPOINT = "scalar.db.dynamo.endpoint_override"


def own_properties(cluster: Cluster, **more: str) -> dict[str, str]:
    """The server's properties, with a prefix that nobody else uses."""
    return {
        **cluster.properties(),
        PREFIX: f"t{uuid.uuid4().hex[:8]}_",
        "scalar.db.dynamo.request_timeout_millis": "60000",  # of a busy machine
        **more,
    }


def storage_settings(properties: Mapping[str, str], connections: int = 16) -> StorageSettings:
    """What a properties file would say."""
    return StorageSettings(
        "dynamo",
        (properties["scalar.db.contact_points"],),
        username=properties["scalar.db.username"],
        password=properties["scalar.db.password"],
        connection_pool=ConnectionPoolSettings(max_total=connections),
        properties=properties,
    )


def properties_file(folder: Path, properties: Mapping[str, str]) -> str:
    """A file that holds them."""
    path = folder / "dynamo.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    return str(path)


@contextmanager
def opened(properties: Mapping[str, str]) -> Iterator[DynamoStorage]:
    """A storage, closed afterwards."""
    storage = from_settings(storage_settings(properties))
    try:
        yield storage
    finally:
        run_blocking(storage.close())


def put_item(storage: DynamoStorage, table: str, item: Mapping[str, Any]) -> None:
    """Store an item as it is."""
    request = {"TableName": storage.names.table(table), "Item": dict(item)}
    storage.client.write("put_item", request)


def items(storage: DynamoStorage, table: str) -> list[dict[str, Any]]:
    """All items of a small table, as they are stored."""
    request = {"TableName": storage.names.table(table), "ConsistentRead": True}
    found: list[dict[str, Any]] = storage.client.read("scan", request)["Items"]
    return found


def item_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """An item of the golden file, whose binary values are in base64."""
    return {
        name: {k: base64.b64decode(v) if k == "B" else v for k, v in attribute.items()}
        for name, attribute in stored.items()
    }
