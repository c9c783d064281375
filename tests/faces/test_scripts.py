"""What a script does, on both faces, on the databases themselves and through a node."""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx import ConditionNotMetError, ConflictError, InvalidOperationError, Script
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, make_accounts


def transfer(source: int, target: int, amount: int) -> Script:
    script = Script()
    payer = script.get(ACCOUNT, {"id": source})
    payee = script.get(ACCOUNT, {"id": target})
    script.require(payer["balance"] >= amount, "not enough money")
    script.update(ACCOUNT, {"id": source}, {"balance": payer["balance"] - amount})
    script.update(ACCOUNT, {"id": target}, {"balance": payee["balance"] + amount})
    return script


async def balances(db: Any) -> list[Any]:
    found = await now(db.scan(ACCOUNT, whole_table=True, order_by=["id"]))
    return [record["balance"] for record in found]


async def test_a_transfer(db: Any) -> None:
    await make_accounts(db)
    found = await now(db.execute(transfer(1, 2, 30)))
    assert found[0] == {"id": 1, "owner": "owner 1", "balance": 100}
    assert found[1]["balance"] == 100
    assert list(found[2:]) == [None, None, None]
    assert found.complete
    assert await balances(db) == [70, 130, 100]
    assert (await now(db.state(found.transaction_id))).name in ("COMMITTED", "UNKNOWN")


async def test_what_is_not_met_leaves_nothing(db: Any) -> None:
    await make_accounts(db)
    script = Script()
    script.upsert(ACCOUNT, {"id": 3, "balance": 0})
    payer = script.get(ACCOUNT, {"id": 1})
    script.require(payer["balance"] > 100, "not enough money")
    with pytest.raises(ConditionNotMetError) as caught:
        await now(db.execute(script))
    assert caught.value.message == "not enough money"
    assert caught.value.code == "STX-1005"
    assert await balances(db) == [100, 100, 100]


async def test_no_record(db: Any) -> None:
    await make_accounts(db)
    script = Script()
    read = script.get(ACCOUNT, {"id": 9})
    script.require(~read.found & read["balance"].is_null())
    script.insert(ACCOUNT, {"id": 9, "balance": read["balance"].coalesce(5)})
    await now(db.execute(script))
    assert await balances(db) == [100, 100, 100, 5]
    with pytest.raises(ConditionNotMetError):
        await now(db.execute(script))


async def test_a_later_step_sees_the_writes_of_an_earlier_one(db: Any) -> None:
    await make_accounts(db)
    script = Script()
    script.upsert(ACCOUNT, {"id": 1, "balance": 7})
    read = script.get(ACCOUNT, {"id": 1})
    several = script.scan(ACCOUNT, index={"owner": "owner 1"})
    script.upsert(ACCOUNT, {"id": 2, "balance": read["balance"] + 1})
    script.upsert(ACCOUNT, {"id": 3, "owner": several["owner"].concat("!")})
    script.delete(ACCOUNT, {"id": 2})
    found = await now(db.execute(script))
    assert found[1]["balance"] == 7
    assert {record["id"] for record in found[2]} == {1, 3}
    assert await balances(db) == [7, 100]
    assert (await now(db.get(ACCOUNT, {"id": 3})))["owner"] == "owner 1!"


@pytest.mark.parametrize(
    "make, code",
    [
        (lambda read: read["balance"] + "x", "STX-3092"),
        (lambda read: read["owner"] - 1, "STX-3092"),
        (lambda read: read["nothing"], "STX-3092"),
        (lambda read: read["balance"] + (2**63 - 1), "STX-3092"),
        (lambda read: read["owner"], "STX-3010"),
        (lambda read: read.found + 1, "STX-3092"),
    ],
)
async def test_values_that_can_t_be_made(db: Any, make: Any, code: str) -> None:
    await make_accounts(db)
    script = Script()
    read = script.get(ACCOUNT, {"id": 1})
    script.update(ACCOUNT, {"id": 2}, {"balance": make(read)})
    with pytest.raises(InvalidOperationError) as caught:
        await now(db.execute(script))
    assert caught.value.code == code
    assert await balances(db) == [100, 100, 100]


async def test_a_conflict_is_run_again(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 50}))
    await now(tx.update(ACCOUNT, {"id": 2}, {"balance": 50}))
    await now(db.execute(transfer(1, 2, 1)))
    with pytest.raises(ConflictError):
        await now(tx.commit())
    assert await balances(db) == [99, 101, 100]


async def test_wrong_use(db: Any) -> None:
    wrong: Any
    for wrong in (None, [], Script()):
        with pytest.raises(InvalidOperationError):
            await now(db.execute(wrong))
    script = Script()
    read = script.get(ACCOUNT, {"id": 1})
    with pytest.raises(InvalidOperationError):
        script.require(wrong)
    with pytest.raises(InvalidOperationError):
        bool(read["balance"] > 1)
    with pytest.raises(InvalidOperationError):
        read[wrong]
