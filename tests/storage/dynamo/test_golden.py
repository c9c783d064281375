"""Items, metadata and table definitions that the Java library left in DynamoDB: read, and made."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.model.types import DataType, to_float32
from scalar_tx.storage.dynamo.codec import RowDecoder, encode
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY, Keys
from scalar_tx.storage.dynamo.metadata import (
    create_request,
    metadata_item,
    metadata_table_request,
    table_from_item,
)
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.scans import misplaced
from scalar_tx.storage.dynamo.statements import TableStatements
from tests.golden.cells import described_table, golden, logical_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row

GOLDEN = golden("dynamodb")
NAMES = Names()
KEYS = (PARTITION_KEY, CLUSTERING_KEY)


def described() -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Every table with its rows, the coordinators' too."""
    for name, content in GOLDEN["tables"].items():
        if "described" in content:
            yield described_table(name, content["described"]), content.get("rows", [])
    for namespace, content in GOLDEN["coordinators"].items():
        rows = content["rows"] + content.get("rows_added_by_recovery", [])
        yield described_table(f"{namespace}.state", content["described"]), rows


TABLES = list(described())
ids = [table.name for table, _ in TABLES]


def item_of(stored: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {k: base64.b64decode(v) if k == "B" else v for k, v in attribute.items()}
        for name, attribute in stored.items()
    }


@pytest.mark.parametrize("table, rows", TABLES, ids=ids)
def test_items_are_decoded_and_encoded(table: Table, rows: list[dict[str, Any]]) -> None:
    decode, statements = RowDecoder(table), TableStatements(table, NAMES)
    types = table.schema.columns
    for row in rows:
        item = item_of(row["stored"])
        wanted = logical_row(row["logical"])
        assert decode(item) == wanted
        made = {
            **statements.keys.item_key(table.key_of(wanted)),
            **{n: encode(v, types[n]) for n, v in wanted.items() if v is not None},
        }
        assert made.keys() == item.keys()
        for name, attribute in item.items():
            if types.get(name) is DataType.FLOAT:
                assert to_float32(float(made[name]["N"])) == to_float32(float(attribute["N"]))
            elif types.get(name) is DataType.DOUBLE:
                assert float(made[name]["N"]) == float(attribute["N"])
            else:
                assert made[name] == attribute, name
        assert misplaced(statements, item, wanted) is None


def test_floats_are_printed_as_java_prints_them() -> None:
    seen, different = 0, []
    for table, rows in TABLES:
        for row in rows:
            for name, value in logical_row(row["logical"]).items():
                if isinstance(value, float):
                    seen += 1
                    text = row["stored"][name]["N"]
                    made = encode(value, table.schema.columns[name])["N"]
                    if made != text:
                        different.append((text, made))
    assert seen > 100
    # Java 17, which wrote them, does not always find the shortest text.
    assert set(different) <= {
        ("9.999999999999999E22", "1.0E23"),
        ("1.17549435E-38", "1.1754944E-38"),
    }


def test_every_kind_of_table_is_among_them() -> None:
    assert sum(len(rows) for _, rows in TABLES) > 300
    assert {t for table, _ in TABLES for t in table.schema.columns.values()} == set(DataType)
    orders = {o.value for t, _ in TABLES for o in t.schema.clustering_orders.values()}
    assert orders == {"ASC", "DESC"}


@pytest.mark.parametrize("table", [table for table, _ in TABLES], ids=ids)
def test_tables_are_defined_as_java_defines_them(table: Table) -> None:
    assert _shape(create_request(table, NAMES, 10)) == _shape(GOLDEN["ddl"][f"table {table.name}"])


def test_the_metadata_table_is_defined_as_java_defines_it() -> None:
    wanted = GOLDEN["ddl"]["table scalardb.metadata"]
    assert _shape(metadata_table_request(NAMES)) == _shape(wanted)


def _shape(definition: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in definition.items() if name != "TableName"}
    for name in ("AttributeDefinitions", "GlobalSecondaryIndexes"):
        if name in found:
            found[name] = sorted(found[name], key=repr)
            found[name] = sorted(
                (sorted((k, repr(v)) for k, v in one.items()) for one in found[name]), key=repr
            )
    return found


def test_metadata_items_are_read_and_made() -> None:
    items = {one["table"]["S"]: one for one in GOLDEN["metadata"]["scalardb.metadata"]}
    assert set(items) - set(ids) == {"nowhere.t"}  # made by a test of missing namespaces
    for table, _ in TABLES:
        item = items[table.name]
        assert table_from_item(table.name, item) == table
        made = metadata_item(table, NAMES)
        for one in (made, item):
            if "secondaryIndex" in one:
                one["secondaryIndex"] = {"SS": sorted(one["secondaryIndex"]["SS"])}
        assert made == item


def test_what_java_refuses_to_make_is_refused() -> None:
    refused = {
        name: content["spec"] for name, content in GOLDEN["tables"].items() if "refused" in content
    }
    assert len(refused) == 3
    for name, spec in refused.items():
        with pytest.raises(Exception, match="DynamoDB") as caught:
            NAMES.check_makeable(described_table(name, spec))
        assert caught.value.code == "STX-3604"  # type: ignore[attr-defined]


def test_a_record_at_the_bytes_of_another_order_is_noticed() -> None:
    composite = next(table for table, _ in TABLES if table.name == "golden.composite")
    statements = TableStatements(composite, NAMES)
    row: Row = {"p1": 1, "p2": "abc", "c1": 2, "c2": "ab", "v1": None, "v2": None, "n": 1}
    item = {**Keys(composite).item_key((1, "abc", 2, "ab"))}
    assert item[PARTITION_KEY]["B"].hex() == "8000000161626300"
    assert item[CLUSTERING_KEY]["B"].hex() == "800000029e9dff"
    assert misplaced(statements, item, row) is None
    item[CLUSTERING_KEY] = {"B": bytes.fromhex("80000002616200")}  # both columns ascending
    assert misplaced(statements, item, row) == (1, "abc", 2, "ab")
