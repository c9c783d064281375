"""Does a scan of a partition return exactly the rows within its bounds, in order?"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import (
    by_value,
    clustering_order,
    ordered,
    same_rows,
    within,
)
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import KeyRange, PartitionSource, ScanRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.conformance.lab import Lab

ORDERS: Final = [
    ("ASC", "ASC", "ASC"),
    ("DESC", "DESC", "DESC"),
    ("ASC", "DESC", "ASC"),
    ("DESC", "ASC", "DESC"),
]
# Bounds lie on the values of the grid, between them and beyond.
NUMBERS: Final = (1, 3, 5)
TEXTS: Final = ("b", "d", "f")
ANY_NUMBER: Final = (0, 1, 2, 3, 5, 6)
ANY_TEXT: Final = ("a", "b", "c", "d", "f", "g")
RANGES: Final = 160  # how many of all the possible ones are tried


def schema_of(orders: tuple[str, str, str]) -> TableSchema:
    """Two partition columns, three clustering columns."""
    return TableSchema(
        columns={"p": "INT", "q": "TEXT", "a": "INT", "b": "TEXT", "c": "BIGINT", "n": "INT"},
        partition_key=["p", "q"],
        clustering_key=[f"{name} {order}" for name, order in zip("abc", orders, strict=True)],
    )


async def grid(lab: Lab, table: Table) -> list[Row]:
    """Fill three partitions; return the rows of (1, "x")."""
    rows: list[Row] = [
        {"p": p, "q": q, "a": a, "b": b, "c": c, "n": n}
        for p, q in ((1, "x"), (1, "y"), (2, "x"))
        for n, (a, b, c) in enumerate(itertools.product(NUMBERS, TEXTS, NUMBERS))
    ]
    random.Random(5).shuffle(rows)  # noqa: S311  # any order but the right one
    stored = await lab.load(table, rows)
    return [row for row in stored if (row["p"], row["q"]) == (1, "x")]


def ranges() -> Iterator[KeyRange]:
    """Bounds of every length, alone and in pairs; both ends open, closed, crossed."""
    yield KeyRange()
    yield KeyRange(start=(9,))
    yield KeyRange(start=(5,), end=(1,))
    yield KeyRange(start=(3,), end=(3,), start_inclusive=False)
    yield KeyRange(start=(3,), end=(3,))
    chance = random.Random(7)  # noqa: S311  # the same ranges in every run
    columns: tuple[tuple[Value, ...], ...] = (ANY_NUMBER, ANY_TEXT, ANY_NUMBER)
    for _ in range(RANGES):
        size = chance.choice((1, 2, 3))
        fixed = tuple(chance.choice((NUMBERS, TEXTS)[i]) for i in range(size - 1))
        low, high = sorted((chance.choice(columns[size - 1]) for _ in "lh"), key=by_value)
        which = chance.choice(("start", "end", "both", "both"))
        yield KeyRange(
            start=(*fixed, low) if which != "end" else (),
            start_inclusive=chance.random() < 0.5,
            end=(*fixed, high) if which != "start" else (),
            end_inclusive=chance.random() < 0.5,
        )


class PartitionScans(Topic):
    """Bounds on several clustering columns, in both directions."""

    @pytest.mark.parametrize("orders", ORDERS, ids="-".join)
    async def test_ranges(self, lab: Lab, orders: tuple[str, str, str]) -> None:
        table = await lab.table(schema_of(orders))
        rows = await grid(lab, table)
        for number, range_ in enumerate(ranges()):
            reverse = number % 2 == 1
            source = PartitionSource((1, "x"), range_, reverse=reverse)
            inside = [row for row in rows if within(table, range_, row)]
            wanted = ordered(inside, clustering_order(table, reverse=reverse))
            found = await lab.rows(ScanRequest(table, source))
            assert same_rows(found, wanted), f"{range_}, reverse={reverse}"

    async def test_only_the_partition_named(self, lab: Lab) -> None:
        table = await lab.table(schema_of(ORDERS[0]))
        await grid(lab, table)
        for partition in ((2, "y"), (3, "x"), (1, "X"), (1, "x ")):
            assert await lab.rows(ScanRequest(table, PartitionSource(partition))) == []
        found = await lab.rows(ScanRequest(table, PartitionSource((2, "x"))))
        assert {(row["p"], row["q"]) for row in found} == {(2, "x")}
        assert len(found) == 27

    async def test_a_table_without_clustering_key(self, lab: Lab) -> None:
        table = await lab.table(TableSchema(columns={"p": "INT", "n": "INT"}, partition_key=["p"]))
        rows = await lab.load(table, [{"p": p, "n": p} for p in range(3)])
        for reverse in (False, True):
            source = PartitionSource((1,), reverse=reverse)
            assert await lab.rows(ScanRequest(table, source)) == [rows[1]]
            assert await lab.rows(ScanRequest(table, PartitionSource((5,), reverse=reverse))) == []

    async def test_a_text_bound_is_not_a_prefix(self, lab: Lab) -> None:
        table = await lab.table(
            TableSchema(
                columns={"p": "INT", "c": "TEXT"}, partition_key=["p"], clustering_key=["c"]
            )
        )
        await lab.load(table, [{"p": 1, "c": c} for c in ("a", "ab", "abc", "b", "B", "aB")])

        async def found(range_: KeyRange) -> list[Value]:
            rows = await lab.rows(ScanRequest(table, PartitionSource((1,), range_)))
            return [row["c"] for row in rows]

        assert await found(KeyRange(start=("ab",), end=("ab",))) == ["ab"]
        assert await found(KeyRange(end=("ab",))) == ["B", "a", "aB", "ab"]
        assert await found(KeyRange(start=("ab",), start_inclusive=False)) == ["abc", "b"]
