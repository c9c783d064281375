"""Cells, definitions and metadata as the Java library writes them."""

from __future__ import annotations

import base64
import math
import re
from typing import Any

import pytest

from scalar_tx.storage.cassandra import ddl
from scalar_tx.storage.cassandra.catalog import table_from_rows
from scalar_tx.storage.cassandra.codec import CQL_TYPES, RowDecoder, decode, encode
from tests.golden.cells import described_table, golden, logical, logical_row

GOLDEN = golden("cassandra")
TABLES: dict[str, Any] = GOLDEN["tables"]
COORDINATORS = {f"{name}.state": content for name, content in GOLDEN["coordinators"].items()}
EVERYTHING = {**TABLES, **COORDINATORS}
DESCRIBED = sorted(name for name, content in EVERYTHING.items() if content.get("described"))
FILLED = sorted(name for name, content in EVERYTHING.items() if content.get("rows"))


def stored_bytes(cell: list[Any]) -> bytes | None:
    return None if cell[1] is None else base64.b64decode(cell[1])


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one):
            return math.isnan(other)
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("name", FILLED)
def test_every_stored_cell_is_the_logical_value_and_back(name: str) -> None:
    content = EVERYTHING[name]
    rows = [*content["rows"], *content.get("rows_added_by_recovery", [])]
    cells = 0
    for row in rows:
        if row["logical"] is None:
            continue
        for column, stored in row["stored"].items():
            data_type, value = logical(row["logical"][column])
            assert CQL_TYPES[data_type] == stored[0]
            cell = stored_bytes(stored)
            assert same(decode(cell, data_type, column), value), (column, stored)
            assert encode(value, data_type) == cell, (column, value)
            cells += 1
    assert cells


@pytest.mark.parametrize("name", sorted(set(FILLED) & set(DESCRIBED)))
def test_rows_are_decoded_whole(name: str) -> None:
    content = EVERYTHING[name]
    table = described_table(name, content["described"])
    decoder = RowDecoder(table)
    for row in content["rows"]:
        if row["logical"] is None:
            continue
        found = decoder([stored_bytes(row["stored"][column]) for column in table.columns])
        wanted = logical_row(row["logical"])
        assert found.keys() == wanted.keys()
        assert all(same(found[column], wanted[column]) for column in found)


def parts(text: str) -> dict[str, Any]:
    """What a CREATE TABLE says, apart from the order of its columns and Cassandra's defaults."""
    head, _, options = text.partition(" WITH ")
    name, _, body = head.removeprefix("CREATE TABLE ").partition(" (")
    if " PRIMARY KEY," in body or body.endswith(" PRIMARY KEY)"):
        first = body.split(" ", 1)[0]
        body = body.replace(" PRIMARY KEY", "", 1)[:-1] + f", PRIMARY KEY ({first}))"
    columns, _, key = body.partition(", PRIMARY KEY ")
    if not key.startswith("(("):
        first, comma, rest = key[1:].partition(",")
        key = f"(({first.removesuffix('))') if not comma else first}){comma}{rest or '))'}"
    order = re.search(r"CLUSTERING ORDER BY \(([^)]*)\)", options)
    compaction = re.search(r"'class': ?'(?:[a-z.]*\.)?(\w*CompactionStrategy)'", options)
    assert compaction is not None
    return {
        "name": name,
        "columns": sorted(columns.split(", ")),
        "key": key,
        "order": order and order[1],
        "compaction": compaction[1],
    }


@pytest.mark.parametrize("name", DESCRIBED)
def test_definitions_are_those_of_java(name: str) -> None:
    table = described_table(name, EVERYTHING[name]["described"])
    assert parts(ddl.create_table(table, {})) == parts(GOLDEN["ddl"][f"table {name}"])
    indexes = {
        text for key, text in GOLDEN["ddl"].items() if key.startswith("index ") and on(text, name)
    }
    assert {ddl.create_index(table, column) for column in table.schema.secondary_index} == indexes


def on(text: str, name: str) -> bool:
    return text.split(" ON ")[1].split(" (", maxsplit=1)[0].replace('"', "") == name


def test_keyspaces_are_those_of_java() -> None:
    java = {key.split()[1]: text for key, text in GOLDEN["ddl"].items() if "keyspace" in key}
    assert "scalardb" in java
    for name, text in java.items():
        ours = ddl.create_keyspace(name, {}, if_not_exists=False) + " AND durable_writes = true"
        assert re.sub(r"\s", "", ours).lower() == re.sub(r"\s", "", text).lower()


@pytest.mark.parametrize("name", DESCRIBED)
def test_metadata_rows_describe_what_java_describes(name: str) -> None:
    namespace, _, short_name = name.partition(".")

    def of_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            row
            for row in rows
            if (row["keyspace_name"], row["table_name"]) == (namespace, short_name)
        ]

    rows = [
        (
            row["column_name"].encode(),
            row["kind"].encode(),
            int(row["position"]).to_bytes(4, "big", signed=True),
            row["clustering_order"].encode(),
            row["type"].encode(),
        )
        for row in of_table(GOLDEN["metadata"]["columns"])
    ]
    targets = [
        row["options"]["target"].strip('"') for row in of_table(GOLDEN["metadata"]["indexes"])
    ]
    table = described_table(name, EVERYTHING[name]["described"])
    assert table_from_rows(name, rows[::-1], targets) == table
