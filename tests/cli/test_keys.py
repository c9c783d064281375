"""Is a key read as it was meant, and refused with an example where it can't be?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from scalar_tx import InvalidOperationError, TableSchema
from scalar_tx.cli.keys import read_key
from scalar_tx.cli.output import plain
from scalar_tx.consensus_commit.metadata import TransactionalTable, with_transaction_columns

if TYPE_CHECKING:
    from scalar_tx.model.types import Value


def table(**columns: str) -> TransactionalTable:
    names = list(columns)
    schema = TableSchema(columns=columns, partition_key=names[:1], clustering_key=names[1:])
    return TransactionalTable(with_transaction_columns("shop.item", schema))


VALUES: dict[str, Value] = {
    "BOOLEAN": False,
    "INT": -7,
    "BIGINT": 2**53,
    "FLOAT": 0.5,
    "DOUBLE": 1e100,
    "TEXT": "a, b=c, d",
    "BLOB": b"\x00\xff",
    "DATE": dt.date(2024, 2, 29),
    "TIME": dt.time(23, 59, 59, 999999),
    "TIMESTAMP": dt.datetime(2024, 2, 29, 1, 2, 3, 4000),
    "TIMESTAMPTZ": dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_each_type_as_it_is_printed(kind: str) -> None:
    text = str(plain(VALUES[kind]))
    assert read_key(f"k={text},n=1", table(k=kind, n="INT")) == (VALUES[kind], 1)


@pytest.mark.parametrize(
    "text", ["id=1,kind=a", "kind=a,id=1", " id = 1, kind=a", '{"id": 1, "kind": "a"}']
)
def test_pairs_in_any_order_or_json(text: str) -> None:
    assert read_key(text, table(id="INT", kind="TEXT")) == (1, "a")


def test_json_takes_texts_for_types_it_lacks() -> None:
    found = read_key('{"day": "2024-02-29", "id": "7"}', table(day="DATE", id="INT"))
    assert found == (dt.date(2024, 2, 29), 7)


@pytest.mark.parametrize(
    "text, part",
    [
        ("7", "'7' is no part of a key"),
        ("id=7", "lacks kind"),
        ("id=7,kind=a,kind=b", "twice"),
        ("owner=1,id=7,kind=a", "'owner' is no key column"),
        ("id=seven,kind=a", "is INT, and 'seven' is none"),
        ("id=7,kind=a,id=8", "twice"),
        ('{"id": 7', "is no JSON object"),
        ('{"id": 7, "kind": null}', "can't be None"),
        ('{"id": 7, "kind": ["a"]}', "can't be ['a']"),
    ],
)
def test_a_wrong_key_is_refused_with_an_example(text: str, part: str) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        read_key(text, table(id="INT", kind="TEXT"))
    assert part in caught.value.message
    assert "id=1,kind=abc" in caught.value.advice


@pytest.mark.parametrize(
    "text", ["id=99999999999,kind=a", '{"id": 1.5, "kind": "a"}', "id=1,kind="]
)
def test_a_value_must_fit_its_column(text: str) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        read_key(text, table(id="INT", kind="TEXT"))
    assert "shop.item." in caught.value.message
