"""What do the operations of a transaction give? The same on both faces and both storages."""

from __future__ import annotations

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
    Record,
    RecordNotFoundError,
    Scan,
    Update,
    Upsert,
    column,
    if_exists,
    if_not_exists,
)
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, ENTRY, make_accounts, make_entries


async def test_get(db: Any) -> None:
    await make_accounts(db)
    for owner in (db.begin(), db):
        record = await now(owner.get(ACCOUNT, {"id": 1}))
        assert isinstance(record, Record)
        assert record == {"id": 1, "owner": "owner 1", "balance": 100}
        assert await now(owner.get(ACCOUNT, key={"id": 9})) is None
        chosen = await now(owner.get(ACCOUNT, {"id": 1}, columns=["balance"]))
        assert dict(chosen) == {"balance": 100}
        assert chosen.key == {"id": 1}
        assert await now(owner.get(ACCOUNT, {"id": 1}, where=column("balance") > 100)) is None
        by_index = await now(owner.get(ACCOUNT, index={"owner": "owner 0"}))
        assert by_index["id"] == 2
        assert await now(owner.get(ACCOUNT, index={"owner": "nobody"})) is None
        with pytest.raises(InvalidOperationError, match="scan") as caught:
            await now(owner.get(ACCOUNT, index={"owner": "owner 1"}))
        assert caught.value.code == "STX-3035"


async def test_a_record_is_an_immutable_mapping(db: Any) -> None:
    await make_accounts(db, count=2)
    record = await now(db.get(ACCOUNT, {"id": 1}))
    assert (record["id"], record.key, record.table) == (1, {"id": 1}, ACCOUNT)
    assert {**record} == {"id": 1, "owner": "owner 1", "balance": 100}
    assert "balance" in record
    assert record.get("nope", 5) == 5
    with pytest.raises(KeyError, match="balance"):
        record["nope"]
    with pytest.raises(TypeError):
        record["balance"] = 5
    record.key["id"] = 7
    assert record.key == {"id": 1}
    again = await now(db.get(ACCOUNT, {"id": 1}))
    assert again == record
    assert hash(again) == hash(record)
    assert "balance=100" in repr(record)
    one, two = [
        await now(db.get(ACCOUNT, {"id": number}, columns=["balance"])) for number in (1, 2)
    ]
    assert one != two  # the same columns of two records
    assert len({one, two, record}) == 3


async def test_scan_of_a_partition(db: Any) -> None:
    await make_entries(db)
    tx = db.begin()

    async def seqs(**how: Any) -> list[int]:
        return [r["seq"] for r in await now(tx.scan(ENTRY, {"day": "mon"}, **how))]

    assert await seqs() == [5, 4, 3, 2, 1]  # as declared: seq DESC
    assert await seqs(order_by=["seq"]) == [1, 2, 3, 4, 5]
    assert await seqs(order_by=["-seq", "part"]) == [5, 4, 3, 2, 1]
    assert await seqs(order_by=["seq", "-part"]) == [1, 2, 3, 4, 5]
    assert await seqs(start={"seq": 2}, end={"seq": 4}) == [4, 3, 2]
    assert await seqs(start={"seq": 2}, end={"seq": 4}, start_inclusive=False) == [4, 3]
    assert await seqs(start={"seq": 2}, end={"seq": 4}, end_inclusive=False) == [3, 2]
    assert await seqs(start={"seq": 3, "part": "x"}, end={"seq": 3, "part": "z"}) == [3]
    assert await seqs(limit=2) == [5, 4]
    assert await seqs(limit=0) == [5, 4, 3, 2, 1]
    assert await seqs(where=column("what") == "w0") == [4, 2]
    assert await seqs(where=column("what") == "w0", limit=1) == [4]
    found = await now(tx.scan(ENTRY, {"day": "tue"}, columns=["amount"], limit=1))
    assert found == [{"amount": 50}]
    assert found[0].key == {"day": "tue", "seq": 5, "part": "x"}
    assert await now(tx.scan(ENTRY, {"day": "sun"})) == []
    with pytest.raises(InvalidOperationError) as caught:
        await seqs(order_by=["seq", "part"])
    assert caught.value.code == "STX-3032"


async def test_scan_of_an_index_and_of_a_whole_table(db: Any) -> None:
    await make_entries(db, count=3)
    tx = db.begin()
    found = await now(tx.scan(ENTRY, index={"what": "w1"}))
    assert {(r["day"], r["seq"]) for r in found} == {(d, s) for d in ("mon", "tue") for s in (1, 3)}
    ordered = await now(
        tx.scan(ENTRY, whole_table=True, order_by=["-amount", "day"], where=column("seq") > 1)
    )
    assert [(r["amount"], r["day"]) for r in ordered] == [
        (30, "mon"),
        (30, "tue"),
        (20, "mon"),
        (20, "tue"),
    ]
    assert len(await now(tx.scan(ENTRY, whole_table=True))) == 6
    assert len(await now(db.scan(ENTRY, whole_table=True, limit=4))) == 4


async def test_own_writes_are_seen(db: Any) -> None:
    await make_entries(db, days=("mon",), count=4)
    tx = db.begin()
    await now(tx.insert(ENTRY, {"day": "mon", "seq": 9, "part": "x", "what": "w0", "amount": 15}))
    await now(tx.delete(ENTRY, {"day": "mon", "seq": 2, "part": "x"}))
    await now(tx.update(ENTRY, {"day": "mon", "seq": 1, "part": "x"}, {"what": "w0"}))
    assert (await now(tx.get(ENTRY, {"day": "mon", "seq": 9, "part": "x"})))["amount"] == 15
    assert await now(tx.get(ENTRY, {"day": "mon", "seq": 2, "part": "x"})) is None

    async def seqs(*partition: Any, **how: Any) -> list[int]:
        return [r["seq"] for r in await now(tx.scan(ENTRY, *partition, **how))]

    assert await seqs({"day": "mon"}) == [9, 4, 3, 1]
    assert await seqs({"day": "mon"}, limit=2) == [9, 4]
    assert await seqs({"day": "mon"}, order_by=["seq"], limit=2) == [1, 3]
    assert await seqs({"day": "mon"}, start={"seq": 3}) == [9, 4, 3]
    assert await seqs(index={"what": "w0"}) == [4, 9, 1]  # own rows last
    assert await seqs(whole_table=True, order_by=["amount"]) == [1, 9, 3, 4]
    assert await seqs(whole_table=True, where=column("what") == "w0", order_by=["seq"]) == [1, 4, 9]
    await now(tx.commit())
    found = await now(db.scan(ENTRY, {"day": "mon"}))
    assert [(r["seq"], r["what"]) for r in found] == [(9, "w0"), (4, "w0"), (3, "w1"), (1, "w0")]


async def test_insert(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.insert(ACCOUNT, {"id": 2, "balance": 5}))
    assert await now(db.get(ACCOUNT, {"id": 2})) == {"id": 2, "owner": None, "balance": 5}
    with pytest.raises(ConflictError) as caught:
        await now(db.insert(ACCOUNT, {"id": 1, "balance": 5}))
    assert caught.value.code == "STX-1033"
    assert caught.value.records == ((ACCOUNT, {"id": 1}),)
    assert not caught.value.retryable
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100


async def test_upsert(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.upsert(ACCOUNT, {"id": 1, "balance": 5}))
    await now(db.upsert(ACCOUNT, {"id": 2, "owner": "new"}))
    assert await now(db.get(ACCOUNT, {"id": 1})) == {"id": 1, "owner": "owner 1", "balance": 5}
    assert await now(db.get(ACCOUNT, {"id": 2})) == {"id": 2, "owner": "new", "balance": None}


async def test_update(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.update(ACCOUNT, {"id": 1}, {"owner": None}))
    assert await now(db.get(ACCOUNT, {"id": 1})) == {"id": 1, "owner": None, "balance": 100}
    with pytest.raises(RecordNotFoundError) as caught:
        await now(db.update(ACCOUNT, {"id": 2}, {"balance": 1}))
    assert "missing='ignore'" in caught.value.advice
    await now(db.update(ACCOUNT, {"id": 2}, {"balance": 1}, missing="ignore"))
    assert await now(db.get(ACCOUNT, {"id": 2})) is None
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 1}, where=column("balance") == 100))
    await now(db.update(ACCOUNT, {"id": 1}, {"balance": 2}, where=if_exists))
    assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 2


async def test_delete(db: Any) -> None:
    await make_accounts(db, count=2)
    await now(db.delete(ACCOUNT, {"id": 1}))
    await now(db.delete(ACCOUNT, {"id": 1}))  # nothing there: nothing happens
    with pytest.raises(ConditionNotMetError):
        await now(db.delete(ACCOUNT, {"id": 1}, where=if_exists))
    with pytest.raises(ConditionNotMetError):
        await now(db.delete(ACCOUNT, {"id": 2}, where=column("balance") < 100))
    assert [r["id"] for r in await now(db.scan(ACCOUNT, whole_table=True))] == [2]
    await now(db.delete(ACCOUNT, {"id": 2}, where=(column("balance") == 100)))
    assert await now(db.scan(ACCOUNT, whole_table=True)) == []


async def test_put(db: Any) -> None:
    await make_accounts(db, count=1)
    await now(db.put(ACCOUNT, {"id": 1, "balance": 7}, implicit_pre_read=True))
    assert await now(db.get(ACCOUNT, {"id": 1})) == {"id": 1, "owner": "owner 1", "balance": 7}
    await now(db.put(ACCOUNT, {"id": 2, "balance": 1}))
    with pytest.raises(ConflictError):  # not read: taken to be new
        await now(db.put(ACCOUNT, {"id": 1, "balance": 8}, insert_mode=True))
    tx = db.begin()
    assert await now(tx.get(ACCOUNT, {"id": 3})) is None
    await now(tx.put(ACCOUNT, {"id": 3, "balance": 3}, where=if_not_exists))
    await now(tx.commit())
    with pytest.raises(ConditionNotMetError):
        await now(
            db.put(ACCOUNT, {"id": 3, "balance": 4}, where=if_not_exists, implicit_pre_read=True)
        )
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.put(ACCOUNT, {"id": 3, "balance": 4}, where=if_exists))
    assert caught.value.code == "STX-3051"
    assert (await now(db.get(ACCOUNT, {"id": 3})))["balance"] == 3


async def test_an_unmet_condition_leaves_the_transaction_usable(db: Any) -> None:
    await make_accounts(db, count=1)
    tx = db.begin()
    with pytest.raises(ConditionNotMetError) as caught:
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 0}, where=column("balance") > 100))
    assert caught.value.record == {"id": 1, "owner": "owner 1", "balance": 100}
    assert caught.value.transaction_id == tx.id
    with pytest.raises(ConditionNotMetError) as caught:
        await now(tx.delete(ACCOUNT, {"id": 9}, where=if_exists))
    assert caught.value.record is None
    with pytest.raises(RecordNotFoundError):
        await now(tx.update(ACCOUNT, {"id": 9}, {"balance": 0}))
    await now(tx.update(ACCOUNT, {"id": 1}, {"owner": "last"}))
    await now(tx.commit())
    assert await now(db.get(ACCOUNT, {"id": 1})) == {"id": 1, "owner": "last", "balance": 100}


async def test_mutate_and_batch(db: Any) -> None:
    await make_accounts(db)
    for owner in (None, db):
        tx = owner or db.begin()
        await now(
            tx.mutate(
                [
                    Upsert(ACCOUNT, {"id": 4, "balance": 4}),
                    Update(ACCOUNT, {"id": 1}, {"balance": 1}),
                    Delete(ACCOUNT, {"id": 2}),
                    Put(ACCOUNT, {"id": 3, "balance": 3}, implicit_pre_read=True),
                ]
            )
        )
        results = await now(
            tx.batch(
                [
                    Get(ACCOUNT, {"id": 1}),
                    Get(ACCOUNT, {"id": 2}),
                    Update(ACCOUNT, {"id": 1}, {"balance": 11}),
                    Get(ACCOUNT, {"id": 1}, columns=["balance"]),
                    Scan(ACCOUNT, whole_table=True, order_by=["id"], columns=["id", "balance"]),
                ]
            )
        )
        assert results == [
            {"id": 1, "owner": "owner 1", "balance": 1},
            None,
            None,
            {"balance": 11},
            [{"id": 1, "balance": 11}, {"id": 3, "balance": 3}, {"id": 4, "balance": 4}],
        ]
        if owner is None:
            await now(tx.rollback())


async def test_a_batch_that_fails_records_nothing(db: Any) -> None:
    await make_accounts(db, count=2)
    tx = db.begin()
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    first: list[Any] = [
        Insert(ACCOUNT, {"id": 7}),
        Update(ACCOUNT, {"id": 1}, {"owner": "half"}),
        Delete(ACCOUNT, {"id": 2}),
    ]
    for last in (
        Update(ACCOUNT, {"id": 1}, {"nope": 1}),
        Update(ACCOUNT, {"id": 99}, {"balance": 1}),
        Insert(ACCOUNT, {"id": 7}),
        Upsert("bank.nothing", {"id": 1}),
        Delete(ACCOUNT, {"id": 1}, where=column("balance") == 77),
    ):
        for call in (tx.mutate, tx.batch):
            with pytest.raises((InvalidOperationError, RecordNotFoundError, ConditionNotMetError)):
                await now(call([*first, last]))
    await now(tx.commit())
    assert await now(db.scan(ACCOUNT, whole_table=True, order_by=["id"])) == [
        {"id": 1, "owner": "owner 1", "balance": 1},
        {"id": 2, "owner": "owner 0", "balance": 100},
    ]


async def test_sequences_in_one_transaction(db: Any) -> None:
    """Consensus Commit specification 3.7: what goes with what."""
    await make_accounts(db, count=2)
    tx = db.begin()
    await now(tx.insert(ACCOUNT, {"id": 3, "balance": 3}))
    await now(tx.update(ACCOUNT, {"id": 3}, {"owner": "x"}))
    await now(tx.upsert(ACCOUNT, {"id": 3, "balance": 33}))
    for call, arguments in (
        (tx.insert, (ACCOUNT, {"id": 3})),
        (tx.delete, (ACCOUNT, {"id": 3})),
    ):
        with pytest.raises(InvalidOperationError) as caught:
            await now(call(*arguments))
        assert caught.value.code == "STX-3050"
    await now(tx.delete(ACCOUNT, {"id": 1}))
    with pytest.raises(RecordNotFoundError):
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    await now(tx.upsert(ACCOUNT, {"id": 1, "balance": 1}))
    await now(tx.update(ACCOUNT, {"id": 2}, {"balance": 2}))
    await now(tx.delete(ACCOUNT, {"id": 2}))
    await now(tx.commit())
    assert await now(db.scan(ACCOUNT, whole_table=True, order_by=["id"])) == [
        {"id": 1, "owner": None, "balance": 1},
        {"id": 3, "owner": "x", "balance": 33},
    ]


async def test_a_read_only_transaction_refuses_writes(db: Any) -> None:
    await make_accounts(db, count=1)
    tx = db.begin(read_only=True)
    assert tx.read_only
    assert (await now(tx.get(ACCOUNT, {"id": 1})))["balance"] == 100
    with pytest.raises(InvalidOperationError) as caught:
        await now(tx.upsert(ACCOUNT, {"id": 1, "balance": 1}))
    assert caught.value.code == "STX-3037"
    assert len(await now(tx.scan(ACCOUNT, whole_table=True))) == 1
    await now(tx.commit())
