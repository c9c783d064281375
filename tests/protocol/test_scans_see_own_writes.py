"""Does a scan after own writes return exactly what a plain list of rows would?

Any writes, any scans, in any order, over records some of which dead or decided writers have left
behind: partitions forwards and backwards with bounds, index values, whole tables by any columns,
with conditions, limits and page tokens. At the end the transaction commits (nobody else changed
anything, so validation must agree), and the table is the list.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Scan
from scalar_tx.model.table import TableSchema
from tests.protocol.table_model import KEY, TableModel
from tests.protocol.world import World, open_inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.table_model import Key, Row
    from tests.protocol.world import Tx

TABLE = "model.rows"
SCHEMA = TableSchema(
    columns={"p": "INT", "a": "INT", "d": "INT", "v": "INT", "w": "INT"},
    partition_key=["p"],
    clustering_key=["a", "d DESC"],
    secondary_index=["w"],
)

small = st.integers(0, 3)
keys = st.tuples(st.integers(0, 1), small, small)
nullable = st.none() | small
values = st.fixed_dictionaries({}, optional={"v": nullable, "w": nullable})
writes = st.tuples(st.sampled_from(["upsert", "insert", "update", "delete"]), keys, values)

WHERES: dict[str, tuple[Any, Callable[[Row], bool]]] = {
    "all": (None, lambda row: True),
    "v > 1": (column("v") > 1, lambda row: row["v"] is not None and row["v"] > 1),
    "v null or w = 2": (
        column("v").is_null() | (column("w") == 2),
        lambda row: row["v"] is None or row["w"] == 2,
    ),
    "d < 2 and w not null": (
        (column("d") < 2) & column("w").is_not_null(),
        lambda row: row["d"] < 2 and row["w"] is not None,
    ),
}


@st.composite
def partition_scans(draw: st.DrawFn) -> dict[str, Any]:
    scan: dict[str, Any] = {"partition": {"p": draw(st.integers(0, 1))}}
    if draw(st.booleans()):
        scan["order_by"] = draw(st.sampled_from([["a"], ["-a"], ["a", "-d"], ["-a", "d"]]))
    bounds = draw(st.sampled_from(["none", "start", "end", "both", "both on d"]))
    if bounds in ("start", "both"):
        scan["start"] = {"a": draw(small)}
    if bounds in ("end", "both"):
        scan["end"] = {"a": draw(small)}
    if bounds == "both on d":
        fixed = draw(small)
        scan["start"], scan["end"] = {"a": fixed, "d": draw(small)}, {"a": fixed, "d": draw(small)}
    if bounds != "none":
        scan["start_inclusive"], scan["end_inclusive"] = draw(st.booleans()), draw(st.booleans())
    return scan


@st.composite
def whole_table_scans(draw: st.DrawFn) -> dict[str, Any]:
    columns = draw(st.lists(st.sampled_from([*KEY, "v", "w"]), unique=True, max_size=2))
    order = [draw(st.sampled_from(["", "-"])) + name for name in columns]
    return {"whole_table": True, "order_by": order or None}


index_scans = st.builds(lambda value: {"index": {"w": value}}, small)
scans = st.tuples(
    partition_scans() | whole_table_scans() | index_scans,
    st.sampled_from(sorted(WHERES)),
    st.none() | st.integers(1, 6),
)
steps = st.lists(st.one_of(writes, scans.map(lambda scan: ("scan", *scan))), max_size=14)
# What other transactions left behind, each on keys of its own: a part of the keys' writes.
left_behind = st.lists(
    st.tuples(st.booleans(), st.lists(writes, min_size=1, max_size=4)), max_size=3
)


def apply(tx: Tx, model: TableModel, write: Any, inserted: set[Key], touched: set[Key]) -> None:
    """A write that the transaction must take, in both worlds."""
    kind, key, values = write
    row = {**dict(zip(KEY, key, strict=True)), **values}
    mapping = dict(zip(KEY, key, strict=True))
    if kind == "insert" and key not in model.rows and (key not in touched or key not in inserted):
        if key not in touched:
            inserted.add(key)
        tx.insert(TABLE, row)
        model.upsert(key, values)
    elif kind == "update":
        tx.update(TABLE, mapping, values, missing="ignore")
        if key in model.rows:
            model.upsert(key, values)
        else:
            return
    elif kind == "delete" and key not in inserted:
        tx.delete(TABLE, mapping)
        model.delete(key)
    else:
        tx.upsert(TABLE, row)
        model.upsert(key, values)
    touched.add(key)


def check_scan(tx: Tx, model: TableModel, how: dict[str, Any], named: str, limit: Any) -> None:
    condition, where = WHERES[named]
    expected = model.scan(how, where)
    found = [dict(record) for record in tx.scan(TABLE, where=condition, limit=limit, **how)]
    if "index" in how:  # in any order
        assert len(found) == len(expected[:limit])
        assert [row for row in found if row not in expected] == []
        assert len({tuple(row.items()) for row in found}) == len(found)
        return
    assert found == expected[:limit]
    if not expected:
        return
    # Page by page, by tokens, in scans of their own.
    pages: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        scan = Scan(TABLE, where=condition, limit=limit, after=token, **how)
        cursor = tx._run(tx.steps.open_cursor(scan))
        page = tx._run(cursor.next_page())
        if page is None:
            break
        pages += [dict(record) for record in page]
        token = cursor.page_token()
        tx._run(cursor.close())
        assert len(pages) <= len(expected)
    assert pages == expected


def check(storage: str, folder: Path, example: Any) -> None:
    isolation, fetch, rows, behind, plan = example
    world = World(open_inner(storage, folder), scan_fetch_size=fetch)
    try:
        world.create_table(TABLE, SCHEMA)
        model = TableModel()
        setup = world.begin()
        for key, row in rows:
            setup.upsert(TABLE, {**dict(zip(KEY, key, strict=True)), **row})
            model.upsert(key, row)
        setup.commit()
        taken: set[Key] = set()
        if isolation is not Isolation.READ_COMMITTED:
            taken = leave_behind(world, model, behind)
        tx = world.begin(isolation=isolation)
        inserted: set[Key] = set()
        touched: set[Key] = set()
        for step in plan:
            if step[0] == "scan":
                check_scan(tx, model, *step[1:])
            else:
                # An insert where something was left behind is a conflict at first; not the subject.
                kind = "upsert" if step[0] == "insert" and step[1] in taken else step[0]
                apply(tx, model, (kind, *step[1:]), inserted, touched)
        tx.commit()
        reader = world.begin()
        found = [dict(record) for record in reader.scan(TABLE, whole_table=True)]
        assert found == model.scan({}, lambda row: True)
    finally:
        world.close()


def leave_behind(world: World, model: TableModel, behind: Any) -> set[Key]:
    """Writers that died, decided or not, each on keys that no other of them wrote; all the keys."""
    taken: set[Key] = set()
    for decided, foreign in behind:
        mine = [write for write in foreign if write[1] not in taken]
        taken |= {write[1] for write in mine}
        writer = world.begin()
        theirs = TableModel({key: dict(row) for key, row in model.rows.items()})
        inserted: set[Key] = set()
        touched: set[Key] = set()
        for write in mine:
            apply(writer, theirs, write, inserted, touched)
        writer.commit_until("commit" if decided else "commit-state")
        writer.crash()
        if decided:
            model.rows = theirs.rows
    world.runtime.ms += 16_000
    return taken


examples = st.tuples(
    st.sampled_from(list(Isolation)),
    st.sampled_from([1, 2, 3, 100]),
    st.lists(st.tuples(keys, values), max_size=12),
    left_behind,
    steps,
)


@given(examples)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_on_memory(example: Any) -> None:
    check("memory", Path(), example)


@given(examples)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_on_sqlite(example: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check("sqlite", Path(folder), example)


@pytest.mark.slow
@given(examples)
@settings(max_examples=700, suppress_health_check=[HealthCheck.too_slow])
def test_on_memory_for_long(example: Any) -> None:
    check("memory", Path(), example)
