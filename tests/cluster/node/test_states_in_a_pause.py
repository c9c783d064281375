"""Is what became of a transaction told in a pause, and is nothing decided then?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.cluster.client import backend
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.state import TransactionState
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "shop.counts"
COMMITTED, ABORTED, UNKNOWN = (
    TransactionState.COMMITTED,
    TransactionState.ABORTED,
    TransactionState.UNKNOWN,
)


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    served = Served("memory://")
    with scalar_tx.connect(served.url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        for number in range(3):
            db.upsert(TABLE, {"id": number, "n": 0})
    yield served
    served.close()


def test_what_is_decided_is_told_and_nothing_is_aborted(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "_SETTLING_SECONDS", 0.0)
    with scalar_tx.connect(node.url) as db:
        with db.transaction(id="committed") as tx:
            tx.upsert(TABLE, {"id": 1, "n": 1})
        assert db.settle("aborted") is ABORTED
        node.worker.gate.close()
        try:
            asked = {name: db.state(name) for name in ("committed", "aborted", "nobody")}
            assert asked == {"committed": COMMITTED, "aborted": ABORTED, "nobody": UNKNOWN}
            assert db.settle("committed") is COMMITTED
            assert db.settle("aborted") is ABORTED
            with pytest.raises(StorageUnavailableError) as refused:
                db.settle("nobody")
            assert refused.value.code == "STX-5055"
            assert node.worker.gate.outstanding == 0
        finally:
            node.worker.gate.open()
        assert db.state("nobody") is UNKNOWN  # the refusal has left nothing
        assert db.settle("nobody") is ABORTED


def test_a_settling_is_waited_for_by_a_pause(node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    outstanding = []
    parts = node.worker.database.parts
    settle = type(parts).settle

    async def counted(self: object, transaction_id: str) -> TransactionState:
        outstanding.append(node.worker.gate.outstanding)
        return await settle(parts, transaction_id)

    monkeypatch.setattr(type(parts), "settle", counted)
    with scalar_tx.connect(node.url) as db:
        assert db.settle("somebody") is ABORTED
    assert outstanding == [1]
