"""Is an item read as a row with every column, and is what is no value of its column told?"""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.dynamo.codec import RowDecoder

TABLE = Table("ns.tbl", TableSchema({"k": "INT", "t": "TEXT", "b": "BLOB", "n": "BIGINT"}, ["k"]))
READ = RowDecoder(TABLE)


def test_every_column_has_its_value_or_null() -> None:
    item: dict[str, Any] = {
        "k": {"N": "1"},
        "t": {"S": "NULL"},
        "b": {"B": b"\x00"},
        "x": {"N": "7"},
    }
    assert READ(item) == {"k": 1, "t": "NULL", "b": b"\x00", "n": None}
    nulls: dict[str, Any] = {name: {"NULL": True} for name in ("t", "b", "n")}
    assert READ({"k": {"N": "1"}, **nulls}) == {"k": 1, "t": None, "b": None, "n": None}


@pytest.mark.parametrize(
    "column, attribute",
    [
        ("t", {"N": "1"}),
        ("b", {"S": "x"}),
        ("n", {"S": "1"}),
        ("n", {"N": "1.5"}),
        ("n", {"N": str(2**63)}),
        ("k", {"N": str(2**31)}),
    ],
)
def test_what_is_no_value_of_its_column(column: str, attribute: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=rf"ns\.tbl\.{column} is") as caught:
        READ({"k": {"N": "1"}, column: attribute})
    assert caught.value.code == "STX-3601"
