"""Is a write applied exactly where its condition is true, and is nothing changed elsewhere?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.conditions import (
    Comparison,
    Condition,
    Existence,
    Operator,
    column,
    if_exists,
    if_not_exists,
)
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.judging import by_value, met, same_row, whole
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import Erase, Write

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "n": "INT", "t": "TEXT", "note": "TEXT"}, partition_key=["p"]
)

# The column n below is compared with 5, t with "m".
STATES: Final[dict[str, Row | None]] = {
    "missing": None,
    "null": {"n": None, "t": None},
    "less": {"n": 4, "t": "M"},
    "equal": {"n": 5, "t": "m"},
    "greater": {"n": 6, "t": "mm"},
    "null and equal": {"n": None, "t": "m"},
    "equal and null": {"n": 5, "t": None},
}
CONDITIONS: Final[tuple[Condition | Existence | None, ...]] = (
    None,
    if_exists,
    if_not_exists,
    column("n") == 5,
    column("n") != 5,
    column("n") < 5,
    column("n") <= 5,
    column("n") > 5,
    column("n") >= 5,
    column("n").is_null(),
    column("n").is_not_null(),
    column("t") == "m",
    column("t") != "m",
    column("t") < "m",
    column("t") >= "m",
    (column("n") == 5) & (column("t") == "m"),
    (column("n") == 5) & column("t").is_null(),
    (column("n") >= 5) & (column("n") <= 5) & column("t").is_not_null(),
)
RICHER: Final[tuple[Condition, ...]] = (
    (column("n") == 5) | (column("t") == "m"),
    (column("n") != 5) | column("t").is_null(),
    (column("n").is_null() & (column("t") == "m")) | ((column("n") > 5) & (column("t") > "m")),
    (column("n").is_null() | (column("n") == 5)) & (column("t") != "x"),
    column("t").like("m%"),
    column("t").like("_"),
    column("t").not_like("m%"),
    column("t").like("m") & (column("n") == 5),
)


async def _judge(
    lab: Lab, condition: Condition | Existence | None, kind: type[Write | Erase]
) -> None:
    table = await lab.table(SCHEMA)
    keys = dict(enumerate(STATES.items()))
    rows = [{"p": p, **row, "note": "old"} for p, (_, row) in keys.items() if row is not None]
    await lab.load(table, rows)
    for p, (state, values) in keys.items():
        before = None if values is None else whole(table, {"p": p, **values, "note": "old"})
        expected = met(condition, before)
        after: Row | None
        if kind is Write:
            mutation: Write | Erase = Write(table, (p,), {"note": "new"}, condition)
            after = whole(table, {**(before or {"p": p}), "note": "new"})
        else:
            mutation, after = Erase(table, (p,), condition), None
        assert await lab.applies(mutation) is expected, f"{condition} on a record that is {state}"
        found = await lab.get(table, p)
        assert same_row(found, after if expected else before), f"{condition} on {state}: {found}"


class ConditionalWrites(Topic):
    """Every kind of condition against every state of a record."""

    @pytest.mark.parametrize("condition", CONDITIONS, ids=str)
    async def test_write_if(self, lab: Lab, condition: Condition | Existence | None) -> None:
        await _judge(lab, condition, Write)

    @pytest.mark.parametrize(
        "condition", [c for c in CONDITIONS if c is not if_not_exists], ids=str
    )
    async def test_erase_if(self, lab: Lab, condition: Condition | Existence | None) -> None:
        await _judge(lab, condition, Erase)

    @pytest.mark.parametrize("condition", RICHER, ids=str)
    async def test_write_if_a_richer_condition(self, lab: Lab, condition: Condition) -> None:
        await _judge(lab, condition, Write)

    @pytest.mark.parametrize("condition", RICHER, ids=str)
    async def test_erase_if_a_richer_condition(self, lab: Lab, condition: Condition) -> None:
        await _judge(lab, condition, Erase)

    @pytest.mark.parametrize("data_type", DataType, ids=lambda t: t.value)
    async def test_conditions_compare_every_type(self, lab: Lab, data_type: DataType) -> None:
        if not lab.subject.supports(data_type, Role.COLUMN):
            return
        table = await lab.table(
            TableSchema(columns={"p": "INT", "v": data_type, "n": "INT"}, partition_key=["p"])
        )
        values = sorted(lab.samples(data_type), key=by_value)
        stored = await lab.load(table, [{"p": p, "v": v, "n": 0} for p, v in enumerate(values)])
        expected = {row["p"]: 0 for row in stored}
        for p, row in enumerate(stored):
            # The value itself, its neighbours, and what an optimist would take for a match.
            for other in dict.fromkeys((p, p - 1, (p + 1) % len(values))):
                for sign in (Operator.EQ, Operator.NE, Operator.LT, Operator.GE):
                    if data_type is DataType.BOOLEAN and sign in (Operator.LT, Operator.GE):
                        continue  # some databases can't order what is only true or false
                    condition = Comparison("v", sign, values[other])
                    applies = met(condition, row)
                    if not applies and sign in (Operator.LT, Operator.GE) and other != p:
                        continue  # its opposite is tried from the neighbour's side
                    expected[p] = 1 + int(str(expected[p])) if applies else expected[p]
                    write = Write(table, (p,), {"n": expected[p]}, condition)
                    if not applies:
                        write = Write(table, (p,), {"n": -1}, condition)
                    assert await lab.applies(write) is applies, (row["v"], condition)
        for p, row in enumerate(stored):
            assert same_row(await lab.get(table, p), {**row, "n": expected[p]})

    async def test_a_condition_may_concern_what_is_written(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "n": 0}])
        for n in range(5):
            assert await lab.applies(Write(table, (1,), {"n": n + 1}, column("n") == n))
            assert not await lab.applies(Write(table, (1,), {"n": 99}, column("n") == n))
        assert await lab.get(table, 1) == {"p": 1, "n": 5, "t": None, "note": None}
