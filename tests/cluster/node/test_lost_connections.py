"""Who gets the transactions while a node is away, and once it has come back?"""

from __future__ import annotations

import socket
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cluster.client.channels import Channels
from tests.cluster.served import Served
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.cluster.client.channels import Channel

pytestmark = pytest.mark.slow

TABLE = "bank.account"
AWAY_S = 4.0


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Two nodes on one database."""
    target = f"sqlite:///{tmp_path / 'data.db'}?synchronous=off"
    pair = Served(target), Served(target)
    for number, one in enumerate(pair):
        one.worker.identity = type(one.worker.identity)(f"node {number}", 0, 1)
    with scalar_tx.connect(pair[0].url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
    yield pair
    for one in pair:
        one.close()


def taken(db: scalar_tx.TransactionManager, transactions: int = 1) -> Counter[str]:
    """Which addresses so many transactions were run at."""
    found: Counter[str] = Counter()
    for _ in range(transactions):
        with db.begin() as tx:
            tx.get(TABLE, {"id": 1})
            stream: Any = tx._steps._stream  # type: ignore[attr-defined]
            found[stream._channel.address] += 1
    return found


def test_a_node_that_is_away_gets_none_and_one_that_is_back_its_share(
    nodes: tuple[Served, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[Channel] = []
    tells = Channels.failed

    def tell(channels: Channels, channel: Channel) -> None:
        failed.append(channel)
        tells(channels, channel)

    monkeypatch.setattr(Channels, "failed", tell)
    with (
        Proxy("127.0.0.1", nodes[0].port) as proxy,
        scalar_tx.connect(f"grpc://{proxy.endpoint},127.0.0.1:{nodes[1].port}") as db,
    ):
        eventually_in_turns(db)
        proxy.cut()
        ends = time.monotonic() + AWAY_S
        while time.monotonic() < ends:
            taken(db, 10)
            time.sleep(0.02)
        assert len(failed) == 1, "it is asked once, and then looked for"
        assert taken(db, 20).keys() == {f"127.0.0.1:{nodes[1].port}"}
        proxy.heal()
        eventually_in_turns(db)
        assert len(failed) == 1


def eventually_in_turns(db: scalar_tx.TransactionManager) -> None:
    ends = time.monotonic() + 20
    while sorted(taken(db, 20).values()) != [10, 10]:
        assert time.monotonic() < ends, "one node has them all"
        time.sleep(0.05)


def test_a_machine_that_says_nothing_keeps_nobody_waiting(nodes: tuple[Served, Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with scalar_tx.connect(f"grpc://{deaf},127.0.0.1:{nodes[1].port}") as db:
            assert taken(db, 5).total() == 5
            assert time.monotonic() - began < 2.8  # its patience is 3


def test_an_old_connection_that_ends_elsewhere_is_known_by_its_new_end(
    nodes: tuple[Served, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node was started anew on its address, and nobody was asking anything meanwhile."""
    monkeypatch.setattr("scalar_tx.cluster.client.channels.FRESH_SECONDS", 0.3)
    with (
        Proxy("127.0.0.1", nodes[0].port) as proxy,
        scalar_tx.connect(f"grpc://{proxy.endpoint}") as db,
    ):
        taken(db)
        parts: Any = db._parts
        open_ones: list[Channel] = parts.calls.wire.channels()._open
        assert {one.node for one in open_ones} == {"node 0"}
        proxy.cut()
        proxy.heal()
        nodes[0].worker.identity = type(nodes[0].worker.identity)("node anew", 0, 1)
        ends = time.monotonic() + 20
        while {one.node for one in open_ones} != {"node anew"}:
            assert time.monotonic() < ends, "it is taken for the old one"
            taken(db)
            time.sleep(0.1)
