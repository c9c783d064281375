"""Is a record that nobody has read written over in one step, and is what it held kept unaltered?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import And, Comparison, Operator, Or, column
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.judging import same_row, whole
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import AtomicityUnit, Overwrite, Write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import StorageMutation

SCHEMA: Final = TableSchema(
    columns={
        "p": "INT", "c": "TEXT", "state": "INT", "count": "INT", "v": "TEXT", "note": "TEXT",
        "old_state": "INT", "old_count": "INT", "old_v": "TEXT",
    },
    partition_key=["p"],
    clustering_key=["c"],
)  # fmt: skip
KEPT: Final = {"old_v": "v", "old_count": "count", "old_state": "state"}
SETTLED: Final = (column("state") == 3) | column("state").is_null()
EMPTY: Final = dict.fromkeys(SCHEMA.other_columns)
SET: Final[Row] = {"state": 1, "v": "new"}

# What the record is -> what it becomes if it is written over; None: that is refused.
OVER: Final[dict[str, tuple[Row, Row | None]]] = {
    "settled": (
        {"state": 3, "count": 7, "v": "was", "note": "stays"},
        {**SET, "count": 8, "note": "stays", "old_v": "was", "old_count": 7, "old_state": 3},
    ),
    "without a value": (
        {"state": 3, "count": 1, "v": None, "old_v": "older"},
        {**SET, "count": 2, "old_v": None, "old_count": 1, "old_state": 3},
    ),
    "never counted": (
        {"state": None, "count": None, "v": "was"},
        {**SET, "count": 1, "old_v": "was", "old_count": 0, "old_state": None},
    ),
    "unsettled": ({"state": 1, "count": 7, "v": "was", "old_v": "older"}, None),
    "leaving": ({"state": 2, "count": 7, "v": "was", "old_v": "older"}, None),
}


async def _over(lab: Lab, table: Table, *, makes: bool, keeps: bool = True) -> Overwrite | None:
    """An overwrite of the one record; None: the storage takes none, and refuses it."""
    overwrite = Overwrite(
        table,
        (1, "a%"),
        {**SET} if keeps else {**SET, **dict.fromkeys(KEPT)},
        SETTLED,
        "count",
        KEPT if keeps else {},
        makes,
    )
    if lab.info(table.name).overwrites:
        return overwrite
    with pytest.raises(InvalidOperationError):
        await lab.storage.mutate([overwrite])
    return None


class Overwrites(Topic):
    """``Overwrite``, where it may be asked for."""

    @pytest.mark.parametrize("makes", [True, False])
    @pytest.mark.parametrize("keeps", [True, False])
    @pytest.mark.parametrize("state", OVER)
    async def test_a_record_is_written_over(
        self, lab: Lab, *, state: str, keeps: bool, makes: bool
    ) -> None:
        table = await lab.table(SCHEMA)
        before, after = OVER[state]
        (held,) = await lab.load(table, [{"p": 1, "c": "a%", **before}])
        (other,) = await lab.load(table, [{"p": 1, "c": "a", "state": 3, "v": "another"}])
        overwrite = await _over(lab, table, makes=makes, keeps=keeps)
        if overwrite is None:
            return
        applied = await lab.applies(overwrite)
        found = await lab.get(table, 1, "a%")
        # Of a record that was never counted a storage may want to know more.
        assert applied or after is None or state == "never counted"
        assert not (applied and after is None)
        if applied and after is not None:
            kept = {} if keeps else dict.fromkeys(KEPT)
            assert found == {"p": 1, "c": "a%", **EMPTY, **after, **kept}
        else:
            assert same_row(found, held)
        assert same_row(await lab.get(table, 1, "a"), other)

    @pytest.mark.parametrize("keeps", [True, False])
    async def test_a_record_is_made_or_nothing_is(self, lab: Lab, *, keeps: bool) -> None:
        table = await lab.table(SCHEMA)
        overwrite = await _over(lab, table, makes=False, keeps=keeps)
        if overwrite is None:
            return
        assert not await lab.applies(overwrite)
        assert await lab.get(table, 1, "a%") is None
        making = await _over(lab, table, makes=True, keeps=keeps)
        assert making is not None
        assert await lab.applies(making)
        assert await lab.get(table, 1, "a%") == {"p": 1, "c": "a%", **EMPTY, **SET, "count": 1}
        assert not await lab.applies(making), "it is unsettled now"

    async def test_a_condition_that_is_not_met_refuses(self, lab: Lab) -> None:
        """Whatever the condition is, and whatever kinds of term it has."""
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "c": "a%", "state": 3, "count": 1, "v": "was"}])
        for condition, met in (
            (And((SETTLED, column("v") == "other")), False),
            (Or((column("state") == 4, Comparison("v", Operator.IS_NULL))), False),
            (column("v") == "was", True),
        ):
            overwrite = await _over(lab, table, makes=True)
            if overwrite is None:
                return
            asked = Overwrite(table, overwrite.key, SET, condition, "count", KEPT, makes=True)
            assert await lab.applies(asked) is met, condition

    @pytest.mark.parametrize("makes", [True, False])
    @pytest.mark.parametrize("data_type", DataType, ids=lambda t: t.value)
    async def test_every_value_is_kept_unaltered(
        self, lab: Lab, *, data_type: DataType, makes: bool
    ) -> None:
        if not lab.subject.supports(data_type, Role.COLUMN):
            return
        table = await lab.table(
            TableSchema(
                columns={"p": "INT", "state": "INT", "count": "INT", "v": data_type,
                         "old": data_type, "old_count": "INT"},
                partition_key=["p"],
            )
        )  # fmt: skip
        if not lab.info(table.name).overwrites:
            return
        samples = [*lab.samples(data_type), None]
        stored = await lab.load(
            table, [{"p": p, "state": 3, "count": 1, "v": v} for p, v in enumerate(samples)]
        )
        for row in stored:
            (p, held) = (row["p"], row["v"])
            over = await _kept(lab, table, (p,), {"v": samples[0]}, makes=makes)
            expected = {**row, "v": samples[0], "old": held, "count": 2, "old_count": 1}
            assert over
            assert same_row(await lab.get(table, p), expected)

    @pytest.mark.parametrize("refused", [True, False])
    async def test_in_a_group_with_others(self, lab: Lab, *, refused: bool) -> None:
        table = await lab.table(SCHEMA)
        info = lab.info(table.name)
        if not info.overwrites or info.atomicity_unit < AtomicityUnit.PARTITION:
            return
        records: list[Row] = [
            {"p": 1, "c": "a", "state": 3, "count": 1, "v": "was"},
            {"p": 1, "c": "b", "state": 1 if refused else 3, "count": 4, "v": "was"},
        ]
        await lab.load(table, records)
        before = [await lab.get(table, 1, name) for name in "abcd"]
        group: list[StorageMutation] = [
            Overwrite(table, (1, "c"), SET, SETTLED, "count", KEPT, makes=True),
            Write(table, (1, "d"), {"v": "inserted"}),
            Overwrite(table, (1, "a"), SET, SETTLED, "count", KEPT),
            Overwrite(table, (1, "b"), SET, SETTLED, "count", KEPT, makes=True),
        ]
        assert await lab.applies(*group) is not refused
        after = [await lab.get(table, 1, name) for name in "abcd"]
        if refused:
            assert all(map(same_row, before, after))
            return
        over = {**EMPTY, **SET, "p": 1, "old_v": "was", "old_state": 3}
        assert after == [
            {**over, "c": "a", "count": 2, "old_count": 1},
            {**over, "c": "b", "count": 5, "old_count": 4},
            {"p": 1, "c": "c", **EMPTY, **SET, "count": 1},
            whole(table, {"p": 1, "c": "d", "v": "inserted"}),
        ]

    async def test_an_indexed_column_is_written_over_and_kept_in(self, lab: Lab) -> None:
        table = await lab.table(
            TableSchema(
                columns={"p": "INT", "state": "INT", "count": "INT", "v": "TEXT", "old": "TEXT",
                         "old_count": "INT"},
                partition_key=["p"],
                secondary_index=["v", "old"],
            )
        )  # fmt: skip
        info = lab.info(table.name)
        if not (info.overwrites and info.keeps_in_indexes):
            return
        await lab.load(
            table,
            [{"p": 1, "state": 3, "count": 1, "v": "was"}, {"p": 2, "state": 3, "count": 1}],
        )
        for p, held, count in ((1, "was", 2), (2, None, 2), (3, None, 1)):
            assert await _kept(lab, table, (p,), {"v": "new"}, makes=True)
            assert await lab.get(table, p) == {
                "p": p, "state": 3, "count": count, "v": "new", "old": held,
                "old_count": 1 if p < 3 else None,
            }  # fmt: skip


async def _kept(
    lab: Lab, table: Table, key: tuple[Value, ...], values: Mapping[str, Value], *, makes: bool
) -> bool:
    keeps = {"old": "v", "old_count": "count"}
    values = {**values, "state": 3}
    return await lab.applies(
        Overwrite(table, key, dict(values), SETTLED, "count", keeps, makes=makes)
    )
