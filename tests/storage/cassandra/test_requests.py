"""How many requests does a transaction send to Cassandra?

As Consensus Commit specification 12.2 has it for storages that write a partition at once, R a read,
P a batch of prepares, V a read of the validation, C the coordinator's insert, M a batch that
finishes records. A request is what the driver is asked to send, once its statements are prepared.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

import scalar_tx
from scalar_tx import Isolation
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.cassandra.storage import CassandraStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx import Transaction, TransactionManager
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

TABLE: Final = "cassandra_requests.t"
SAME: Final = ({"p": 1, "c": 1}, {"p": 1, "c": 2})
APART: Final = ({"p": 1, "c": 1}, {"p": 2, "c": 1})
ONE: Final = SAME[0]
BOTH: Final = (Isolation.SNAPSHOT, Isolation.SERIALIZABLE)


@pytest.fixture(scope="module")
def db(cassandra_server: Cluster) -> Iterator[TransactionManager]:
    with scalar_tx.connect(cassandra_server.properties()) as opened:
        opened.admin.create_coordinator_tables(if_not_exists=True)
        opened.admin.create_table(
            TABLE,
            columns={"p": "INT", "c": "INT", "n": "INT"},
            partition_key=["p"],
            clustering_key=["c"],
            if_not_exists=True,
        )
        yield opened


def fill(tx: Transaction) -> None:
    for key in ({"p": 1, "c": 1}, {"p": 1, "c": 2}, {"p": 2, "c": 1}):
        tx.upsert(TABLE, {**key, "n": 0})
    for c in (9, 10, 11):
        tx.delete(TABLE, {"p": 1, "c": c})


@contextmanager
def counted(db: TransactionManager) -> Iterator[list[str]]:
    """The requests of the driver's session meanwhile, by kind."""
    storage = db._parts.storage
    assert isinstance(storage, CassandraStorage)
    session = run_blocking(storage._session._connect())
    asked: list[str] = []

    def note(request: Any) -> None:
        asked.append(type(request.message).__name__)

    session.add_request_init_listener(note)
    try:
        yield asked
    finally:
        session.remove_request_init_listener(note)


def read(tx: Transaction) -> None:
    tx.get(TABLE, ONE)


def read_modify_write(*keys: dict[str, int]) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        for key in keys:
            row = tx.get(TABLE, key)
            assert row is not None
            n = row["n"]
            assert isinstance(n, int)
            tx.update(TABLE, key, {"n": n + 1})

    return work


def insert(tx: Transaction) -> None:
    tx.insert(TABLE, {"p": 1, "c": 9, "n": 1})


def insert_a_group(tx: Transaction) -> None:
    for c in (9, 10, 11):
        tx.insert(TABLE, {"p": 1, "c": c, "n": 1})


def upsert(tx: Transaction) -> None:
    tx.upsert(TABLE, {**ONE, "n": 5})


def delete(tx: Transaction) -> None:
    tx.delete(TABLE, ONE)


def read_one_insert_another(tx: Transaction) -> None:
    tx.get(TABLE, ONE)
    insert(tx)


def scan(tx: Transaction) -> None:
    assert len(list(tx.scan(TABLE, partition={"p": 1}))) == 2


def scan_and_update(tx: Transaction) -> None:
    scan(tx)
    tx.update(TABLE, ONE, {"n": 5})


@pytest.mark.parametrize("levels, requests, work", [
    pytest.param(BOTH[:1], 1, read, id="read one: 1R"),
    pytest.param(BOTH[1:], 2, read, id="read one, validated: 1R 1V"),
    pytest.param(BOTH, 4, read_modify_write(ONE), id="update one: 1R 1P 1C 1M"),
    pytest.param(BOTH, 5, read_modify_write(*SAME), id="two of a partition: 2R 1P 1C 1M"),
    pytest.param(BOTH, 7, read_modify_write(*APART), id="two partitions: 2R 2P 1C 2M"),
    pytest.param(BOTH, 3, insert, id="insert one: 1P 1C 1M"),
    pytest.param(BOTH, 3, insert_a_group, id="insert three of a partition: 1P 1C 1M"),
    pytest.param(BOTH, 4, upsert, id="upsert one unread: 1R 1P 1C 1M"),
    pytest.param(BOTH, 4, delete, id="delete one unread: 1R 1P 1C 1M"),
    pytest.param(BOTH[:1], 4, read_one_insert_another, id="write another: 1R 1P 1C 1M"),
    pytest.param(BOTH[1:], 5, read_one_insert_another, id="write another: 1R 1P 1V 1C 1M"),
    pytest.param(BOTH[:1], 1, scan, id="scan a partition: 1R"),
    pytest.param(BOTH[1:], 2, scan, id="scan a partition, validated: 1R 1V"),
    pytest.param(BOTH[:1], 4, scan_and_update, id="scan, update one of it: 1R 1P 1C 1M"),
    pytest.param(BOTH[1:], 5, scan_and_update, id="scan, update one of it: 1R 1P 1V 1C 1M"),
])  # fmt: skip
def test_a_transaction_sends_as_many_requests_as_the_specification_says(
    db: TransactionManager,
    levels: tuple[Isolation, ...],
    requests: int,
    work: Callable[[Transaction], None],
) -> None:
    for isolation in levels:
        db.run(fill)
        with counted(db) as asked:
            db.run(work, isolation=isolation)
        assert len(asked) == requests, asked
