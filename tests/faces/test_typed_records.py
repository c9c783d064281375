"""What do operations give that name a class instead of a table, on both faces and over a node?"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from scalar_tx import (
    ConditionNotMetError,
    ConflictError,
    Delete,
    Get,
    Insert,
    InvalidOperationError,
    Put,
    RecordNotFoundError,
    Scan,
    Update,
    Upsert,
    column,
    if_exists,
    if_not_exists,
)
from tests.faces.either import Face, each, entered, now
from tests.faces.tables import ACCOUNT, ENTRY, EVERY_TYPE, make_accounts, make_entries
from tests.faces.typed_classes import ONE, Account, Entry, EveryType, Shirt, Size, make_shirts


async def test_reads(db: Any) -> None:
    await make_accounts(db)
    for owner in (db.begin(), db):
        assert await now(owner.get(Account, {"id": 1})) == ONE
        assert await now(owner.get(Account, key={"id": 9})) is None
        assert await now(owner.get(Account, {"id": 1}, where=column("balance") > 100)) is None
        assert await now(owner.get(Account, index={"owner": "owner 0"})) == replace(
            ONE, id=2, owner="owner 0"
        )
        found = await now(owner.scan(Account, whole_table=True, order_by=["-id"], limit=2))
        assert found == [replace(ONE, id=3), Account(2, "owner 0", 100)]
        assert await now(owner.scan(Account, {"id": 1})) == [ONE]
        assert await now(owner.scan(Account, {"id": 7})) == []
        by_index = await now(owner.scan(Account, index={"owner": "owner 1"}))
        assert sorted(one.id for one in by_index) == [1, 3]


async def test_a_range_of_a_partition(db: Any) -> None:
    await make_entries(db)
    found = await now(
        db.scan(Entry, {"day": "mon"}, start={"seq": 2}, end={"seq": 4}, end_inclusive=False)
    )
    assert found == [Entry(day="mon", seq=n, part="x", amount=n * 10) for n in (3, 2)]


async def test_pages(db: Any) -> None:
    await make_entries(db, count=7)
    tx = db.begin()
    async with entered(await now(tx.scanner(Entry, {"day": "mon"}, limit=3))) as scan:
        assert [one.seq async for one in each(scan)] == [7, 6, 5]
        token = scan.page_token
    rest = await now(tx.scanner(Entry, partition={"day": "mon"}, after=token))
    assert [(type(one), one.seq) async for one in each(rest)] == [(Entry, n) for n in (4, 3, 2, 1)]
    assert await now(rest.next_page()) is None
    await now(rest.close())
    await now(tx.commit())


@pytest.mark.parametrize("alone", [True, False], ids=["a manager", "a transaction"])
async def test_writes(db: Any, alone: bool) -> None:
    await make_accounts(db, count=2)
    owner = db if alone else db.begin()
    await now(owner.insert(Account(5, None, 7)))
    assert await now(owner.get(Account, {"id": 5})) == Account(5, None, 7)
    await now(owner.update(Account(5, "five", 8)))
    await now(owner.update(Account, {"id": 5}, {"balance": 9}))
    assert await now(owner.get(Account, {"id": 5})) == Account(5, "five", 9)
    await now(owner.upsert(Account(5, "upserted", 10)))
    await now(owner.upsert(Account(6, "six", 10)))
    await now(owner.put(Account(7, "seven", 10)))
    await now(owner.insert(Account, {"id": 8, "owner": "eight", "balance": 1}))
    await now(owner.delete(Account(1, "whoever", 0)))
    await now(owner.delete(Account, {"id": 2}))
    if not alone:
        await now(owner.commit())
    assert sorted(
        (one.id, one.owner, one.balance) for one in await now(db.scan(Account, whole_table=True))
    ) == [(5, "upserted", 10), (6, "six", 10), (7, "seven", 10), (8, "eight", 1)]


async def test_conditions_of_writes(db: Any) -> None:
    await make_accounts(db, count=1)
    richer = replace(ONE, balance=200)
    with pytest.raises(ConditionNotMetError) as caught:
        await now(db.update(richer, where=column("balance") > 100))
    assert caught.value.record == {"id": 1, "owner": "owner 1", "balance": 100}
    with pytest.raises(RecordNotFoundError):
        await now(db.update(replace(ONE, id=9)))
    await now(db.update(replace(ONE, id=9), missing="ignore"))
    with pytest.raises(ConditionNotMetError):
        await now(db.delete(ONE, where=column("balance") > 100))
    with pytest.raises(ConditionNotMetError):
        await now(db.put(ONE, where=if_not_exists, implicit_pre_read=True))
    tx = db.begin()
    with pytest.raises(ConflictError):
        await insert_it(tx)
    assert await now(db.scan(Account, whole_table=True)) == [ONE]
    await now(db.update(richer, where=if_exists))
    assert await now(db.get(Account, {"id": 1})) == richer


async def insert_it(tx: Any) -> None:
    await now(tx.insert(ONE))
    await now(tx.commit())


async def test_values(db: Any) -> None:
    await make_accounts(db)
    found = await now(
        db.batch(
            [
                Get(Account, {"id": 1}),
                Get(ACCOUNT, {"id": 2}, columns=["balance"]),
                Insert(Account(4, "four", 4)),
                Update(Account, {"id": 1}, {"balance": 1}),
                Update(replace(ONE, id=3, balance=3)),
                Scan(Account, {"id": 3}),
                Get(Account, {"id": 9}),
                Delete(replace(ONE, id=2)),
            ]
        )
    )
    assert found[0] == ONE
    assert dict(found[1]) == {"balance": 100}
    assert found[2:5] == [None, None, None]
    assert found[5] == [replace(ONE, id=3, balance=3)]
    assert found[6:] == [None, None]
    await now(db.mutate([Upsert(Account(5, None, 5)), Put(Account(6, None, 6)), Delete(ONE)]))
    assert sorted(
        (one.id, one.balance) for one in await now(db.scan(Account, whole_table=True))
    ) == [
        (3, 3),
        (4, 4),
        (5, 5),
        (6, 6),
    ]


async def test_columns_beside_the_fields_are_left_alone(db: Any) -> None:
    await make_entries(db, days=("mon",), count=1)
    [entry] = await now(db.scan(Entry, {"day": "mon"}))
    entry.amount = 77
    await now(db.update(entry))
    await now(db.insert(Entry(day="tue", seq=1, part="y")))
    key = {"seq": 1, "part": "x"}
    assert await now(db.get(ENTRY, {"day": "mon", **key})) == {
        "day": "mon",
        **key,
        "what": "w1",
        "amount": 77,
    }
    stored = await now(db.get(ENTRY, {"day": "tue", "seq": 1, "part": "y"}))
    assert (stored["what"], stored["amount"]) == (None, None)


async def test_every_type(db: Any) -> None:
    await now(
        db.admin.create_table(
            "shop.every_type", columns={"id": "BIGINT", **EVERY_TYPE}, partition_key=["id"]
        )
    )
    full = EveryType(
        1,
        a_boolean=True,
        an_int=-5,
        a_bigint=2**40,
        a_float=0.5,
        a_double=0.1,
        a_text="ä",
        a_blob=b"\x00\xff",
        a_date=dt.date(2024, 2, 29),
        a_time=dt.time(1, 2, 3, 456789),
        a_timestamp=dt.datetime(2024, 1, 2, 3, 4, 5, 678000),
        a_timestamptz=dt.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC),
    )
    await now(db.insert(full))
    await now(db.insert(EveryType(2)))
    assert await now(db.get(EveryType, {"id": 1})) == full
    assert await now(db.get(EveryType, {"id": 2})) == EveryType(2)
    with pytest.raises(InvalidOperationError, match=r"shop\.every_type\.a_date is DATE") as caught:
        await now(db.upsert(EveryType(1, a_date=dt.datetime(2024, 1, 1))))
    assert caught.value.code == "STX-3010"


async def test_enumerations_and_literals(db: Any) -> None:
    await make_shirts(db)
    shirt = Shirt(1, Size.LARGE)
    await now(db.insert(shirt))
    key = {"size": Size.LARGE, "id": 1}
    stored = await now(db.get("shop.shirt", {"size": "l", "id": 1}))
    assert type(stored["size"]) is str
    found = await now(db.get(Shirt, key))
    assert found == shirt
    assert found.size is Size.LARGE
    assert await now(db.scan(Shirt, {"size": Size.LARGE}, start={"id": 1})) == [shirt]
    await now(db.update(Shirt, key, {"state": "sold"}))
    await now(db.upsert(Shirt, {**key, "id": 2, "state": "new"}))
    await now(db.delete(Shirt, {"size": "l", "id": 2}))
    assert await now(db.scan(Shirt, whole_table=True)) == [Shirt(1, Size.LARGE, "sold")]
    await now(db.delete(shirt))
    assert await now(db.scan(Shirt, whole_table=True)) == []
    for wrong, place in (
        (Shirt(1, "xl"), "Shirt.size is Size, not str 'xl'"),  # type: ignore[arg-type]
        (Shirt(1, Size.SMALL, "lost"), r"Shirt.state is Literal\['new', 'sold'\]"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidOperationError, match=place) as caught:
            await now(db.insert(wrong))
        assert caught.value.code == "STX-3010"


async def test_one_class_for_tables_of_several_databases(db: Any, face: Face) -> None:
    await make_accounts(db, count=1)
    other = face.open("memory://")
    try:
        await now(
            other.admin.create_table(
                ACCOUNT,
                columns={"owner": "TEXT", "id": "BIGINT", "balance": "INT"},
                partition_key=["owner"],
                clustering_key=["id"],
            )
        )
        for _ in range(2):
            await now(other.upsert(ONE))
            assert await now(db.get(Account, {"id": 1})) == ONE
            assert await now(other.get(Account, {"owner": "owner 1", "id": 1})) == ONE
        await now(other.delete(ONE))
        assert await now(other.scan(Account, whole_table=True)) == []
    finally:
        await now(other.close())


async def test_loading_objects(db: Any) -> None:
    await make_accounts(db, count=0)
    accounts = [Account(n, "me", n) for n in range(7)]
    assert await now(db.load(Account, iter(accounts), batch=3)) == 7
    assert await now(db.load(Account, [{"id": 7, "owner": "me", "balance": 7}])) == 1
    found = await now(db.scan(Account, whole_table=True))
    assert sorted(found, key=lambda one: one.id) == [*accounts, Account(7, "me", 7)]


async def test_parts_of_a_two_phase_transaction(db: Any) -> None:
    await make_accounts(db, count=1)
    tx = db.two_phase.begin()
    found = await now(tx.get(Account, {"id": 1}))
    await now(tx.update(replace(found, balance=0)))
    await now(tx.insert(Account(2, "two", 2)))
    await now(tx.prepare())
    await now(tx.validate())
    await now(tx.commit())
    assert await now(db.get(Account, {"id": 1})) == replace(ONE, balance=0)
    assert await now(db.get(Account, {"id": 2})) == Account(2, "two", 2)


async def test_conflicts_are_as_ever(db: Any) -> None:
    await make_accounts(db, count=1)
    tx = db.begin()
    found = await now(tx.get(Account, {"id": 1}))
    await now(db.update(replace(found, balance=1)))
    await now(tx.update(replace(found, balance=2)))
    with pytest.raises(ConflictError):
        await now(tx.commit())
    assert await now(db.get(Account, {"id": 1})) == replace(ONE, balance=1)
