"""Is a serializable transaction that commits as if it had run alone?

One transaction reads in all ways (scans with conditions, orders and limits, scanners that stop in
the middle, gets, index reads) and writes among what it reads; another one commits its writes at
some moment in between. If the first commits, everything it saw and everything it left is as if one
had run wholly before the other. Runs with nobody in between must commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from scalar_tx.errors import ConflictError, ScalarTxError
from scalar_tx.model.operations import Scan
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.table_model import KEY
from tests.protocol.test_scans_see_own_writes import SCHEMA, TABLE, WHERES
from tests.protocol.world import World

if TYPE_CHECKING:
    from tests.protocol.world import Tx

# Few keys and few values, so that the two are in each other's way.
few = st.integers(0, 1)
keys = st.tuples(st.just(0), few, few)
values = st.fixed_dictionaries({}, optional={"v": st.integers(0, 2), "w": st.none() | few})
writes = st.tuples(st.sampled_from(["upsert", "insert", "update", "delete"]), keys, values)
SCANS: list[dict[str, Any]] = [
    {"partition": {"p": 0}},
    {"partition": {"p": 0}, "order_by": ["-a"]},
    {"partition": {"p": 0}, "start": {"a": 1}},
    {"partition": {"p": 0}, "end": {"a": 0, "d": 0}},
    {"whole_table": True},
    {"whole_table": True, "order_by": ["v"]},
    {"whole_table": True, "order_by": ["-v", "d"]},
    {"index": {"w": 0}},
    {"index": {"w": 1}},
]
scans = st.tuples(
    st.sampled_from(SCANS), st.sampled_from(sorted(WHERES)), st.none() | st.integers(1, 2)
)


def definite(step: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index has no order: any part of it will do for a limit, so only the whole is compared."""
    return ("scan", step[1], step[2], None) if "index" in step[1] else step


reads = st.one_of(
    scans.map(lambda scan: definite(("scan", *scan))),
    st.tuples(scans, st.integers(1, 3)).map(lambda drawn: definite(("peek", *drawn[0], drawn[1]))),
    keys.map(lambda key: ("get", key)),
    few.map(lambda value: ("get by index", value)),
)
half = st.lists(reads | writes, min_size=1, max_size=3)
work = st.tuples(half, half).map(lambda halves: halves[0] + halves[1])
examples = st.tuples(
    st.sampled_from([1, 2, 100]),
    st.lists(st.tuples(keys, values), max_size=4),
    work,
    st.lists(writes, min_size=1, max_size=2),
    st.integers(1, 4),
)


def fresh(fetch: int, rows: Any) -> World:
    world = World(MemoryStorage(), scan_fetch_size=fetch)
    world.create_table(TABLE, SCHEMA)
    setup = world.begin()
    for key, row in rows:
        setup.upsert(TABLE, {**dict(zip(KEY, key, strict=True)), **row})
    setup.commit()
    return world


def do(tx: Tx, step: Any) -> Any:
    """One operation and what it shows; a refusal is shown too."""
    try:
        return _do(tx, *step)
    except ConflictError:
        raise
    except ScalarTxError as error:
        return error.code


def _do(tx: Tx, kind: str, *how: Any) -> Any:
    if kind in ("scan", "peek"):
        where = WHERES[how[1]][0]
        scan = Scan(TABLE, where=where, limit=how[2], **how[0])
        if kind == "scan":
            found = tx._run(tx.steps.scan(scan))
        else:
            cursor = tx._run(tx.steps.open_cursor(scan))
            pages = [tx._run(cursor.next_page()) for _ in range(how[3]) if not cursor.closed]
            found = [record for page in pages for record in page or []]
        shown = [tuple(record.items()) for record in found]
        return sorted(shown, key=repr) if "index" in how[0] else shown
    mapping = dict(zip(KEY, how[0], strict=True)) if kind != "get by index" else {}
    if kind == "get":
        record = tx.get(TABLE, mapping)
        return None if record is None else tuple(record.items())
    if kind == "get by index":
        record = tx.get(TABLE, index={"w": how[0]})
        return None if record is None else tuple(record.items())
    if kind == "delete":
        return tx.delete(TABLE, mapping)
    if kind == "update":
        return tx.update(TABLE, mapping, how[1], missing="ignore")
    change = tx.insert if kind == "insert" else tx.upsert
    return change(TABLE, {**mapping, **how[1]})


def commit_all(world: World, steps: Any) -> list[Any] | None:
    """Run a transaction alone; None: it could not commit."""
    tx = world.begin()
    try:
        shown = [do(tx, step) for step in steps]
        tx.commit()
    except ConflictError:
        return None
    return shown


def table_of(world: World) -> list[Any]:
    return [tuple(record.items()) for record in world.begin().scan(TABLE, whole_table=True)]


def serial(example: Any, *, other_first: bool) -> tuple[list[Any] | None, list[Any]]:
    fetch, rows, mine, others, _ = example
    world = fresh(fetch, rows)
    if other_first:
        commit_all(world, others)
    shown = commit_all(world, mine)
    if not other_first:
        commit_all(world, others)
    return shown, table_of(world)


def check(example: Any) -> None:
    fetch, rows, mine, others, moment = example
    world = fresh(fetch, rows)
    tx = world.begin()
    shown: list[Any] = []
    other_committed = False
    try:
        for number, step in enumerate(mine):
            if number == moment:
                other_committed = commit_all(world, others) is not None
            shown.append(do(tx, step))
        if moment >= len(mine):
            other_committed = commit_all(world, others) is not None
        tx.commit()
    except ConflictError:
        event("conflict")
        return
    event("committed")
    seen = (shown, table_of(world))
    if not other_committed:
        assert seen == (commit_all(alone := fresh(fetch, rows), mine), table_of(alone))
        return
    in_order = [serial(example, other_first=first) for first in (True, False)]
    assert seen in in_order


@given(examples)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_as_if_one_after_the_other(example: Any) -> None:
    check(example)


@pytest.mark.slow
@given(examples)
@settings(max_examples=1_200, suppress_health_check=[HealthCheck.too_slow])
def test_as_if_one_after_the_other_for_long(example: Any) -> None:
    check(example)


@given(st.tuples(st.sampled_from([1, 2, 100]), st.lists(st.tuples(keys, values), max_size=8), work))
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_alone_it_commits(example: Any) -> None:
    """Own writes among what was read are no conflict; only an insert of what exists is."""
    fetch, rows, mine = example
    world = fresh(fetch, rows)
    tx = world.begin()
    for step in mine:
        do(tx, step)
    snapshot = tx.steps._snapshot
    exists = any(
        write.insert and world.row(*record_id[:1], *record_id[1]) is not None
        for record_id, write in snapshot.writes.items()
    )
    if exists:
        with pytest.raises(ConflictError, match=r"STX-103[13]"):
            tx.commit()
    else:
        tx.commit()
