"""Finishing a transaction by its id, on both faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx import InvalidOperationError, TransactionState
from tests.faces import either
from tests.faces.either import Face, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOGGING = {"consensus_commit_coordinator_write_set_logging_enabled": True}


@pytest.fixture
def telling(face: Face, target: str) -> Iterator[Any]:
    """A manager whose decisions tell what was written."""
    manager = face.open(target, **LOGGING)
    yield manager
    either.close(manager)


async def committed(db: Any) -> str:
    tx = db.begin()
    await now(tx.upsert(ACCOUNT, {"id": 1, "balance": 7}))
    await now(tx.commit())
    return str(tx.id)


async def test_what_tells_is_removed(telling: Any) -> None:
    await make_accounts(telling)
    tx_id = await committed(telling)
    assert await now(telling.state(tx_id)) is TransactionState.COMMITTED
    assert await now(telling.finish(tx_id)) is True
    assert await now(telling.state(tx_id)) is TransactionState.UNKNOWN
    assert await now(telling.finish(tx_id)) is True
    record = await now(telling.get(ACCOUNT, {"id": 1}))
    assert record is not None
    assert record["balance"] == 7


async def test_what_does_not_tell_stays(db: Any) -> None:
    await make_accounts(db)
    tx_id = await committed(db)
    assert await now(db.finish(tx_id)) is False
    assert await now(db.state(tx_id)) is TransactionState.COMMITTED


async def test_an_id_that_none_can_be(db: Any) -> None:
    with pytest.raises(InvalidOperationError) as raised:
        await now(db.finish(""))
    assert raised.value.code == "STX-3030"


async def test_a_table_made_before_tells_once_it_is_repaired(face: Face, tmp_path: Path) -> None:
    target = either.url("sqlite", tmp_path)
    before = face.open(target)
    await make_accounts(before)
    old = await committed(before)
    await now(before.close())
    manager = face.open(target, **LOGGING)
    assert await now(manager.finish(await committed(manager))) is False
    await now(manager.admin.repair_coordinator_tables())
    assert await now(manager.finish(await committed(manager))) is True
    assert await now(manager.finish(old)) is False
    await now(manager.close())
