"""Is a schema file read as ScalarDB's loader reads it, and does an error name its place?"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from scalar_schema import parse_schema, read_files
from scalar_schema.schema_file import LARGEST_FILE
from scalar_tx.errors import SchemaError

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = {
    "shop.orders": {
        "transaction": True,
        "partition-key": ["customer"],
        "clustering-key": ["at DESC", "item"],
        "columns": {"customer": "INT", "at": "TIMESTAMPTZ", "item": "int", "note": "TEXT"},
        "secondary-index": ["note"],
        "compaction-strategy": "LCS",
        "ru": 50,
        "no-backup": True,
    }
}


def file(**fields: Any) -> str:
    """The sample, one line a field, with some fields other than there or (None) left out."""
    table = {**ORDERS["shop.orders"], **{n.replace("_", "-"): v for n, v in fields.items()}}
    lines = [f'    "{n}": {json.dumps(v)}' for n, v in table.items() if v is not None]
    return '{\n  "shop.orders": {\n' + ",\n".join(lines) + "\n  }\n}\n"


def message(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        parse_schema(text, "f.json")
    assert caught.value.code in {"STX-3060", "STX-3061"}
    assert caught.value.advice
    return caught.value.message


def test_a_table_as_the_java_loader_takes_it() -> None:
    (table,) = parse_schema(json.dumps(ORDERS), "f.json")
    assert (table.name, table.namespace, table.transaction) == ("shop.orders", "shop", True)
    schema = table.schema
    assert {n: t.value for n, t in schema.columns.items()} == {
        "customer": "INT",
        "at": "TIMESTAMPTZ",
        "item": "INT",
        "note": "TEXT",
    }
    assert schema.partition_key == ("customer",)
    assert [(n, o.value) for n, o in schema.clustering_orders.items()] == [
        ("at", "DESC"),
        ("item", "ASC"),
    ]
    assert schema.secondary_index == ("note",)
    assert table.options == {"compaction-strategy": "LCS", "ru": "50", "no-backup": "true"}
    assert table.remarks == ()


def test_transaction_is_on_unless_it_is_switched_off() -> None:
    assert parse_schema(file(transaction=None), "f")[0].transaction
    assert not parse_schema(file(transaction=False), "f")[0].transaction


@pytest.mark.parametrize(
    "written,column,order",
    [
        ("at", "at", "ASC"),
        ("at asc", "at", "ASC"),
        ("at  Desc", "at", "DESC"),
        (" at\tDESC ", "at", "DESC"),
    ],
)
def test_clustering_orders(written: str, column: str, order: str) -> None:
    schema = parse_schema(file(clustering_key=[written]), "f")[0].schema
    assert {n: o.value for n, o in schema.clustering_orders.items()} == {column: order}


def test_a_column_may_be_called_like_another_one_with_an_order() -> None:
    columns = {"customer": "INT", "at DESC": "INT"}
    text = file(columns=columns, clustering_key=["at DESC"], secondary_index=None)
    schema = parse_schema(text, "f")[0].schema
    assert {n: o.value for n, o in schema.clustering_orders.items()} == {"at DESC": "ASC"}


def test_options_become_texts_as_they_are_written() -> None:
    text = file(network_strategy="SimpleStrategy").replace("50", "5.0e1")
    options = parse_schema(text, "f")[0].options
    assert options["ru"] == "5.0e1"
    assert options["replication-strategy"] == "SimpleStrategy"
    assert "network-strategy" not in options


def test_an_option_that_no_storage_knows_is_remarked() -> None:
    (table,) = parse_schema(file(transactions=False), "f.json")
    assert table.transaction
    assert table.options["transactions"] == "false"
    (remark,) = table.remarks
    assert remark.startswith("f.json:11:5: shop.orders > transactions: ")
    assert "did you mean 'transaction'?" in remark


@pytest.mark.parametrize(
    "text,place,words",
    [
        # what is no JSON
        ("", "f.json:1:1: ", "the text ends where a value is needed"),
        ("{", "f.json:1:2: ", "a key in double quotes is needed; { was opened on line 1"),
        ('{\n  "a.b": {\n', "f.json:3:1: a.b: ", "{ was opened on line 2"),
        ("{\n  // tables\n}", "f.json:2:3: ", "there is '//'"),
        ('{\n  "a.b": tru\n}', "f.json:2:10: a.b: ", "there is 'tru' where a value is needed"),
        ('{"a.b": 01}', "f.json:1:9: a.b: ", "there is '01'"),
        ('{"a.b": NaN}', "f.json:1:9: a.b: ", "there is 'NaN'"),
        ('{"a.b" 1}', "f.json:1:8: a.b: ", "a colon after the key"),
        ('{"a.b": 1 "c.d": 2}', "f.json:1:11: ", "a comma or } is needed"),
        ('{\r\n"a.b": [1,\r\n]}', "f.json:2:10: a.b: ", "a comma stands before ]"),
        ('{"a.b": {},}', "f.json:1:11: ", "a comma stands before }"),
        ('{"a.b": "x', "f.json:1:9: a.b: ", "unterminated string"),
        ('{"a.b": "x\ny"}', "f.json:1:11: a.b: ", "invalid control character"),
        ('{"a.b": "\\q"}', "f.json:1:10: a.b: ", "invalid \\escape"),
        ('{"a.b": "\\ud800"}', "f.json:1:9: a.b: ", "one half of a character"),
        ("{} {}", "f.json:1:4: ", "more after the end"),
        ('{"a.b": 1,\n "a.b": 2}', "f.json:2:2: a.b: ", "stands on line 1 already"),
        ("[" * 100, "f.json:1:22: ", "20 deep"),
        # what is no schema
        ("[]", "f.json:1:1: ", "an array, not an object"),
        ("null", "f.json:1:1: ", "null, not an object"),
        ('{\n"a.b": 5}', "f.json:2:8: a.b: ", "a table is an object, not a number"),
        ('{"ab": {}}', "f.json:1:2: ab: ", "'ab' is no table name"),
        ('{"": {}}', "f.json:1:2: : ", "'' is no table name"),
        ('{".b": {}}', "f.json:1:2: .b: ", "'.b' is no table name"),
        ('{"a.b.": {}}', "f.json:1:2: a.b.: ", "'a.b.' is no table name"),
        ('{"a.b.c": {}}', "f.json:1:2: a.b.c: ", "more than one dot"),
        ('{"a.b": {}}', "f.json:1:2: a.b: ", "the columns are missing"),
        (file(columns={}), "f.json:6:16: shop.orders > columns: ", "the columns are missing"),
        (file(columns=["a"]), "f.json:6:16: shop.orders > columns: ", "an array, not an object"),
        (
            file(columns={"customer": "INT", "n": "BIGIN"}),
            "f.json:6:41: shop.orders > columns > n: ",
            "'BIGIN' is not a column type",
        ),
        (
            file(columns={"customer": 4}),
            "f.json:6:29: shop.orders > columns > customer: ",
            "a number, not a text",
        ),
        (
            file(columns={"customer": "TEXT encrypted"}),
            "f.json:6:29: shop.orders > columns > customer: ",
            "encrypted columns are not supported",
        ),
        (file(columns={"": "INT"}), "f.json:6:17: shop.orders > columns > : ", "no column name"),
        (file(partition_key=None), "f.json:2:3: shop.orders: ", "the partition key is missing"),
        (
            file(partition_key=[]),
            "f.json:4:22: shop.orders > partition-key: ",
            "the partition key is missing",
        ),
        (
            file(partition_key="customer"),
            "f.json:4:22: shop.orders > partition-key: ",
            "a text, not an array",
        ),
        (
            file(partition_key=["customr"]),
            "f.json:4:23: shop.orders > partition-key: ",
            "'customr', which is not a column",
        ),
        (
            file(partition_key=["customer", "customer"]),
            "f.json:4:35: shop.orders > partition-key: ",
            "'customer' twice",
        ),
        (
            file(partition_key=["customer", None]),
            "f.json:4:35: shop.orders > partition-key: ",
            "null, not a text",
        ),
        (
            file(clustering_key=["at DOWN"]),
            "f.json:5:24: shop.orders > clustering-key: ",
            "the order 'DOWN'",
        ),
        (
            file(clustering_key=["at", "at DESC"]),
            "f.json:5:30: shop.orders > clustering-key: ",
            "'at' twice",
        ),
        (
            file(clustering_key=[""]),
            "f.json:5:24: shop.orders > clustering-key: ",
            "'', which is not a column",
        ),
        (
            file(clustering_key=["customer"]),
            "f.json:2:3: shop.orders: ",
            "a column stands twice in the primary key",
        ),
        (
            file(secondary_index=["not"]),
            "f.json:7:25: shop.orders > secondary-index: ",
            "'not', which is not a column",
        ),
        (
            file(transaction="true"),
            "f.json:3:20: shop.orders > transaction: ",
            "a text, not true or false",
        ),
        (file(ru=[5]), "f.json:9:11: shop.orders > ru: ", "ru is an array"),
        (
            file(columns={"customer": "INT", "tx_id": "TEXT"}, clustering_key=None).replace(
                '["note"]', "[]"
            ),
            "f.json:2:3: shop.orders: ",
            "reserved for transactions",
        ),
        (
            file(replication_strategy="a", network_strategy="b"),
            "f.json:12:5: shop.orders > network-strategy: ",
            "is there as well",
        ),
        (
            file(transaction_metadata_decoupling=True),
            "f.json:11:40: shop.orders > transaction-metadata-decoupling: ",
            "are not supported",
        ),
    ],
)
def test_an_error_names_file_line_column_and_key(text: str, place: str, words: str) -> None:
    found = message(text)
    assert found.startswith(place), found
    assert words in found


def test_advice_names_what_was_meant() -> None:
    with pytest.raises(SchemaError, match=r"Did you mean 'customer'\? The columns are customer"):
        parse_schema(file(partition_key=["customr"]), "f")
    with pytest.raises(SchemaError, match=r"Name the table 'a\.b' if that is meant"):
        parse_schema('{"a.b.c": {}}', "f")
    with pytest.raises(SchemaError, match="did you mean 'clustering-key'"):
        parse_schema(file(clustering__key=["at"]).replace("clustering--key", "clustering_key"), "f")


def test_a_key_that_is_not_printable_is_shown_escaped() -> None:
    assert message('{"a.\\u001b[2Jb": 1}').startswith("f.json:1:18: 'a.\\x1b[2Jb': ")


def test_an_option_of_the_command_line_goes_to_every_table_and_into_no_file() -> None:
    (table,) = parse_schema(file(), "f", {"replication-factor": "3"})
    assert table.options["replication-factor"] == "3"
    with pytest.raises(SchemaError, match=r"f:9:5: shop.orders > ru: ru is given here and on the"):
        parse_schema(file(), "f", {"ru": "10"})


def test_a_table_stands_in_one_file_only(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text(file())
    second.write_text("\n" + file())
    with pytest.raises(SchemaError) as caught:
        read_files([first, second])
    assert caught.value.message == (
        f"{second}:3:3: shop.orders: the table is defined in {first}:2 already"
    )


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    with pytest.raises(SchemaError, match=r"f\.json: the schema file can't be read: No such file"):
        read_files([path])
    with pytest.raises(SchemaError, match="can't be read: Is a directory"):
        read_files([tmp_path])
    path.write_bytes(b'{\n "\xff')
    with pytest.raises(SchemaError, match=r"f\.json:2:3: the byte 0xff is no UTF-8"):
        read_files([path])
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_files([path]) == ()
    with path.open("wb") as grown:
        os.truncate(grown.fileno(), LARGEST_FILE + 1)
    with pytest.raises(SchemaError, match="larger than 16 MiB"):
        read_files([path])
