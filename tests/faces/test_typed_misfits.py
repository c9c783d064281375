"""What is said of a class, an object or a record that does not fit, on both faces?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import (
    Delete,
    Get,
    Insert,
    InvalidOperationError,
    SchemaError,
)
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, make_accounts
from tests.faces.typed_classes import ONE, Account, Entry, Shirt, Size, make_shirts

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_what_is_stored_and_can_be_no_object(db: Any) -> None:
    await make_shirts(db)
    for row, place in (
        ({"size": "l", "id": 3}, r"'id': 3.* of shop.shirt holds NULL in 'state'"),
        ({"size": "xl", "id": 4, "state": "new"}, "'id': 4.* holds 'xl' in 'size'.* no Size"),
        ({"size": "l", "id": 5, "state": "lost"}, "'id': 5.* holds 'lost' in 'state'"),
    ):
        await now(db.upsert("shop.shirt", row))
        key = {"size": row["size"], "id": row["id"]}
        tx = db.begin()
        for owner in (tx, db):
            with pytest.raises(SchemaError, match=place) as caught:
                await now(owner.scan(Shirt, whole_table=True))
            assert caught.value.code == "STX-3096"
        scanner = await now(tx.scanner(Shirt, whole_table=True))
        with pytest.raises(SchemaError, match=place):
            await now(scanner.next_page())
        if row["size"] == Size.LARGE:
            with pytest.raises(SchemaError, match=place):
                await now(tx.get(Shirt, key))
        await now(tx.rollback())
        await now(db.delete("shop.shirt", key))


async def test_a_batch_that_can_make_no_object_writes_nothing(db: Any) -> None:
    await make_shirts(db)
    await now(db.upsert("shop.shirt", {"size": "l", "id": 3}))
    tx = db.begin()
    with pytest.raises(SchemaError):
        await now(tx.batch([Insert(Shirt(4, Size.SMALL)), Get(Shirt, {"size": "l", "id": 3})]))
    assert await now(tx.get(Shirt, {"size": "s", "id": 4})) is None
    await now(tx.commit())
    assert await now(db.get(Shirt, {"size": "s", "id": 4})) is None


async def test_none_where_a_field_is_not_optional(db: Any) -> None:
    await make_shirts(db)
    writes: list[Callable[[], Any]] = [
        lambda: db.insert(Shirt(1, Size.LARGE, None)),  # type: ignore[arg-type]
        lambda: db.upsert(Shirt, {"id": 1, "size": "l", "state": None}),
        lambda: db.update(Shirt, {"id": 1, "size": "l"}, {"state": None}),
    ]
    for write in writes:
        with pytest.raises(InvalidOperationError, match=r"Shirt\.state is None") as caught:
            await now(write())
        assert caught.value.code == "STX-3010"


async def test_a_class_that_does_not_fit_its_table(db: Any) -> None:
    await make_accounts(db)

    @scalar_tx.table(ACCOUNT)
    @dataclass
    class Wrong:
        owne: str
        owner: int
        balance: str | None = None

    calls: list[Callable[[], Any]] = [
        lambda: db.get(Wrong, {"id": 1}),
        lambda: db.scan(Wrong, whole_table=True),
        lambda: db.insert(Wrong("a", 1)),
        lambda: db.begin().scanner(Wrong, whole_table=True),
        lambda: db.batch([Delete(Wrong, {"id": 1})]),
    ]
    for call in calls:
        with pytest.raises(SchemaError) as caught:
            await now(call())
        assert caught.value.code == "STX-3095"
        assert caught.value.message == (
            "Wrong does not fit bank.account: Wrong.owne is no column (did you mean owner?); the "
            "key column 'id' is no field; Wrong.owner is int, and its column is TEXT, which takes "
            "str; Wrong.balance is str | None, and its column is BIGINT, which takes int"
        )
        assert caught.value.advice == (
            "Change the class, or the table; its columns are id INT, owner TEXT, balance BIGINT"
        )
    assert await now(db.get(Account, {"id": 1})) == ONE


async def test_a_table_that_is_changed_is_looked_at_again(db: Any) -> None:
    await make_accounts(db, count=1)
    assert await now(db.get(Account, {"id": 1})) == ONE
    await now(db.admin.add_column(ACCOUNT, "note", "TEXT"))
    assert await now(db.get(Account, {"id": 1})) == ONE
    await now(db.admin.drop_table(ACCOUNT))
    await now(
        db.admin.create_table(ACCOUNT, columns={"id": "INT", "owner": "TEXT"}, partition_key=["id"])
    )
    with pytest.raises(SchemaError, match=r"Account\.balance is no column"):
        await now(db.get(Account, {"id": 1}))


async def test_no_table_of_that_name(db: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: db.get(Account, {"id": 1}),
        lambda: db.insert(ONE),
    ]
    for call in calls:
        with pytest.raises(
            InvalidOperationError, match=r"there is no table bank\.account"
        ) as caught:
            await now(call())
        assert caught.value.code == "STX-3017"


class Undeclared:
    """A class that no table was named for."""


MISUSED: list[tuple[Callable[[Any], Any], str]] = [
    (lambda db: db.get(Undeclared, {"id": 1}), "STX-3094"),
    (lambda db: db.insert(Undeclared()), "STX-3094"),
    (lambda db: db.get(int, {"id": 1}), "STX-3011"),
    (lambda db: db.insert(5), "STX-3011"),
    (lambda db: db.get(ONE, {"id": 1}), "STX-3013"),
    (lambda db: db.scan(ONE, {"id": 1}), "STX-3013"),
    (lambda db: db.get(Account, {"id": 1}, columns=["id"]), "STX-3013"),
    (lambda db: db.scan(Account, {"id": 1}, columns=["id"]), "STX-3013"),
    (lambda db: db.insert(ONE, {"id": 1}), "STX-3013"),
    (lambda db: db.update(ONE, {"id": 1}, {"balance": 1}), "STX-3013"),
    (lambda db: db.delete(ONE, {"id": 1}), "STX-3013"),
    (lambda db: db.get(Account), "STX-3013"),
    (lambda db: db.insert(Account), "STX-3014"),
    (lambda db: db.insert(ACCOUNT), "STX-3014"),
    (lambda db: db.update(Account, {"id": 1}), "STX-3014"),
    (lambda db: db.delete(Account), "STX-3014"),
    (lambda db: db.delete(ACCOUNT), "STX-3014"),
    (lambda db: db.get(Account, {"owner": "x"}), "STX-3014"),
    (lambda db: db.load(Account, [ONE, Entry(part="x", day="mon", seq=1)]), "STX-3013"),
]


@pytest.mark.parametrize("call,code", MISUSED)
async def test_misuse(db: Any, call: Callable[[Any], Any], code: str) -> None:
    await make_accounts(db, count=1)
    with pytest.raises(InvalidOperationError) as caught:
        await now(call(db))
    assert caught.value.code == code
    assert await now(db.scan(Account, whole_table=True)) == [ONE]
