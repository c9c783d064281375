"""Does a batch of gets return what as many gets would?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.conformance.gets import SCHEMA
from scalar_tx.storage.conformance.judging import key_of, same_row, whole
from scalar_tx.storage.conformance.subject import Role
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import AtomicityUnit, Erase, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import BatchReads, MomentStorage, Reads

SINGLE: Final = TableSchema(columns={"k": "INT", "n": "INT"}, partition_key=["k"])
TEXTS: Final = TableSchema(columns={"k": "TEXT", "n": "INT"}, partition_key=["k"])
FLOATS: Final = TableSchema(columns={"k": "DOUBLE", "n": "INT"}, partition_key=["k"])
CLUSTERED: Final = TableSchema(
    columns={"p": "INT", "a": "INT", "b": "TEXT", "n": "INT"},
    partition_key=["p"],
    clustering_key=["a DESC", "b ASC"],
)
MANY: Final = 230  # more than one request of any adapter holds
ROUNDS: Final = 10


async def batch(
    lab: Lab, wanted: Sequence[tuple[Table, tuple[Value, ...]]], reads: Reads | None = None
) -> list[Row | None]:
    """A batch of gets, none of which may fail."""
    answers = await cast("BatchReads", reads or lab.storage).get_many(wanted)
    assert len(answers) == len(wanted)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers  # type: ignore[return-value]  # no error is among them


def reads_batches(lab: Lab) -> bool:
    """Is anything promised?"""
    return lab.info().batches > 0


class BatchGets(Topic):
    """Reading several records by their keys in one call."""

    async def test_a_batch_answers_in_the_order_asked(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SCHEMA)
        rows = await lab.load(
            table,
            [
                {"p": p, "q": q, "c": c, "n": 100 * p + c, "t": q}
                for p in (1, 2)
                for q in ("x", "y")
                for c in (1, 2)
            ],
        )
        keys = [key_of(table, row) for row in rows]
        for order in (keys, keys[::-1], keys[3:] + keys[:3], keys[:1], keys[:3]):
            found = await batch(lab, [(table, key) for key in order])
            for key, row in zip(order, found, strict=True):
                assert same_row(row, rows[keys.index(key)]), key

    async def test_absent_records_of_a_batch_are_none(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SCHEMA)
        (stored,) = await lab.load(table, [{"p": 1, "q": "x", "c": 1}])
        there = (1, "x", 1)
        for absent in [(2, "x", 1), (1, "y", 1), (1, "x", 2), (1, "X", 1), (1, "x ", 1)]:
            none, row, other = await batch(
                lab, [(table, absent), (table, there), (table, (9, absent[1], 9))]
            )
            assert none is None, absent
            assert other is None
            assert same_row(row, stored)

    async def test_a_batch_spans_tables(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        one, two = await lab.table(SINGLE, which="one"), await lab.table(SINGLE, which="two")
        await lab.load(one, [{"k": k, "n": k} for k in range(4)])
        await lab.load(two, [{"k": k, "n": 10 * k} for k in range(1, 4)])
        wanted = [(table, (k,)) for k in range(4) for table in (two, one)]
        found = await batch(lab, wanted)
        for (table, (k,)), row in zip(wanted, found, strict=True):
            assert isinstance(k, int)
            if table is two and k == 0:
                assert row is None
            else:
                expected = whole(table, {"k": k, "n": k if table is one else 10 * k})
                assert same_row(row, expected)

    async def test_a_long_batch_is_read_whole(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SINGLE)
        rows = await lab.load(table, [{"k": k, "n": k} for k in range(0, MANY, 2)])
        found = await batch(lab, [(table, (k,)) for k in range(MANY)])
        assert [row for row in found if row is not None] == rows
        assert [k for k, row in enumerate(found) if row is not None] == list(range(0, MANY, 2))

    async def test_keys_that_look_alike_are_told_apart_in_a_batch(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        for schema in (TEXTS, FLOATS):
            table = await lab.table(schema)
            data_type = schema.columns["k"]
            # 0.0 and -0.0 are one key.
            keys = list(dict.fromkeys(lab.samples(data_type, Role.PARTITION_KEY)))
            await lab.load(table, [{"k": k, "n": n} for n, k in enumerate(keys)])
            found = await batch(lab, [(table, (k,)) for k in reversed(keys)])
            for key, row in zip(reversed(keys), found, strict=True):
                alone = await lab.get(table, key)
                assert alone is not None
                assert same_row(row, alone), f"the key {key!r}"

    async def test_a_batch_finds_each_record_of_a_partition(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(CLUSTERED)
        keys = [(p, a, b) for p, count in ((1, MANY), (2, 3)) for a in range(count) for b in "xy"]
        there = [key for n, key in enumerate(keys) if n % 3]
        rows = await lab.load(
            table, [{"p": p, "a": a, "b": b, "n": n} for n, (p, a, b) in enumerate(there)]
        )
        stored = dict(zip(there, rows, strict=True))
        wanted = [*reversed(keys), keys[1]]  # that one twice
        found = await batch(lab, [(table, key) for key in wanted])
        assert found == [stored.get(key) for key in wanted]

    async def test_places_in_a_partition_that_look_alike_are_told_apart(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        for data_type in (DataType.TEXT, DataType.DOUBLE):
            schema = TableSchema({"p": "INT", "k": data_type, "n": "INT"}, ["p"], ["k"])
            table = await lab.table(schema)
            keys = list(dict.fromkeys(lab.samples(data_type, Role.CLUSTERING_KEY)))
            await lab.load(table, [{"p": 1, "k": k, "n": n} for n, k in enumerate(keys)])
            found = await batch(lab, [(table, (1, k)) for k in reversed(keys)])
            for key, row in zip(reversed(keys), found, strict=True):
                alone = await lab.get(table, 1, key)
                assert alone is not None
                assert same_row(row, alone), f"{data_type.value}, the key {key!r}"

    async def test_rows_of_a_batch_are_not_aliased(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SINGLE)
        rows = await lab.load(table, [{"k": k, "n": 7} for k in (1, 2)])
        wanted = [(table, (1,)), (table, (2,))]
        for row in await batch(lab, wanted):
            assert row is not None
            row["n"] = 99
        assert await batch(lab, wanted) == rows

    async def test_an_acknowledged_write_is_seen_by_a_batch_at_once(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SINGLE)
        wanted = [(table, (k,)) for k in (1, 2, 3)]
        for n in range(ROUNDS):
            for k in (1, 2):
                await lab.storage.mutate([Write(table, (k,), {"n": n})])
            assert await batch(lab, wanted) == [{"k": 1, "n": n}, {"k": 2, "n": n}, None]
        await lab.storage.mutate([Erase(table, (1,))])
        assert await batch(lab, wanted) == [None, {"k": 2, "n": ROUNDS - 1}, None]

    async def test_a_batch_of_one_table_is_of_one_moment(self, lab: Lab) -> None:
        info = lab.info()
        whole_table = info.atomicity_unit >= AtomicityUnit.TABLE and info.max_mutations >= MANY
        if not (info.batches and info.moments and whole_table):
            return
        table = await lab.table(SINGLE)
        keys = range(MANY)
        await lab.load(table, [{"k": k, "n": 0} for k in keys])
        written = 0

        async def write() -> None:
            nonlocal written
            for n in range(1, ROUNDS + 1):
                await lab.storage.mutate([Write(table, (k,), {"n": n}) for k in keys])
                written = n
                await lab.runner.pause(0)

        async def watch() -> None:
            while written < ROUNDS:
                found = await batch(lab, [(table, (k,)) for k in keys])
                assert len({row["n"] for row in found if row is not None}) == 1
                await lab.runner.pause(0)

        await lab.runner.together([write, watch])

    async def test_a_batch_within_a_moment_sees_that_moment(self, lab: Lab) -> None:
        info = lab.info()
        if not (info.batches and info.moments):
            return
        table = await lab.table(SINGLE)
        await lab.load(table, [{"k": k, "n": 1} for k in (1, 2)])
        found: list[Row | None] = []

        async def look(moment: Reads) -> None:
            found.extend(await batch(lab, [(table, (k,)) for k in (2, 3, 1)], moment))

        await cast("MomentStorage", lab.storage).at_one_moment(table.name, look)
        assert found == [{"k": 2, "n": 1}, None, {"k": 1, "n": 1}]

    async def test_a_member_that_can_t_be_read_leaves_the_others(self, lab: Lab) -> None:
        if not reads_batches(lab):
            return
        table = await lab.table(SINGLE)
        missing = Table(lab.fresh_name(), SINGLE)
        (stored,) = await lab.load(table, [{"k": 1, "n": 1}])
        storage = cast("BatchReads", lab.storage)
        try:
            answers = await storage.get_many([(missing, (1,)), (table, (1,)), (missing, (2,))])
        except Exception:  # noqa: BLE001  # what concerns the whole call may be raised
            return
        assert isinstance(answers[0], Exception)
        assert isinstance(answers[2], Exception)
        assert answers[1] == stored
