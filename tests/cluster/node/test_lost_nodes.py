"""What becomes of a transaction whose node is lost? A line is cut at each moment of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import (
    ConflictError,
    StorageUnavailableError,
    TransactionState,
    UnknownOutcomeError,
)
from tests.cluster.served import Served
from tests.servers.faults import Way
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = "bank.account"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two nodes on one database."""
    target = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    pair = Served(target), Served(target)
    with scalar_tx.connect(pair[0].url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        db.upsert(TABLE, {"id": 1, "n": 0})
    yield pair
    for one in pair:
        one.close()


class Between:
    """A client of both nodes, the first of them behind a line that can be cut."""

    def __init__(self, nodes: tuple[Served, Served], proxy: Proxy) -> None:
        self.proxy = proxy
        self.beside = scalar_tx.connect(nodes[1].url)
        self.both = f"grpc://{proxy.endpoint},127.0.0.1:{nodes[1].port}"
        self.db = scalar_tx.connect(self.both)

    def on_the_line(self) -> Any:
        """A transaction that goes through the proxy and has read and written."""
        tx: Any = self.reading()
        n = tx.get(TABLE, {"id": 1})["n"]
        tx.update(TABLE, {"id": 1}, {"n": n + 1})
        return tx

    def reading(self) -> Any:
        """A transaction that goes through the proxy and has read."""
        for _ in range(20):
            tx: Any = self.db.begin()
            tx.get(TABLE, {"id": 1})
            if tx._steps._stream._channel.address == self.proxy.endpoint:
                return tx
            tx.rollback()
            time.sleep(0.05)
        raise AssertionError("no connection by the proxy")

    def value(self) -> Any:
        found = self.beside.get(TABLE, {"id": 1})
        assert found is not None
        return found["n"]

    def reset_soon(self, seconds: float = 0.5) -> threading.Timer:
        timer = threading.Timer(seconds, self.proxy.cut)
        timer.start()
        return timer


@pytest.fixture
def between(nodes: tuple[Served, Served]) -> Iterator[Between]:
    with Proxy("127.0.0.1", nodes[0].port) as proxy:
        made = Between(nodes, proxy)
        yield made
        made.db.close()
        made.beside.close()


def test_in_the_middle_it_is_a_conflict(between: Between) -> None:
    tx = between.on_the_line()
    between.proxy.cut()
    with pytest.raises(ConflictError) as caught:
        tx.get(TABLE, {"id": 2})
    assert caught.value.code == "STX-5065"
    assert caught.value.retryable
    assert tx.outcome is TransactionState.ABORTED
    assert between.value() == 0
    tx.rollback()


def test_a_commit_that_was_done_is_found_out(between: Between) -> None:
    tx = between.on_the_line()
    between.proxy.cut(Way.TO_CLIENT)
    timer = between.reset_soon()
    tx.commit()  # the reply never comes: the other node tells
    timer.join()
    assert tx.outcome is TransactionState.COMMITTED
    assert between.value() == 1


def test_a_commit_that_never_arrived_is_found_out(between: Between) -> None:
    tx = between.on_the_line()
    between.proxy.cut(Way.TO_SERVER)
    timer = between.reset_soon()
    with pytest.raises(ConflictError) as caught:
        tx.commit()
    timer.join()
    assert caught.value.code == "STX-5065"
    assert tx.outcome is TransactionState.ABORTED
    assert between.beside.state(tx.id) is TransactionState.ABORTED
    assert between.value() == 0


def test_what_only_read_is_run_again(between: Between) -> None:
    tx = between.reading()
    between.proxy.cut(Way.TO_CLIENT)
    timer = between.reset_soon()
    with pytest.raises(ConflictError):
        tx.commit()
    timer.join()
    assert between.beside.state(tx.id) is TransactionState.UNKNOWN, "no row for what only read"


def test_run_takes_the_other_node(between: Between) -> None:
    def add(tx: Any) -> None:
        n = tx.get(TABLE, {"id": 1})["n"]
        tx.update(TABLE, {"id": 1}, {"n": n + 1})

    cuts = 0
    for turn in range(40):
        if turn % 10 == 5:
            between.proxy.cut()
            cuts += 1
        between.db.run(add)
        if turn % 10 == 8:
            between.proxy.heal()
    assert cuts == 4
    assert between.value() == 40
    assert between.proxy.requests > 5


def test_a_script_whose_answer_is_lost(between: Between) -> None:
    script = scalar_tx.Script()
    read = script.get(TABLE, {"id": 1})
    script.update(TABLE, {"id": 1}, {"n": read["n"] + 1})
    lost = 0
    for turn in range(6):
        between.proxy.heal()
        while not between.proxy.connections:  # it is looked for anew every now and then
            between.db.get(TABLE, {"id": 1})
            time.sleep(0.05)
        for _ in range(turn % 2):  # connections take turns: so that the line has its own
            between.db.get(TABLE, {"id": 1})
        between.proxy.cut(Way.TO_CLIENT)
        timer = between.reset_soon(0.3)
        found = between.db.execute(script)
        timer.join()
        lost += not found.complete
        assert between.value() == turn + 1
        if not found.complete:
            with pytest.raises(scalar_tx.InvalidOperationError):
                found[0]
    assert lost >= 1


def test_a_script_that_nobody_tells_of_is_not_run_again(
    nodes: tuple[Served, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its only node is lost, with the answer; the script is done, and must not look undone."""
    monkeypatch.setattr("scalar_tx.cluster.client.backend._SETTLING_SECONDS", 0.3)
    script = scalar_tx.Script()
    read = script.get(TABLE, {"id": 1})
    script.update(TABLE, {"id": 1}, {"n": read["n"] + 1})
    with (
        Proxy("127.0.0.1", nodes[0].port) as proxy,
        scalar_tx.connect(f"grpc://{proxy.endpoint}") as db,
        scalar_tx.connect(nodes[1].url) as beside,
    ):
        assert db.get(TABLE, {"id": 1}) is not None
        proxy.cut(Way.TO_CLIENT)
        timer = threading.Timer(0.5, proxy.cut)
        timer.start()
        with pytest.raises(UnknownOutcomeError) as caught:
            db.execute(script)
        timer.join()
        assert not caught.value.retryable
        proxy.heal()
        assert caught.value.transaction_id is not None
        assert db.settle(caught.value.transaction_id) is TransactionState.COMMITTED
        found = beside.get(TABLE, {"id": 1})
        assert found is not None
        assert found["n"] == 1


def test_no_node_at_all(nodes: tuple[Served, Served]) -> None:
    with (
        Proxy("127.0.0.1", nodes[0].port) as proxy,
        scalar_tx.connect(f"grpc://{proxy.endpoint}", retry_deadline_millis=100) as db,
    ):
        assert db.get(TABLE, {"id": 1}) is not None
        proxy.cut()
        with pytest.raises((StorageUnavailableError, ConflictError)):
            db.get(TABLE, {"id": 1})
        with pytest.raises(StorageUnavailableError) as caught:
            db.begin().get(TABLE, {"id": 1})
        assert caught.value.code == "STX-5061"
        proxy.heal()
        assert db.run(lambda tx: tx.get(TABLE, {"id": 1}), retry=20) is not None
