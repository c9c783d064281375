"""What do conditions mean, and what becomes of a value of each type?"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import InvalidOperationError, column
from tests.bad_input.refusals import refusal
from tests.faces.either import Face, close, now
from tests.faces.tables import EVERY_TYPE

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx.model.conditions import Condition

UTC = dt.UTC
WORDS = {1: "apple", 2: "Apple", 3: "a%b", 4: "a_b", 5: None, 6: "", 7: "\U0001f600", 8: "\uffff"}


async def found(db: Any, where: Condition) -> set[int]:
    """The words a condition chooses; by scan, by get and, as a write's condition, by update."""
    tx = db.begin()
    rows = await now(tx.scan("t.word", whole_table=True, where=where))
    ids = {r["id"] for r in rows}
    for number in WORDS:
        one = await now(tx.get("t.word", {"id": number}, where=where))
        assert (one is not None) == (number in ids)
    await now(tx.rollback())
    return ids


async def test_conditions(db: Any) -> None:
    await now(
        db.admin.create_table(
            "t.word", columns={"id": "INT", "w": "TEXT", "n": "INT"}, partition_key=["id"]
        )
    )
    await now(db.load("t.word", [{"id": n, "w": w, "n": n % 3} for n, w in WORDS.items()]))
    w, n = column("w"), column("n")
    for where, expected in (
        (w == "apple", {1}),
        (w != "apple", {2, 3, 4, 6, 7, 8}),  # NULL is neither
        (w > "a", {1, 3, 4, 7, 8}),
        (w < "a", {2, 6}),
        (w >= "\uffff", {7, 8}),  # by code point, not by UTF-16
        (w > "\uffff", {7}),
        (w <= "", {6}),
        (w.is_null(), {5}),
        (w.is_not_null(), {1, 2, 3, 4, 6, 7, 8}),
        (w.like("a%"), {1, 3, 4}),  # case-sensitive
        (w.like("A%"), {2}),
        (w.like("_"), {7, 8}),
        (w.like("a\\%b"), {3}),
        (w.like("a!_b", escape="!"), {4}),
        (w.like("a_b", escape=""), {3, 4}),
        (w.like(""), {6}),
        (w.not_like("a%"), {2, 6, 7, 8}),
        ((n == 1) & (w > "a"), {1, 4, 7}),
        ((n == 1) | w.is_null(), {1, 4, 5, 7}),
        ((w == "apple") | (w == "Apple") & (n == 0), {1}),
        ((n >= 1) & (n < 2) & (n != 0), {1, 4, 7}),
        (column("id") <= 2, {1, 2}),
    ):
        assert await found(db, where) == expected, where


EXACT: dict[str, list[Any]] = {
    "a_boolean": [True, False, None],
    "an_int": [-(2**31), 2**31 - 1, 0, None],
    "a_bigint": [-(2**53), 2**53, 0, None],
    "a_float": [
        1.5,
        -0.25,
        3.4028234663852886e38,
        math.inf,
        -math.inf,
        1.401298464324817e-45,
        None,
    ],
    "a_double": [0.1, -1e308, 5e-324, math.inf, -math.inf, None],
    "a_text": ["", "x", "\U0001f600", "a\x00b", "'\"`;--", "\uffff" * 100, None],
    "a_blob": [b"", b"\x00\xff", bytes(range(256)), None],
    "a_date": [dt.date(1000, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31), None],
    "a_time": [dt.time(0), dt.time(23, 59, 59, 999999), None],
    "a_timestamp": [
        *(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999000)),
        *(dt.datetime(1969, 12, 31, 23, 59, 59, 1000), None),
    ],
    "a_timestamptz": [
        dt.datetime(1000, 1, 1, tzinfo=UTC),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 1000, tzinfo=UTC),
        None,
    ],
}
CHANGED: list[tuple[str, Any, Any]] = [
    ("a_float", 0.1, 0.10000000149011612),
    ("a_float", 16777216, 16777216.0),
    ("a_double", 3, 3.0),
    ("a_blob", bytearray(b"x"), b"x"),
    ("a_blob", memoryview(b"x"), b"x"),
    (
        "a_timestamp",
        dt.datetime(2024, 1, 2, 3, 4, 5, 678999),
        dt.datetime(2024, 1, 2, 3, 4, 5, 678000),
    ),
    (
        "a_timestamp",
        dt.datetime(1960, 1, 2, 3, 4, 5, 678999),
        dt.datetime(1960, 1, 2, 3, 4, 5, 678000),
    ),
    (
        "a_timestamptz",
        dt.datetime(2024, 1, 2, 3, 4, 5, 678999, tzinfo=dt.timezone(dt.timedelta(hours=5.5))),
        dt.datetime(2024, 1, 1, 21, 34, 5, 678000, tzinfo=UTC),
    ),
]


async def make_types(db: Any) -> None:
    await now(
        db.admin.create_table("t.typed", columns={"id": "INT", **EVERY_TYPE}, partition_key=["id"])
    )


def same(value: Any, expected: Any) -> bool:
    return type(value) is type(expected) and value == expected


async def test_whatever_goes_in_comes_out(db: Any) -> None:
    await make_types(db)
    assert EXACT.keys() == EVERY_TYPE.keys()
    rows = [
        {"id": number, **{name: values[number % len(values)] for name, values in EXACT.items()}}
        for number in range(max(map(len, EXACT.values())))
    ]
    tx = db.begin()
    for row in rows:
        await now(tx.insert("t.typed", row))
        assert dict(await now(tx.get("t.typed", {"id": row["id"]}))) == row
    await now(tx.commit())
    for row in rows:
        record = await now(db.get("t.typed", {"id": row["id"]}))
        for name, value in row.items():
            assert same(record[name], value), (name, value, record[name])


async def test_what_is_brought_to_its_stored_form_is_so_at_once(db: Any) -> None:
    await make_types(db)
    for number, (name, value, expected) in enumerate(CHANGED):
        tx = db.begin()
        await now(tx.insert("t.typed", {"id": number, name: value}))
        own = await now(tx.get("t.typed", {"id": number}))
        assert same(own[name], expected)
        await now(tx.commit())
        stored = await now(db.get("t.typed", {"id": number}))
        assert same(stored[name], expected)
        assert stored == own


async def test_nan(db: Any) -> None:
    await make_types(db)
    refused = await refusal(db.upsert, "t.typed", {"id": 1, "a_double": math.nan})
    if refused is not None:  # a storage that has no NaN says so
        assert isinstance(refused, InvalidOperationError)
        assert "a_double" in refused.message
        assert await now(db.get("t.typed", {"id": 1})) is None
        return
    record = await now(db.get("t.typed", {"id": 1}))
    assert math.isnan(record["a_double"])


async def test_what_was_handed_in_is_not_aliased(db: Any) -> None:
    await make_types(db)
    row = {"id": 1, "a_blob": bytearray(b"before"), "a_text": "before"}
    tx = db.begin()
    await now(tx.insert("t.typed", row))
    row["a_text"] = "after"
    row["a_blob"][:] = b"after!"  # type: ignore[index]
    await now(tx.commit())
    record = await now(db.get("t.typed", {"id": 1}))
    assert (record["a_text"], record["a_blob"]) == ("before", b"before")


async def test_bigint_can_be_widened(face: Face, tmp_path: Path) -> None:
    for target in ({"scalar.db.storage": "memory"}, f"sqlite:///{tmp_path}/wide.db"):
        db = face.open(target, bigint_range=64)
        await make_types(db)
        for value in (-(2**63), 2**63 - 1):
            await now(db.upsert("t.typed", {"id": 1, "a_bigint": value}))
            assert (await now(db.get("t.typed", {"id": 1})))["a_bigint"] == value
        with pytest.raises(InvalidOperationError):
            await now(db.upsert("t.typed", {"id": 1, "a_bigint": 2**63}))
        await now(db.close())


def test_closing_from_outside_of_a_loop(face: Face) -> None:
    close(face.open("memory://"))
