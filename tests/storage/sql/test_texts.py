"""Texts that the server would take for the same, or order otherwise: compared right, or refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import IndexSource, OrderBy, ScanRequest, WholeTableSource, Write
from tests.storage.sql.stage import all_rows, mutate, run

if TYPE_CHECKING:
    from scalar_tx.storage.sql.server_storage import ServerStorage

BY_TEXT = Table("texts.keyed", TableSchema({"t": "TEXT", "n": "INT"}, ["t"]))
BY_NUMBER = Table(
    "texts.numbered", TableSchema({"n": "INT", "t": "TEXT", "i": "TEXT"}, ["n"], (), ["i"])
)


def fresh(storage: ServerStorage, table: Table) -> None:
    run(storage.admin.drop_table(table.name, if_exists=True))
    run(storage.admin.create_table(table))


def as_java(storage: ServerStorage, table: Table) -> None:
    """As a Java program leaves it where the server's texts ignore case."""
    name = ".".join(f"`{part}`" for part in table.name.split("."))
    storage.pool.write(
        f"ALTER TABLE {name} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    )


def test_a_key_that_ignores_case_is_refused_with_the_remedy(mysql: ServerStorage) -> None:
    fresh(mysql, BY_TEXT)
    as_java(mysql, BY_TEXT)
    with pytest.raises(InvalidOperationError, match="utf8mb4_general_ci") as caught:
        run(mysql.get(BY_TEXT, ("a",)))
    assert caught.value.code == "STX-3307"
    remedy = caught.value.advice.partition(";")[0].removeprefix("Run: ")
    mysql.pool.write(remedy)
    for key in ("a", "A", "a "):
        mutate(mysql, Write(BY_TEXT, (key,), {"n": len(key)}))
    assert len(all_rows(mysql, ScanRequest(BY_TEXT, WholeTableSource()))) == 3
    run(mysql.admin.drop_table(BY_TEXT.name))


def test_other_columns_that_ignore_case_are_compared_as_bytes(mysql: ServerStorage) -> None:
    fresh(mysql, BY_NUMBER)
    as_java(mysql, BY_NUMBER)
    texts = ["a", "A", "a ", "\u00e9", "e", "\U0001f600", "\uffff"]
    for n, text in enumerate(texts):
        mutate(mysql, Write(BY_NUMBER, (n,), {"t": text, "i": text}))
    for n, text in enumerate(texts):
        found = all_rows(mysql, ScanRequest(BY_NUMBER, IndexSource("i", text)))
        assert [row["n"] for row in found] == [n]
        found = all_rows(mysql, ScanRequest(BY_NUMBER, WholeTableSource(), column("t") == text))
        assert [row["n"] for row in found] == [n]
    by_text = WholeTableSource((OrderBy("t", Order.ASC),))
    found = all_rows(mysql, ScanRequest(BY_NUMBER, by_text, page_size=2))
    assert [row["t"] for row in found] == sorted(texts)
    run(mysql.admin.drop_table(BY_NUMBER.name))


def test_texts_that_differ_late_are_not_ordered_by(mysql: ServerStorage) -> None:
    fresh(mysql, BY_NUMBER)
    for n in range(4):
        mutate(mysql, Write(BY_NUMBER, (n,), {"t": "x" * 2000 + str(n)}))
    by_text = WholeTableSource((OrderBy("t", Order.DESC),))
    for size in (1, 2, 10):
        with pytest.raises(InvalidOperationError, match="1,024"):
            all_rows(mysql, ScanRequest(BY_NUMBER, by_text, page_size=size))
    run(mysql.admin.drop_table(BY_NUMBER.name))


def test_a_table_without_transactions_is_refused(mysql: ServerStorage) -> None:
    fresh(mysql, BY_NUMBER)
    mysql.pool.write("ALTER TABLE `texts`.`numbered` ENGINE=MyISAM")
    with pytest.raises(InvalidOperationError, match="MyISAM"):
        run(mysql.get(BY_NUMBER, (1,)))
    run(mysql.admin.drop_table(BY_NUMBER.name))


def test_infinite_bounds_are_judged(mysql: ServerStorage) -> None:
    table = Table("texts.doubles", TableSchema({"n": "INT", "d": "DOUBLE"}, ["n"]))
    fresh(mysql, table)
    mutate(mysql, Write(table, (1,), {"d": 1.5}), Write(table, (2,), {}))
    infinite = float("inf")
    for condition, wanted in (
        (column("d") < infinite, [1]),
        (column("d") != infinite, [1]),
        (column("d") > infinite, []),
        (column("d") >= -infinite, [1]),
        (column("d") == -infinite, []),
        (column("d") <= math.nan, [1]),  # noqa: PLW0177
    ):
        found = all_rows(mysql, ScanRequest(table, WholeTableSource(), condition))
        assert [row["n"] for row in found] == wanted, condition
    assert mysql.objection("texts.doubles", DataType.DOUBLE, infinite, in_key=False)
    run(mysql.admin.drop_table(table.name))


def test_texts_of_postgresql_that_are_not_equal_to_themselves_only(
    postgresql: ServerStorage,
) -> None:
    fresh(postgresql, BY_NUMBER)
    postgresql.pool.write(
        "CREATE COLLATION IF NOT EXISTS texts.loose "
        "(provider=icu, locale='und-u-ks-level2', deterministic=false)"
    )
    postgresql.pool.write('ALTER TABLE texts.numbered ALTER t TYPE TEXT COLLATE texts."loose"')
    with pytest.raises(InvalidOperationError, match="loose"):
        run(postgresql.get(BY_NUMBER, (1,)))
    run(postgresql.admin.drop_table(BY_NUMBER.name))
    postgresql.pool.write("DROP COLLATION texts.loose")
