"""Does a filter that the storage applies let through every row it is true of?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.conditions import Comparison, Condition, Operator, column, matches
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import key_of, same_row
from scalar_tx.storage.conformance.scan_kinds import filled, kinds
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.conformance.values import EVERY_TYPE
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from scalar_tx.model.types import DataType, Row
    from scalar_tx.storage.conformance.lab import Lab

COMPARISONS: Final = (
    Operator.EQ,
    Operator.NE,
    Operator.GT,
    Operator.GE,
    Operator.LT,
    Operator.LE,
)
CONDITIONS: Final[tuple[Condition, ...]] = (
    column("n") == 7,
    column("n") != 7,
    column("n") < 7,
    column("n").is_null(),
    column("n").is_not_null(),
    column("t") == "t",
    column("t") >= "U",
    (column("n") == 7) & (column("t") != "t"),
    (column("n") == 7) | column("t").is_null(),
    (column("n").is_null() | (column("a") > 2)) & (column("b") == "uu"),
    ((column("n") == 3) & (column("t") == "u")) | ((column("n") == 7) & (column("i") == 0)),
    column("p") == 1,
    column("t").like("t"),
    column("t").not_like("T%"),
    column("n") == 12345,
)
TEXTS: Final = (
    "", "a", "A", "ab", "a%", "a_", "a\\", "a\\b", "%", "_", "\\", "100%", "it's", "a\nb",
    "\u00e9", "e\u0301", "\u00c9", "\U0001f600", "a\U0001f600", "\uffff", None,
)  # fmt: skip
PATTERNS: Final = (
    ("%", "\\"), ("", "\\"), ("a", "\\"), ("A", "\\"), ("a%", "\\"), ("_", "\\"), ("a_", "\\"),
    ("__", "\\"), ("%b", "\\"), ("a\\%", "\\"), ("a\\_", "\\"), ("a\\\\", "\\"), ("a\\\\%", "\\"),
    ("a!%", "!"), ("a\\", ""), ("a\\%", ""), ("\\", ""), ("%'%", "\\"), ("\u00e9", "\\"),
    ("\U0001f600", "\\"),    ("a%b", "\\"), ("100!%", "!"),
)  # fmt: skip


async def _judge(lab: Lab, table: Table, rows: list[Row], request: ScanRequest) -> None:
    assert request.where is not None
    found = {key_of(table, row): row for row in await lab.rows(request)}
    stored = {key_of(table, row): row for row in rows}
    for key, row in found.items():
        assert key in stored, f"{row} is not in the scan at all"
        assert same_row(row, stored[key])
    missing = [
        row for key, row in stored.items() if matches(request.where, row) and key not in found
    ]
    assert missing == [], f"{request.where} is true of rows that were left out"


class Filters(Topic):
    """``where`` may be applied loosely, never strictly wrong."""

    @pytest.mark.parametrize("condition", CONDITIONS, ids=str)
    async def test_no_row_is_lost_in_any_scan(self, lab: Lab, condition: Condition) -> None:
        table, rows = await filled(lab)
        for kind in kinds(lab):
            chosen = [row for row in rows if kind.chosen(table, row)]
            for size in (1, 3, 100):
                request = ScanRequest(table, kind.source, condition, page_size=size)
                await _judge(lab, table, chosen, request)

    async def test_a_filter_leaves_the_order_alone(self, lab: Lab) -> None:
        table, _ = await filled(lab)
        condition = (column("n") == 7) | column("t").is_null()
        for kind in kinds(lab):
            found = await lab.rows(ScanRequest(table, kind.source, condition, page_size=2))
            assert len({key_of(table, row) for row in found}) == len(found)
            wanted = kind.sorted(table, found)
            assert wanted is None or wanted == found, kind.name

    @EVERY_TYPE
    async def test_every_type_is_compared_by_value(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.COLUMN):
            return
        table = await lab.table(
            TableSchema(columns={"p": "INT", "v": data_type}, partition_key=["p"])
        )
        values = [value for value in lab.samples(data_type) if len(str(value)) < 1000]
        rows = await lab.load(table, [{"p": p, "v": v} for p, v in enumerate([*values, None])])
        conditions = [Comparison("v", sign, value) for value in values for sign in COMPARISONS]
        for condition in (*conditions, column("v").is_null(), column("v").is_not_null()):
            await _judge(lab, table, rows, ScanRequest(table, WholeTableSource(), condition))

    async def test_like(self, lab: Lab) -> None:
        table = await lab.table(TableSchema(columns={"p": "INT", "v": "TEXT"}, partition_key=["p"]))
        rows = await lab.load(table, [{"p": p, "v": v} for p, v in enumerate(TEXTS)])
        for pattern, escape in PATTERNS:
            for condition in (
                column("v").like(pattern, escape=escape),
                column("v").not_like(pattern, escape=escape),
            ):
                await _judge(lab, table, rows, ScanRequest(table, WholeTableSource(), condition))
