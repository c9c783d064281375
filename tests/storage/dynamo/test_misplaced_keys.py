"""Does ``doctor --keys`` find what Java stores under another table's key bytes, and mend it?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import InvalidOperationError, StorageBusyError, WriteRefusedError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY, Keys
from scalar_tx.storage.dynamo.misplaced import look_at_keys
from scalar_tx.storage.interface import Write
from tests.cli.stage import command
from tests.golden.cells import described_table, golden, logical_row
from tests.storage.dynamo.on_local import (
    item_of,
    items,
    opened,
    own_properties,
    properties_file,
    put_item,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.model.misplaced import MisplacedRecord
    from scalar_tx.model.types import Row
    from scalar_tx.storage.dynamo.storage import DynamoStorage
    from tests.servers import Cluster

GOLDEN = golden("dynamodb")["tables"]
JAVA = {
    name: described_table(name, GOLDEN[name]["described"])
    for name in ("golden.composite", "golden.ck_int", "golden.ck_double", "golden.account")
}
DOWN = Table("own.down", TableSchema({"p": "INT", "c": "INT", "n": "INT"}, ["p"], ["c DESC"]))
WIDE = Table(
    "own.wide",
    TableSchema(
        {"p": "INT", "c": "INT", **{f"v{i:03}": "INT" for i in range(140)}, "tx_version": "INT"},
        ["p"],
        ["c DESC"],
    ),
)


@pytest.fixture
def properties(dynamodb_server: Cluster) -> dict[str, str]:
    return own_properties(dynamodb_server)


@pytest.fixture
def storage(properties: dict[str, str]) -> Iterator[DynamoStorage]:
    with opened(properties) as storage:
        run_blocking(storage.admin.create_table(DOWN))
        yield storage


def ascending(table: Table) -> Keys:
    """The key bytes that the Java library makes behind a table whose columns all ascend."""
    schema = table.schema
    return Keys(
        Table(
            table.name,
            TableSchema(dict(schema.columns), schema.partition_key, list(schema.clustering_key)),
        )
    )


def misplaced(storage: DynamoStorage, table: Table, *columns: str) -> list[MisplacedRecord]:
    return [one for part in look_at_keys(storage, table, columns) for one in part.misplaced]


def leave(storage: DynamoStorage, table: Table, **row: float) -> dict[str, Any]:
    """A record where Java leaves it."""
    key = [row[name] for name in table.schema.primary_key]
    item: dict[str, Any] = {n: {"N": str(v)} for n, v in row.items()}
    item |= ascending(table).item_key(key)
    put_item(storage, table.name, item)
    return item


def as_java_wrote_them(storage: DynamoStorage) -> tuple[dict[str, list[Row]], int]:
    """Java's items, each second one under the bytes of a table whose columns ascend."""
    rows: dict[str, list[Row]] = {}
    moved = 0
    for name, table in JAVA.items():
        run_blocking(storage.admin.create_table(table))
        wrong = ascending(table)
        rows[name] = []
        for number, content in enumerate(GOLDEN[name]["rows"]):
            item, row = item_of(content["stored"]), logical_row(content["logical"])
            rows[name].append(row)
            # Descending -0.0 and ascending 0.0 have the same bytes, and columns hold no -0.0.
            if number % 2 and 0.0 not in table.key_of(row):
                bytes_ = wrong.item_key(table.key_of(row))
                moved += any(item[column] != bytes_[column] for column in bytes_)
                item |= bytes_
            put_item(storage, name, item)
    return rows, moved


def test_records_of_java_are_found_and_put_right(
    tmp_path: Path, properties: dict[str, str], storage: DynamoStorage
) -> None:
    rows, moved = as_java_wrote_them(storage)
    assert moved > 12
    file = properties_file(tmp_path, properties)

    def diagnosed(*arguments: str, code: int) -> dict[str, Any]:
        answer = command("doctor", "--config", file, "--keys", "--json", *arguments)
        # The coordinator table was never made, which is wrong by itself.
        assert answer.code == 1, answer.out
        verdicts = {one["verdict"] for one in answer.data["sections"]["keys"]}
        assert ("bad" in verdicts) == (code == 1)
        return {one["table"]: one for one in answer.data["keys"]}

    before = {name: items(storage, name) for name in JAVA}
    for arguments in ([], ["--repair", "--dry-run"]):
        found = diagnosed(*arguments, code=1)
        records = [one for table in found.values() for one in table["misplaced"]]
        assert {one["result"] for one in records} == {"would be moved"}
        assert len(records) == moved
        assert found["golden.account"]["misplaced"] == []
        assert {name: items(storage, name) for name in JAVA} == before
    one = diagnosed("golden.composite", code=1)
    assert set(one) == {"golden.composite"}

    mended = diagnosed("--repair", code=0)
    results = [one["result"] for table in mended.values() for one in table["misplaced"]]
    assert results == ["moved"] * moved
    assert all(not table["misplaced"] for table in diagnosed(code=0).values())
    for name, table in JAVA.items():
        assert len(items(storage, name)) == len(rows[name])
        for row in rows[name]:
            assert run_blocking(storage.get(table, table.key_of(row))) == row


def test_a_zero_hides_no_misplaced_record(storage: DynamoStorage) -> None:
    table = Table(
        "own.zero", TableSchema({"p": "INT", "c": "DOUBLE", "d": "INT"}, ["p"], ["c", "d DESC"])
    )
    run_blocking(storage.admin.create_table(table))
    for zero in (0.0, -0.0):
        key = Keys(table).item_key((1, zero, 5))
        put_item(storage, table.name, {"p": {"N": "1"}, "c": {"N": "0"}, "d": {"N": "5"}, **key})
    assert misplaced(storage, table) == []
    leave(storage, table, p=1, c=0.0, d=6)
    (one,) = misplaced(storage, table)
    assert one.key == {"p": 1, "c": 0.0, "d": 6}


def test_a_record_is_not_moved_onto_another(
    tmp_path: Path, properties: dict[str, str], storage: DynamoStorage
) -> None:
    leave(storage, DOWN, p=1, c=5, n=7)
    (free,) = misplaced(storage, DOWN)
    run_blocking(storage.mutate([Write(DOWN, (1, 5), {"n": 8})]))
    before = items(storage, DOWN.name)
    answer = command(
        "doctor",
        "own.down",
        "--keys",
        "--repair",
        "--config",
        properties_file(tmp_path, properties),
    )
    assert answer.code == 1
    assert "another record stands where it belongs" in " ".join(answer.out.split())
    (taken,) = misplaced(storage, DOWN)
    assert (free.taken, taken.taken) == (False, True)
    for one in (free, taken):  # also where the other one came after the look
        with pytest.raises(InvalidOperationError) as caught:
            one.put_right()
        assert caught.value.code == "STX-3612"
    assert items(storage, DOWN.name) == before


def test_a_record_that_went_is_no_error(storage: DynamoStorage) -> None:
    item = leave(storage, DOWN, p=1, c=5, n=7)
    (one,) = misplaced(storage, DOWN)
    key = {name: item[name] for name in (PARTITION_KEY, CLUSTERING_KEY)}
    storage.client.write("delete_item", {"TableName": storage.names.table(DOWN.name), "Key": key})
    assert one.put_right() is False
    assert items(storage, DOWN.name) == []


def test_what_came_after_the_look_is_moved_too(storage: DynamoStorage) -> None:
    leave(storage, DOWN, p=1, c=5)
    (one,) = misplaced(storage, DOWN)
    leave(storage, DOWN, p=1, c=5, n=9)  # an attribute that was not there
    assert one.put_right() is True
    assert run_blocking(storage.get(DOWN, (1, 5))) == {"p": 1, "c": 5, "n": 9}


def test_a_wide_record_is_compared_by_its_version(storage: DynamoStorage) -> None:
    run_blocking(storage.admin.create_table(WIDE))
    values = {f"v{i:03}": i for i in range(140)}
    leave(storage, WIDE, p=1, c=5, tx_version=1, **values)
    (unversioned,) = misplaced(storage, WIDE)
    with pytest.raises(InvalidOperationError) as caught:
        unversioned.put_right()
    assert caught.value.code == "STX-3614"
    (one,) = misplaced(storage, WIDE, "tx_version")
    leave(storage, WIDE, p=1, c=5, tx_version=2, **{**values, "v007": 700})
    assert one.put_right() is True
    found = run_blocking(storage.get(WIDE, (1, 5)))
    assert found is not None
    assert (found["v007"], found["tx_version"]) == (700, 2)


def test_no_write_beside_a_repair_is_lost(storage: DynamoStorage) -> None:
    records = 12
    places = [leave(storage, DOWN, p=p, c=5, n=0) for p in range(records)]
    acknowledged = [0] * records
    stop = threading.Event()

    def count() -> None:
        """A program that found the records by scanning goes on where it found them."""
        while not stop.is_set():
            for p, item in enumerate(places):
                try:
                    storage.client.write(
                        "update_item",
                        {
                            "TableName": storage.names.table(DOWN.name),
                            "Key": {n: item[n] for n in (PARTITION_KEY, CLUSTERING_KEY)},
                            "UpdateExpression": "SET n = n + :one",
                            "ConditionExpression": f"attribute_exists({PARTITION_KEY})",
                            "ExpressionAttributeValues": {":one": {"N": "1"}},
                        },
                    )
                except WriteRefusedError:
                    continue  # it was moved
                acknowledged[p] += 1

    writer = threading.Thread(target=count)
    writer.start()
    try:
        while not all(acknowledged):
            stop.wait(0.01)
        for _ in range(200):
            left = misplaced(storage, DOWN)
            if not left:
                break
            for one in left:
                try:
                    one.put_right()
                except StorageBusyError:
                    continue  # it was written each time
    finally:
        stop.set()
        writer.join()
    assert misplaced(storage, DOWN) == []
    for p in range(records):
        assert run_blocking(storage.get(DOWN, (p, 5))) == {"p": p, "c": 5, "n": acknowledged[p]}


def test_what_cannot_be_read_is_told(
    tmp_path: Path, properties: dict[str, str], storage: DynamoStorage
) -> None:
    breaks: list[dict[str, Any]] = [{"n": {"S": "text"}}, {"p": {"NULL": True}}]
    for number, broken in enumerate(breaks):
        item = {"p": {"N": "1"}, "c": {"N": str(number)}, "n": {"N": "1"}}
        put_item(storage, DOWN.name, {**item, **broken, **Keys(DOWN).item_key((1, number))})
    (part,) = look_at_keys(storage, DOWN)
    assert part.records == 2
    assert len(part.unreadable) == 2
    file = properties_file(tmp_path, properties)
    answer = command("doctor", "own.down", "--keys", "--config", file, "--json")
    told = [one["text"] for one in answer.data["sections"]["keys"] if one["verdict"] == "bad"]
    assert len(told) == 2
    assert any("lacks columns of its key" in text for text in told)


def test_a_table_that_is_not_there(tmp_path: Path, properties: dict[str, str]) -> None:
    file = properties_file(tmp_path, properties)
    answer = command("doctor", "own.nowhere", "--keys", "--config", file)
    assert answer.code == 2
    assert "own.nowhere" in answer.err


@pytest.mark.parametrize("arguments", [["--repair"], ["a.b"], ["a.b", "--repair", "--dry-run"]])
def test_what_only_goes_with_keys(arguments: list[str]) -> None:
    answer = command("doctor", "--config", "memory://", *arguments)
    assert answer.code == 2
    assert "--keys" in answer.err


def test_a_storage_whose_keys_are_always_right(tmp_path: Path) -> None:
    answer = command("doctor", "--keys", "--config", "memory://", "--json")
    assert answer.code == 0
    (one,) = answer.data["sections"]["keys"]
    assert one["verdict"] == "note"
    assert answer.data["keys"] == []
