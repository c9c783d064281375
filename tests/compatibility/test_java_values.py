"""What Java writes we read, and what we write Java reads: every type, key, order and index."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import InvalidOperationError, column
from tests.compatibility.bank import COMMITTED, look
from tests.compatibility.java_peer import Expression
from tests.compatibility.ours import ours
from tests.compatibility.type_limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from scalar_tx import Record, TransactionManager
    from tests.compatibility.java_cells import Row, Value
    from tests.compatibility.java_peer import JavaPeer, JavaSession

CASES = [(name, value) for name, cases in LIMITS.items() for value, _ in cases]
# TIMESTAMP values beside a TIMESTAMPTZ column and so on: one column a type.
TYPED = {f"c_{name.lower()}": name for name in LIMITS}
TECHNICAL = {"tx_id", "tx_prepared_at", "tx_committed_at"}


@pytest.fixture
def session(java: JavaPeer, file: Path) -> Iterator[JavaSession]:
    opened = java.open_sqlite(file)
    opened.create_coordinator()
    yield opened
    opened.close()


@pytest.fixture
def db(file: Path) -> Iterator[TransactionManager]:
    with ours(file, bigint_range=64) as manager:
        yield manager


def plain(record: Record | None) -> Row | None:
    return None if record is None else dict(record)


def cells(file: Path, table: str, where: str = "1") -> list[dict[str, Any]]:
    """The stored cells with their storage classes, without what differs between transactions."""
    stored = f'"{table.replace(".", "$")}"'
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row["name"]
            for row in connection.execute(f"PRAGMA table_info({stored})")
            if row["name"] not in TECHNICAL
        ]
        columns = ", ".join(f'"{n}", typeof("{n}") AS "type of {n}"' for n in names)
        rows = connection.execute(f"SELECT {columns} FROM {stored} WHERE {where} ORDER BY 1")
        return [dict(row) for row in rows]


def types_agree(left: Mapping[str, object], right: Mapping[str, object]) -> bool:
    return [type(left[name]) for name in right] == [type(value) for value in right.values()]


# Values


def test_each_reads_every_value_that_the_other_wrote(
    session: JavaSession, db: TransactionManager, file: Path
) -> None:
    """Rows 0.. are Java's, rows 1000.. ours; then each writes over the other's."""
    cases = [*CASES, *((name, None) for name in LIMITS)]
    session.create_table("shop.types", {"id": "INT", **TYPED}, ["id"])

    def row(number: int, name: str, value: Value) -> Row:
        return {"id": number, **dict.fromkeys(TYPED), f"c_{name.lower()}": value}

    theirs = [row(number, *case) for number, case in enumerate(cases)]
    own = [{**each, "id": 1000 + number} for number, each in enumerate(theirs)]
    with session.transaction() as tx:
        for each in theirs:
            tx.insert("shop.types", each)
    with db.transaction() as tx_of_ours:
        for each in own:
            tx_of_ours.insert("shop.types", each)

    def check(expected: Sequence[Row]) -> None:
        with db.transaction(read_only=True) as reader:
            for each in expected:
                found = reader.get("shop.types", {"id": each["id"]})
                assert found is not None
                assert dict(found) == each
                assert types_agree(found, each)
        with session.transaction(read_only=True) as tx:
            for each in expected:
                read = tx.get("shop.types", {"id": each["id"]})
                assert read == each
                assert types_agree(read, each)
        halves = [
            [{**each, "id": 0} for each in cells(file, "shop.types", f"id {which} 1000")]
            for which in ("<", ">=")
        ]
        assert halves[0] == halves[1], "both store the same cells"

    check([*theirs, *own])

    # Each moves every value on by one row, over what the other wrote: before images hold them all.
    moved = [{**each, "id": number} for number, each in enumerate([*theirs[1:], theirs[0]])]
    ours_moved = [{**each, "id": 1000 + number} for number, each in enumerate(moved)]
    with db.transaction() as tx_of_ours:
        for each in moved:
            tx_of_ours.upsert("shop.types", each)
    with session.transaction() as tx:
        for each in ours_moved:
            tx.upsert("shop.types", each)
    check([*moved, *ours_moved])
    assert {each["tx_version"] for each in look(file, "shop.types")} == {2}


def test_a_bigint_beyond_2_to_the_53_is_read_though_not_written(
    session: JavaSession, file: Path
) -> None:
    session.create_table("shop.big", {"id": "BIGINT", "n": "BIGINT", "note": "TEXT"}, ["id"])
    with session.transaction() as tx:
        tx.insert("shop.big", {"id": 2**63 - 1, "n": -(2**63), "note": "a"})
        tx.insert("shop.big", {"id": 1, "n": 2**53 + 1, "note": "a"})
    with ours(file) as db:
        assert {row["n"] for row in db.scan("shop.big", whole_table=True)} == {-(2**63), 2**53 + 1}
        db.update("shop.big", {"id": 1}, {"note": "b"})
        with pytest.raises(InvalidOperationError, match="bigint_range"):
            db.upsert("shop.big", {"id": 1, "n": 2**53 + 1})
    with session.transaction(read_only=True) as tx:
        assert tx.get("shop.big", {"id": 1}) == {"id": 1, "n": 2**53 + 1, "note": "b"}


# Keys, orders, ranges


@pytest.mark.parametrize("name", LIMITS)
def test_every_type_is_a_key_in_both_orders(
    session: JavaSession, db: TransactionManager, name: str
) -> None:
    values = [value for value, _ in LIMITS[name] if value not in ("", b"")]
    ordered: list[Any] = sorted(values, key=lambda value: value)
    table = "shop.keys"
    columns = {"p": name, "up": name, "down": name, "v": "INT"}
    session.create_table(table, columns, ["p"], ["up", "down DESC"])
    first = values[0]
    keys = [{"p": first, "up": up, "down": down} for up in values for down in values]
    keys += [{"p": value, "up": value, "down": value} for value in values[1:]]
    rows = [{**each, "v": number} for number, each in enumerate(keys)]
    with session.transaction() as tx, db.transaction() as tx_of_ours:
        for number, each in enumerate(rows):
            if number % 2:
                tx.insert(table, each)
            else:
                tx_of_ours.insert(table, each)

    by_key = {(each["p"], each["up"], each["down"]): each for each in rows}
    partition = [
        by_key[first, up, down] for up in ordered for down in reversed(ordered)
    ]  # "up" rises, "down" falls
    with session.transaction(read_only=True) as tx, db.transaction(read_only=True) as reader:
        for each, row in zip(keys, rows, strict=True):
            assert plain(reader.get(table, each)) == row
            assert tx.get(table, each) == row
        where = {"p": first}
        for order, expected in (
            (["up", "-down"], partition),
            (["-up", "down"], partition[::-1]),
        ):
            assert [dict(r) for r in reader.scan(table, where, order_by=order)] == expected
            assert tx.scan(table, where, order_by=order) == expected
        # A range over "up", then one over "down" below one value of "up".
        low, high = ordered[0], ordered[-1]
        ranges: list[dict[str, Any]] = [
            {"start": {"up": low}, "start_inclusive": False, "end": {"up": high}},
            {"start": {"up": low, "down": low}, "end": {"up": low, "down": high}},
            {
                "start": {"up": high, "down": low},
                "end": {"up": high, "down": high},
                "start_inclusive": False,
                "end_inclusive": False,
            },
            {"start": {"up": low}, "limit": 2},
        ]
        for wanted in ranges:
            assert [dict(r) for r in reader.scan(table, where, **wanted)] == tx.scan(
                table, where, **wanted
            ), wanted

    # Each removes what the other wrote.
    with session.transaction() as tx:
        for each in keys[::2]:
            tx.delete(table, each)
    with db.transaction() as tx_of_ours:
        assert len(tx_of_ours.scan(table, whole_table=True)) == len(keys) // 2
        for each in keys[1::2]:
            tx_of_ours.delete(table, each)
    with session.transaction(read_only=True) as tx:
        assert tx.scan(table) == []


def test_a_composite_key_is_the_same_key_to_both(
    session: JavaSession, db: TransactionManager
) -> None:
    table = "shop.visits"
    columns = {
        "region": "TEXT",
        "day": "DATE",
        "at": "TIMESTAMPTZ",
        "seat": "INT",
        "note": "TEXT",
    }
    session.create_table(table, columns, ["region", "day"], ["at DESC", "seat"])
    day = datetime(2024, 2, 29, tzinfo=UTC)
    rows: list[Row] = [
        {
            "region": region,
            "day": day.date(),
            "at": day.replace(hour=hour),
            "seat": seat,
            "note": f"{region} {hour} {seat}",
        }
        for region in ("a", "a\0b", "ä")
        for hour in (1, 2)
        for seat in (-1, 0, 1)
    ]
    with db.transaction() as tx_of_ours:
        for each in rows[:9]:
            tx_of_ours.insert(table, each)
    with session.transaction() as tx:
        for each in rows[9:]:
            tx.insert(table, each)

    with session.transaction(read_only=True) as tx, db.transaction(read_only=True) as reader:
        for region in ("a", "a\0b", "ä"):
            where = {"region": region, "day": day.date()}
            expected = [row for row in rows if row["region"] == region]
            expected = expected[3:] + expected[:3]  # "at" falls, "seat" rises
            assert [dict(row) for row in reader.scan(table, where)] == expected
            assert tx.scan(table, where) == expected
            late: dict[str, Any] = {
                "start": {"at": day.replace(hour=2)},
                "end": {"at": day.replace(hour=2)},
            }
            assert [dict(row) for row in reader.scan(table, where, **late)] == expected[:3]
            assert tx.scan(table, where, **late) == expected[:3]
        lookup = [row["note"] for row in reader.scan(table, whole_table=True, order_by=["-note"])]
        assert lookup == [row["note"] for row in tx.scan(table, order_by=["-note"])]
        assert lookup == sorted((str(row["note"]) for row in rows), reverse=True)


# Filters and indexes


def test_every_type_is_found_by_its_index(
    session: JavaSession, db: TransactionManager, file: Path
) -> None:
    table = "shop.indexed"
    session.create_table(table, {"id": "INT", **TYPED}, ["id"], (), list(TYPED))
    with session.transaction() as tx, db.transaction() as tx_of_ours:
        for number, (name, value) in enumerate(CASES):
            tx.insert(table, {"id": number, f"c_{name.lower()}": value})
            tx_of_ours.insert(table, {"id": 1000 + number, f"c_{name.lower()}": value})

    with session.transaction(read_only=True) as tx, db.transaction(read_only=True) as reader:
        for number, (name, value) in enumerate(CASES):
            index = {f"c_{name.lower()}": value}
            expected = [number, 1000 + number]
            found = reader.scan(table, index=index)
            assert sorted(int(str(row["id"])) for row in found) == expected, (name, value)
            assert sorted(int(str(row["id"])) for row in tx.scan(table, index=index)) == expected

    # Over the other's row, and each finds what stands now.
    with session.transaction() as tx, db.transaction() as tx_of_ours:
        for number, (name, _) in enumerate(CASES):
            tx.update(table, {"id": 1000 + number}, {f"c_{name.lower()}": None})
            tx_of_ours.update(table, {"id": number}, {f"c_{name.lower()}": None})
    with session.transaction(read_only=True) as tx, db.transaction(read_only=True) as reader:
        for name, value in CASES:
            index = {f"c_{name.lower()}": value}
            assert reader.scan(table, index=index) == []
            assert tx.scan(table, index=index) == []
    assert len(look(file, table)) == 2 * len(CASES)


def test_a_filter_chooses_the_same_rows(session: JavaSession, db: TransactionManager) -> None:
    table = "shop.filtered"
    session.create_table(table, {"id": "INT", **TYPED}, ["id"])
    with session.transaction() as tx:
        for number, (name, value) in enumerate(CASES):
            tx.insert(table, {"id": number, f"c_{name.lower()}": value})
    compared = 0
    with session.transaction(read_only=True) as tx, db.transaction(read_only=True) as reader:
        for name, value in CASES:
            at = column(f"c_{name.lower()}")
            for operator, condition in (
                ("EQ", at == value),
                ("NE", at != value),
                ("GT", at > value),
                ("GTE", at >= value),
                ("LT", at < value),
                ("LTE", at <= value),
            ):
                where = [[Expression(f"c_{name.lower()}", operator, value)]]
                theirs = [row["id"] for row in tx.scan(table, where=where, order_by=["id"])]
                found = reader.scan(table, whole_table=True, where=condition, order_by=["id"])
                assert [row["id"] for row in found] == theirs, (name, operator, value)
                compared += len(theirs)
    assert compared > len(CASES)


# Names


LONG = "a_rather_long_namespace_name.a_rather_long_table_name"
LONG_COLUMN = "a_rather_long_column_name"


@pytest.mark.parametrize("maker", ["java", "ours"])
def test_names_in_mixed_case_and_long_ones_are_the_same_to_both(
    session: JavaSession, db: TransactionManager, file: Path, maker: str
) -> None:
    tables: dict[str, dict[str, Any]] = {
        "MixedCase.OrderTable": {
            "columns": {"Id": "INT", "orderedAt": "TIMESTAMP", "select": "TEXT", "Id2": "TEXT"},
            "partition_key": ["Id"],
            "clustering_key": ["orderedAt DESC"],
            "secondary_index": ["select"],
        },
        LONG: {
            "columns": {"id": "INT", LONG_COLUMN: "TEXT"},
            "partition_key": ["id"],
            "secondary_index": [LONG_COLUMN],
        },
    }
    for table, definition in tables.items():
        if maker == "java":
            session.create_table(table, **definition)
        else:
            db.admin.create_table(table, **definition)
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        indexes = {name for (name,) in found}
    hashed = [
        "index_"
        + hashlib.sha256(f"index_{LONG.replace('.', '_')}_{name}".encode()).hexdigest()[:32]
        for name in (LONG_COLUMN, f"before_{LONG_COLUMN}")
    ]
    assert hashed[0] == "index_bd6e0075e3b51f3ce1f1a37fd73d73c9"
    assert indexes >= {
        "index_MixedCase_OrderTable_select",
        "index_MixedCase_OrderTable_before_select",
        *hashed,
    }

    at = datetime(2024, 2, 29, 12)
    mixed: Row = {"Id": 1, "orderedAt": at, "select": "x", "Id2": "y"}
    with session.transaction() as tx:
        tx.insert("MixedCase.OrderTable", mixed)
        tx.insert(LONG, {"id": 1, LONG_COLUMN: "x"})
    with db.transaction() as tx_of_ours:
        tx_of_ours.insert("MixedCase.OrderTable", {**mixed, "Id": 2})
        tx_of_ours.insert(LONG, {"id": 2, LONG_COLUMN: "x"})
        found_by_index = tx_of_ours.scan(LONG, index={LONG_COLUMN: "x"})
    assert sorted(row["id"] for row in found_by_index) == [1, 2]  # type: ignore[type-var]
    with session.transaction(isolation="SERIALIZABLE") as tx:
        rows = tx.scan("MixedCase.OrderTable", index={"select": "x"})
        assert sorted(rows, key=lambda row: str(row["Id"])) == [mixed, {**mixed, "Id": 2}]
        assert len(tx.scan(LONG, index={LONG_COLUMN: "x"})) == 2
        tx.delete(LONG, {"id": 2})
    assert plain(db.get("MixedCase.OrderTable", {"Id": 2, "orderedAt": at})) == {**mixed, "Id": 2}
    assert db.get(LONG, {"id": 2}) is None
    assert {row["tx_state"] for row in look(file, LONG)} == {COMMITTED}
