"""What is peculiar to DynamoDB, on DynamoDB Local? Batches, wrong keys, the doctor."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import SchemaError, WriteRefusedError
from scalar_tx.model.conditions import if_exists
from scalar_tx.model.finding import Verdict
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.doctor import examine
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY
from scalar_tx.storage.dynamo.storage import DynamoStorage, from_settings
from scalar_tx.storage.interface import PartitionSource, ScanRequest, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Cluster

UP = Table("own.up", TableSchema({"p": "INT", "c": "INT", "n": "INT"}, ["p"], ["c ASC"]))
DOWN = Table("own.down", TableSchema({"p": "INT", "c": "INT", "n": "INT"}, ["p"], ["c DESC"]))


@pytest.fixture
def settings(dynamodb_server: Cluster) -> StorageSettings:
    known = dynamodb_server.properties()
    known["scalar.db.dynamo.namespace.prefix"] = f"t{uuid.uuid4().hex[:8]}_"
    return StorageSettings(
        "dynamo",
        (known["scalar.db.contact_points"],),
        username=known["scalar.db.username"],
        password=known["scalar.db.password"],
        properties=known,
    )


@pytest.fixture
def storage(settings: StorageSettings) -> Iterator[DynamoStorage]:
    storage = from_settings(settings)
    for table in (UP, DOWN):
        run_blocking(storage.admin.create_table(table))
    yield storage
    for table in (UP, DOWN):
        run_blocking(storage.admin.drop_table(table.name))
    run_blocking(storage.close())


def test_a_batch_encodes_each_key_by_its_own_table(storage: DynamoStorage) -> None:
    run_blocking(storage.mutate([Write(UP, (1, 5), {"n": 1}), Write(DOWN, (1, 5), {"n": 2})]))
    places = {}
    for table in (UP, DOWN):
        physical = storage.names.table(table.name)
        (item,) = storage.client.read("scan", {"TableName": physical})["Items"]
        places[table.name] = item[CLUSTERING_KEY]["B"].hex()
        assert run_blocking(storage.get(table, (1, 5))) is not None
    assert places == {"own.up": "80000005", "own.down": "7ffffffa"}


def test_a_refused_batch_names_its_records(storage: DynamoStorage) -> None:
    group = [Write(UP, (1, 5), {"n": 1}), Write(DOWN, (1, 6), {"n": 2}, if_exists)]
    with pytest.raises(WriteRefusedError, match=r"own\.down \(1, 6\)") as caught:
        run_blocking(storage.mutate(group))
    assert "own.up" not in str(caught.value)


def test_the_longest_keys(storage: DynamoStorage) -> None:
    table = Table(
        "own.long", TableSchema({"p": "TEXT", "c": "TEXT", "n": "INT"}, ["p"], ["c DESC"])
    )
    run_blocking(storage.admin.create_table(table))
    key = ("x" * 2047, "y" * 1023)
    run_blocking(storage.mutate([Write(table, key, {"n": 1})]))
    row = {"p": key[0], "c": key[1], "n": 1}
    assert run_blocking(storage.get(table, key)) == row
    pages = storage.scan(ScanRequest(table, PartitionSource(key[:1])))
    assert run_blocking(pages.next_page()) == [row]
    run_blocking(storage.admin.drop_table(table.name))


def test_a_misplaced_record_is_noticed(storage: DynamoStorage) -> None:
    """What the Java library leaves: the key of a DESC table, encoded as ASC."""
    item: dict[str, Any] = {
        PARTITION_KEY: {"B": bytes.fromhex("80000001")},
        CLUSTERING_KEY: {"B": bytes.fromhex("80000005")},
        "p": {"N": "1"},
        "c": {"N": "5"},
        "n": {"N": "7"},
    }
    storage.client.write("put_item", {"TableName": storage.names.table(DOWN.name), "Item": item})
    assert run_blocking(storage.get(DOWN, (1, 5))) is None
    with pytest.raises(SchemaError) as caught:
        run_blocking(storage.scan(ScanRequest(DOWN, PartitionSource((1,)))).next_page())
    assert caught.value.code == "STX-3607"


def test_the_doctor(settings: StorageSettings, storage: DynamoStorage) -> None:
    found = examine(settings)
    assert found.clock_ahead_ms is not None
    assert abs(found.clock_ahead_ms) < 3000
    subjects = {one.subject: one for one in found.findings}
    assert subjects["server"].verdict is Verdict.GOOD
    assert subjects["metadata"].verdict is Verdict.GOOD
    assert "DynamoDB Local" in subjects["backups"].text


def test_the_doctor_finds_tables_behind_those_of_others(
    settings: StorageSettings, storage: DynamoStorage
) -> None:
    others = [f"a{uuid.uuid4().hex[:8]}.t{number}" for number in range(101)]
    for name in others:  # a page of names has 100
        made = {
            "TableName": name,
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        storage.client.write("create_table", made)
    try:
        subjects = {one.subject: one for one in examine(settings).findings}
    finally:
        for name in others:
            storage.client.write("delete_table", {"TableName": name})
    assert "DynamoDB Local" in subjects["backups"].text


def test_the_doctor_where_nobody_is(settings: StorageSettings) -> None:
    nowhere = {**settings.properties, "scalar.db.dynamo.endpoint_override": "http://127.0.0.1:1"}
    (finding,) = examine(replace(settings, properties=nowhere)).findings
    assert finding.verdict is Verdict.BAD
    assert finding.advice is not None
