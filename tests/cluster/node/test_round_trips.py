"""How many requests does a transaction take, and what if a write that was kept back is refused?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, RecordNotFoundError, TransactionState
from scalar_tx.cluster.node_server.transact import Stream
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = "bank.account"


@pytest.fixture
def node() -> Iterator[Served]:
    served = Served("memory://")
    yield served
    served.close()


@pytest.fixture
def db(node: Served) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(node.url) as made:
        made.admin.create_table(
            TABLE, columns={"id": "INT", "n": "INT", "t": "TEXT"}, partition_key=["id"]
        )
        made.load(TABLE, [{"id": number, "n": 0} for number in range(5)])
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, db: object) -> list[Any]:
    """The requests of all streams from now on."""
    requests: list[Any] = []
    answer = Stream.answer

    async def counted(self: Stream, request: Any) -> Any:
        requests.append(request)
        return await answer(self, request)

    monkeypatch.setattr(Stream, "answer", counted)
    return requests


def value(db: Any, number: int) -> Any:
    return db.get(TABLE, {"id": number})["n"]


def test_a_read_and_its_write(db: Any, asked: list[Any]) -> None:
    tx = db.begin()
    n = tx.get(TABLE, {"id": 1})["n"]
    tx.update(TABLE, {"id": 1}, {"n": n + 1})
    tx.commit()
    assert len(asked) == 2
    assert value(db, 1) == 1


def test_writes_alone(db: Any, asked: list[Any]) -> None:
    with db.transaction() as tx:
        tx.upsert(TABLE, {"id": 1, "n": 5})
        tx.insert(TABLE, {"id": 9, "n": 9})
        tx.update(TABLE, {"id": 1}, {"n": 6})
        tx.delete(TABLE, {"id": 2})
    assert len(asked) == 1
    assert value(db, 1) == 6
    assert value(db, 9) == 9
    assert db.get(TABLE, {"id": 2}) is None


def test_nothing_at_all(db: Any, asked: list[Any]) -> None:
    with db.transaction():
        pass
    tx = db.begin()
    tx.upsert(TABLE, {"id": 1, "n": 7})
    tx.rollback()
    assert asked == []
    assert value(db, 1) == 0


def test_a_transaction_sees_what_it_kept_back(db: Any) -> None:
    with db.transaction() as tx:
        tx.upsert(TABLE, {"id": 1, "n": 7})
        assert tx.get(TABLE, {"id": 1})["n"] == 7
        tx.upsert(TABLE, {"id": 1, "n": 8})
        assert [r["n"] for r in tx.scan(TABLE, {"id": 1})] == [8]
        tx.upsert(TABLE, {"id": 1, "n": 9})
        assert tx.explain().records == 1
    assert value(db, 1) == 9


WRONG: dict[str, Any] = {
    "an update of what was not read": lambda tx: tx.update(TABLE, {"id": 77}, {"n": 1}),
    "an update of what is not there": lambda tx: (
        tx.get(TABLE, {"id": 77}),
        tx.update(TABLE, {"id": 77}, {"n": 1}),
    ),
    "an update of what was deleted": lambda tx: (
        tx.get(TABLE, {"id": 1}),
        tx.delete(TABLE, {"id": 1}),
        tx.update(TABLE, {"id": 1}, {"n": 1}),
    ),
    "a second insert": lambda tx: [tx.insert(TABLE, {"id": 78, "n": 1}) for _ in range(2)],
    "an insert of what was upserted": lambda tx: (
        tx.upsert(TABLE, {"id": 1, "n": 1}),
        tx.insert(TABLE, {"id": 1, "n": 1}),
    ),
    "a delete of what was inserted": lambda tx: (
        tx.insert(TABLE, {"id": 79, "n": 1}),
        tx.delete(TABLE, {"id": 79}),
    ),
    "a column that is not there": lambda tx: tx.upsert(TABLE, {"id": 1, "none": 1}),
    "a value of another type": lambda tx: tx.upsert(TABLE, {"id": 1, "n": "x"}),
    "a value that is too large": lambda tx: tx.upsert(TABLE, {"id": 1, "n": 2**31}),
    "a key that lacks a column": lambda tx: tx.upsert(TABLE, {"n": 1}),
    "a table that is not there": lambda tx: tx.upsert("bank.none", {"id": 1}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_by_its_own_call(db: Any, wrong: Any) -> None:
    tx = db.begin()
    tx.upsert(TABLE, {"id": 4, "n": 4})
    with pytest.raises((InvalidOperationError, RecordNotFoundError)):
        wrong(tx)
    assert not tx.outcome
    tx.rollback()
    assert value(db, 4) == 0


def test_what_has_changed_meanwhile_is_told_by_the_commit(db: Any, node: Served) -> None:
    db.upsert(TABLE, {"id": 1, "t": "x"})
    with scalar_tx.connect(node.url) as other:
        other.admin.drop_column(TABLE, "t")
    tx = db.begin()
    tx.upsert(TABLE, {"id": 1, "t": "y"})
    with pytest.raises(InvalidOperationError) as caught:
        tx.commit()
    assert caught.value.code == "STX-3012"
    assert tx.outcome is TransactionState.ABORTED
    assert node.at_rest()
    tx.rollback()


def test_a_read_only_transaction_refuses_a_write_at_once(db: Any) -> None:
    tx = db.begin(read_only=True)
    with pytest.raises(InvalidOperationError):
        tx.upsert(TABLE, {"id": 1, "n": 1})
    tx.rollback()


def test_large_writes_are_not_all_kept_back(db: Any, asked: list[Any]) -> None:
    with db.transaction() as tx:
        for number in range(20):
            tx.upsert(TABLE, {"id": number, "t": "x" * 60_000})
    assert 1 < len(asked) < 20
    assert all(request.ByteSize() < 512 * 1024 for request in asked)
    assert len(db.scan(TABLE, whole_table=True)) == 20


def test_what_only_a_program_with_the_database_has(db: Any, tmp_path: Path) -> None:
    asks: list[Any] = [lambda: db.record_history(tmp_path / "h"), lambda: db.decision_counts]
    for ask in asks:
        with pytest.raises(InvalidOperationError) as caught:
            ask()
        assert caught.value.code == "STX-5053"


LARGEST = 4 * 2**20 - 1024  # what a client sends at once, unless it was told otherwise


def test_writes_that_are_too_large_to_go_together(db: Any, asked: list[Any]) -> None:
    small, large = "x" * 1000, "x" * (LARGEST - 200)
    with db.transaction() as tx:
        tx.upsert(TABLE, {"id": 1, "t": small})
        tx.upsert(TABLE, {"id": 2, "t": large})
        tx.upsert(TABLE, {"id": 3, "t": large})
    assert len(asked) == 4  # the small one by itself, two large ones, the end
    for number, text in ((1, small), (2, large), (3, large)):
        assert db.get(TABLE, {"id": number})["t"] == text


def test_a_write_that_is_too_large_by_itself(db: Any) -> None:
    with pytest.raises(InvalidOperationError) as caught, db.transaction() as tx:
        tx.upsert(TABLE, {"id": 1, "t": "x" * LARGEST})
    assert caught.value.code == "STX-5054"
    assert db.get(TABLE, {"id": 1})["t"] is None
