"""Pages against a sort in Python of the same rows, and the plans that SQLite makes for them."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.model.conditions import And, Comparison, Condition, Operator, Or, column, matches
from scalar_tx.model.table import Order, Table, TableSchema
from scalar_tx.storage.interface import (
    IndexSource,
    KeyRange,
    OrderBy,
    PartitionSource,
    ScanRequest,
    ScanSource,
    WholeTableSource,
    Write,
)
from scalar_tx.storage.ordering import position_in
from scalar_tx.storage.sqlite.storage import SqliteStorage, open_sqlite
from tests.storage.sqlite.files import all_pages, all_rows, by_hand, key_of, mutate, others_of, run

if TYPE_CHECKING:
    from scalar_tx.model.types import Row, Value

SEVERAL = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def table(*clustering: str) -> Table:
    columns = {"p": "INT", "a": "INT", "b": "TEXT", "c": "DOUBLE", "v": "INT", "w": "TEXT"}
    columns["x"] = "DOUBLE"
    return Table("ns.t", TableSchema(columns, ["p"], clustering, ["w"]))


# The columns' order is the key's; each mixture of directions once.
WAYS = ("ASC", "DESC")
MIXTURES = [(f"a {a}", f"b {b}", f"c {c}") for a in WAYS for b in WAYS for c in WAYS]

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "p": st.integers(0, 1),
            "a": st.integers(-1, 1),
            "b": st.sampled_from(["A", "a", "\u00e4", "\uffff", "\U0001f600", "a\x00b"]),
            "c": st.sampled_from([-math.inf, -1.5, 0.0, 2.0, math.inf]),
            "v": st.none() | st.integers(0, 2),
            "w": st.none() | st.sampled_from(["", "x", "Y"]),
            "x": st.none() | st.sampled_from([-1.0, 0.5]),
        }
    ),
    max_size=25,
    unique_by=lambda row: (row["p"], row["a"], row["b"], row["c"]),
)
COMPARED = [Operator.EQ, Operator.NE, Operator.LT, Operator.LE, Operator.GT, Operator.GE]


def comparisons(name: str, values: st.SearchStrategy[Value]) -> st.SearchStrategy[Condition]:
    return st.builds(Comparison, st.just(name), st.sampled_from(COMPARED), values)


LEAVES: st.SearchStrategy[Condition] = (
    comparisons("v", st.integers(0, 2))
    | comparisons("x", st.sampled_from([-1.0, 0.5, math.nan, math.inf]))
    | comparisons("b", st.sampled_from(["A", "a", "\u00e4"]))
    | st.builds(
        Comparison,
        st.sampled_from("vwx"),
        st.sampled_from([Operator.IS_NULL, Operator.IS_NOT_NULL]),
    )
    | st.builds(
        Comparison,
        st.sampled_from("bw"),
        st.sampled_from([Operator.LIKE, Operator.NOT_LIKE]),
        st.sampled_from(["a%", "%b", "_", "x", "", "%", "\\%", "a%b"]),
    )
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda kind, terms: kind(tuple(terms)),
        st.sampled_from([And, Or]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)
ORDERS = st.lists(
    st.builds(OrderBy, st.sampled_from("pabcvwx"), st.sampled_from(list(Order))), max_size=4
).map(tuple)
SOURCES: st.SearchStrategy[ScanSource] = (
    st.builds(PartitionSource, st.just((1,)), reverse=st.booleans())
    | st.builds(WholeTableSource, ORDERS)
    | st.builds(IndexSource, st.just("w"), st.sampled_from(["", "x", "Y", "y"]))
)


def in_source(source: ScanSource, row: Row) -> bool:
    if isinstance(source, PartitionSource):
        return row["p"] == source.partition[0]
    return not isinstance(source, IndexSource) or row[source.column] == source.value


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> SqliteStorage:
    return open_sqlite(f"jdbc:sqlite:{tmp_path_factory.mktemp('paging')}/a.db?synchronous=OFF")


def filled(storage: SqliteStorage, target: Table, rows: list[Row]) -> None:
    run(storage.admin.drop_table(target.name, if_exists=True))
    run(storage.admin.create_table(target))
    for row in rows:
        mutate(storage, Write(target, key_of(target, row), others_of(target, row)))


@SEVERAL
@given(
    rows=ROWS,
    clustering=st.sampled_from(MIXTURES),
    source=SOURCES,
    where=st.none() | CONDITIONS,
    size=st.integers(1, 4),
    restart=st.integers(0, 3),
)
def test_pages_are_a_sorted_list_in_pieces(
    storage: SqliteStorage,
    *,
    rows: list[Row],
    clustering: tuple[str, ...],
    source: ScanSource,
    where: Condition | None,
    size: int,
    restart: int,
) -> None:
    target = table(*clustering)
    filled(storage, target, rows)
    place = position_in(source, target.schema)
    expected = sorted((row for row in rows if in_source(source, row)), key=place)
    if where is not None:
        expected = [row for row in expected if matches(where, row)]
    found = all_rows(storage, ScanRequest(target, source, where, page_size=size))
    # Every condition here is exact in SQLite; the interface asks for no more than a superset.
    assert found == expected
    if len(expected) > restart:
        after = expected[restart]
        rest = all_rows(storage, ScanRequest(target, source, where, after, page_size=size))
        assert rest == expected[restart + 1 :]


@SEVERAL
@given(
    rows=ROWS,
    clustering=st.sampled_from(MIXTURES),
    where=CONDITIONS,
)
def test_a_condition_of_a_write_is_exact(
    storage: SqliteStorage, rows: list[Row], clustering: tuple[str, ...], where: Condition
) -> None:
    target = table(*clustering)
    filled(storage, target, rows)
    for row in rows:
        write = Write(target, key_of(target, row), {"v": 9}, where)
        if matches(where, row):
            mutate(storage, write)
            assert run(storage.get(target, key_of(target, row))) == {**row, "v": 9}
        else:
            with pytest.raises(WriteRefusedError):
                mutate(storage, write)
    missing = Write(target, (7, 7, "", 0.0), {"v": 9}, where)
    with pytest.raises(WriteRefusedError):
        mutate(storage, missing)


def plan(storage: SqliteStorage, request: ScanRequest, after: list[object] | None) -> list[str]:
    text, values = storage._known(request.table).scans.page(request, after, 10)
    return [str(row[3]) for row in storage.connections.read(f"EXPLAIN QUERY PLAN {text}", values)]


@pytest.mark.parametrize("clustering", MIXTURES)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_page_of_a_partition_searches_the_primary_key(
    storage: SqliteStorage, clustering: tuple[str, ...], reverse: bool
) -> None:
    target = table(*clustering)
    filled(storage, target, [])
    uniform = len({item.split()[1] for item in clustering}) == 1
    key = "USING INDEX sqlite_autoindex_ns$t_1"
    for range_ in (KeyRange(), KeyRange(start=(1,)), KeyRange(start=(1, "a"), end=(1, "b"))):
        request = ScanRequest(target, PartitionSource((1,), range_, reverse), column("v") > 1)
        first = plan(storage, request, None)
        assert first[0].startswith(f"SEARCH ns$t {key} (p=?"), first
        later = plan(storage, request, [1, "a", 2.0])
        assert later[0].startswith(f"SEARCH ns$t {key} (p=? AND"), later
        if uniform:  # the index has the order: nothing is sorted
            assert len(first) == len(later) == 1


def test_a_later_page_of_a_uniform_order_begins_at_its_place(storage: SqliteStorage) -> None:
    target = Table("ns.t", TableSchema({"p": "INT", "a": "INT", "b": "INT"}, ["p"], ["a", "b"]))
    filled(storage, target, [])
    (step,) = plan(storage, ScanRequest(target, PartitionSource((1,))), [1, 2])
    assert step.endswith("(p=? AND (a,b)>(?,?))")
    (step,) = plan(storage, ScanRequest(target, PartitionSource((1,), reverse=True)), [1, 2])
    assert step.endswith("(p=? AND (a,b)<(?,?))")
    (step,) = plan(storage, ScanRequest(target, WholeTableSource()), [1, 1, 2])
    assert step.startswith("SEARCH ns$t USING ")
    assert step.endswith("sqlite_autoindex_ns$t_1 ((p,a,b)>(?,?,?))")


def test_an_index_read_searches_the_index(storage: SqliteStorage) -> None:
    target = table("a", "b", "c")
    filled(storage, target, [])
    request = ScanRequest(target, IndexSource("w", "x"))
    assert plan(storage, request, None)[0].startswith("SEARCH ns$t USING INDEX index_ns_t_w (w=?)")


def test_rows_whose_key_java_made_null_are_still_met(storage: SqliteStorage) -> None:
    target = Table("ns.t", TableSchema({"p": "INT", "c": "DOUBLE"}, ["p"], ["c"]))
    filled(storage, target, [{"p": 1, "c": c} for c in (1.0, 2.0, 3.0)])
    (path,) = [row[2] for row in storage.connections.read("PRAGMA database_list")]
    by_hand(path, 'INSERT INTO "ns$t" VALUES (1, NULL)')
    for reverse, expected in ((False, [None, 1.0, 2.0, 3.0]), (True, [3.0, 2.0, 1.0, None])):
        request = ScanRequest(target, PartitionSource((1,), reverse=reverse), page_size=2)
        assert [row["c"] for row in all_rows(storage, request)] == expected


def test_a_long_filter_is_no_error(storage: SqliteStorage) -> None:
    target = table("a", "b", "c")
    row: Row = {"p": 1, "a": 1, "b": "a", "c": 1.0, "v": 1, "w": None, "x": None}
    filled(storage, target, [row])
    # The least that a build of SQLite may allow; some allow more.
    storage.connections._idle[0].setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 10_000)
    for terms in (3000, 20_000):
        where = Or(tuple(column("v") == 1 - i for i in range(terms)))
        assert all_rows(storage, ScanRequest(target, WholeTableSource(), where)) == [row]


def test_pages_of_orders_that_no_index_has_grow(storage: SqliteStorage) -> None:
    target = Table("ns.t", TableSchema({"p": "INT", "w": "INT"}, ["p"], (), ["w"]))
    filled(storage, target, [{"p": p, "w": 1} for p in range(30)])
    pages = all_pages(storage, ScanRequest(target, IndexSource("w", 1), page_size=3))
    assert [len(page) for page in pages] == [3, 6, 12, 9]


def test_wrong_requests_are_refused(storage: SqliteStorage) -> None:
    target = table("a", "b", "c")
    filled(storage, target, [])
    wrong = [
        ScanRequest(target, WholeTableSource((OrderBy("nothing", Order.ASC),))),
        ScanRequest(target, WholeTableSource(), column("nothing") == 1),
        ScanRequest(target, IndexSource("v", 1)),
    ]
    for request in wrong:
        with pytest.raises(InvalidOperationError):
            all_rows(storage, request)
    for name in ("nothing", "a"):
        with pytest.raises(InvalidOperationError):
            mutate(storage, Write(target, (1, 1, "a", 1.0), {name: 1}))
