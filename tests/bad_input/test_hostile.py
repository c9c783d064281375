"""Whatever goes in comes out, and whatever a name is, it never reaches another table."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import tempfile
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scalar_tx
from scalar_tx import InvalidOperationError, ScalarTxError, SchemaError, column
from scalar_tx.model.types import SAFE_BIGINT, to_float32
from tests.bad_input.refusals import blanks, refusal
from tests.faces.tables import EVERY_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE: Final = (
    *("select", "table", "order", "a b", "a'b", 'a"b', "a`b", "a;b", "a--b", "a/*b*/", "x' OR '1"),
    *(
        'x"; DROP TABLE "a',
        "*",
        "%",
        "_",
        "?",
        ":name",
        "@p",
        "$1",
        "#{x}",
        "{0}",
        "%s",
        "\\",
        "\n",
    ),
    *("tx_id", "before_a", "rowid", "sqlite_master", "sqlite_x", "metadata", "scalardb", "state"),
    *("coordinator", "é", "e\u0301", "\U0001f600", "\u202e", "A", "a", "1", "-", "null", "true"),
    *("a$b", "$", "a,b", "[a]", "(a)", "a\tb", " ", " a", "a ", "=", "None", "__class__"),
)
WORD: Final = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)
FINITE_32: Final = st.floats(width=32, allow_nan=False)
VALUE_OF: Final[dict[str, st.SearchStrategy[Any]]] = {
    "a_boolean": st.booleans(),
    "an_int": st.integers(-(2**31), 2**31 - 1),
    "a_bigint": st.integers(-SAFE_BIGINT, SAFE_BIGINT),
    "a_float": FINITE_32,
    "a_double": st.floats(allow_nan=False),
    "a_text": st.one_of(
        st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]))
    ),
    "a_blob": st.binary(max_size=50),
    "a_date": st.dates(min_value=dt.date(1000, 1, 1)),
    "a_time": st.times(),
    "a_timestamp": st.datetimes(min_value=dt.datetime(1000, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    ),
    "a_timestamptz": st.datetimes(min_value=dt.datetime(1000, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=dt.UTC)
    ),
}
NULLABLE: Final = {name: st.one_of(st.none(), values) for name, values in VALUE_OF.items()}
BOUNDED: Final = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as directory:
        target = f"sqlite:///{directory}/data.db?synchronous=off"
        with scalar_tx.connect("memory://" if request.param == "memory" else target) as db:
            db.admin.create_table(
                "t.every", columns={"id": "INT", **EVERY_TYPE}, partition_key=["id"]
            )
            for name, data_type in EVERY_TYPE.items():
                db.admin.create_table(
                    f"t.by_{name}",
                    columns={"p": data_type, "c": data_type, "v": data_type},
                    partition_key=["p"],
                    clustering_key=["c"],
                    secondary_index=["v"],
                )
            yield db


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return type(one) is type(other) and bool(one == other)


def test_every_type_has_values() -> None:
    assert VALUE_OF.keys() == EVERY_TYPE.keys()
    assert to_float32(0.1) != 0.1


@BOUNDED
@given(row=st.fixed_dictionaries(NULLABLE))
def test_values_of_all_types(store: Any, row: dict[str, Any]) -> None:
    store.upsert("t.every", {"id": 1, **row})
    record = store.get("t.every", {"id": 1})
    for name, value in row.items():
        assert same(record[name], value) or (value == 0 and record[name] == 0), name
        if value is not None:
            found = store.scan("t.every", whole_table=True, where=column(name) == value)
            assert len(found) == 1, name
            assert store.scan("t.every", whole_table=True, where=column(name) != value) == []


@BOUNDED
@given(data=st.data(), name=st.sampled_from(sorted(EVERY_TYPE)))
def test_keys_of_all_types(store: Any, name: str, data: st.DataObject) -> None:
    table = f"t.by_{name}"
    values = data.draw(st.lists(VALUE_OF[name], min_size=2, max_size=4))
    partition, *clustering = values
    written = []
    for value in clustering:
        row = {"p": partition, "c": value, "v": values[-1]}
        error = asyncio.run(refusal(store.upsert, table, row))
        if error is None:
            written.append(row)
        else:  # an empty key, or what the storage can't have in one
            assert isinstance(error, InvalidOperationError)
            assert blanks(error) == []
    try:
        for row in written:
            assert dict(store.get(table, {"p": row["p"], "c": row["c"]})) == row
        found = [dict(r) for r in store.scan(table, {"p": partition})] if written else []
        distinct = {
            repr(row["c"] + 0.0 if isinstance(row["c"], float) else row["c"]) for row in written
        }
        assert len(found) == len(distinct)
        assert [r["c"] for r in found] == sorted(r["c"] for r in found)
        if written:
            assert len(store.scan(table, index={"v": values[-1]})) == len(found)
    finally:
        store.admin.truncate_table(table)


@BOUNDED
@given(
    namespace=WORD,
    names=st.lists(WORD, min_size=2, max_size=3, unique=True),
    columns=st.lists(WORD, min_size=2, max_size=4, unique=True),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_hostile_names(
    store: Any, namespace: str, names: list[str], columns: list[str], text: str
) -> None:
    """A name is refused, or it is a table of its own and no other is touched."""
    key, *others = columns
    store.upsert("t.every", {"id": 7, "a_text": "bystander"})
    before = set(store.admin.stored_tables("t"))
    made = []
    try:
        for name in names:
            table = f"{namespace}.{name}"
            error = asyncio.run(
                refusal(
                    store.admin.create_table,
                    table,
                    columns={key: "INT", **dict.fromkeys(others, "TEXT")},
                    partition_key=[key],
                    secondary_index=others[:1],
                )
            )
            if error is not None:
                assert isinstance(error, InvalidOperationError | SchemaError), error
                assert blanks(error) == []
                continue
            made.append(table)
            schema = store.admin.table(table)
            assert list(schema.columns) == columns
        for number, table in enumerate(made):
            store.insert(table, {key: number, **dict.fromkeys(others, text + str(number))})
        for number, table in enumerate(made):
            rows = [dict(r) for r in store.scan(table, whole_table=True)]
            assert rows == [{key: number, **dict.fromkeys(others, text + str(number))}]
            by_index = store.scan(table, index={others[0]: text + str(number)})
            assert len(by_index) == 1
            where = column(others[-1]).is_not_null() & (column(key) == number)
            assert len(store.scan(table, whole_table=True, where=where, order_by=["-" + key])) == 1
            store.update(table, {key: number}, {others[0]: None})
            assert store.get(table, {key: number})[others[0]] is None
        assert not made or set(made) <= set(store.admin.tables(namespace))
    finally:
        for table in made:
            store.delete(table, {key: made.index(table)})
            assert store.scan(table, whole_table=True) == []
            store.admin.drop_table(table)
    assert store.get("t.every", {"id": 7})["a_text"] == "bystander"
    assert set(store.admin.stored_tables("t")) == before


@BOUNDED
@given(name=st.one_of(WORD, st.text(max_size=8)), text=st.text(max_size=8))
def test_names_that_are_not_there(store: Any, name: str, text: str) -> None:
    """Reading, writing and asking by any name or id is refused, in our own words."""
    for call, arguments in (
        (store.get, (f"t.{name}", {"id": 1})),
        (store.get, (f"{name}.{text}", {"id": 1})),
        (store.get, (name, {"id": 1})),
        (store.get, ("t.every", {name: 1})),
        (store.upsert, ("t.every", {"id": 1, name: text})),
        (store.scan, ("t.every", {"id": 1, name: 2})),
        (store.admin.drop_table, (f"t.{name}",)),
        (store.admin.table, (f"{text}.{name}",)),
        (store.state, (name,)),
        (store.resume, (text,)),
    ):
        error = asyncio.run(refusal(call, *arguments))
        assert error is None or (isinstance(error, ScalarTxError) and blanks(error) == []), (
            call,
            arguments,
            error,
        )
