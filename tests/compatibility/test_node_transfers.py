"""Java on the file, and we through a node: both move money at once, and every coin is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from tests.cluster.node.running import Node, until
from tests.compatibility.bank import COMMITTED, look
from tests.compatibility.our_transfers import MONEY, Load
from tests.compatibility.ours import quick_java
from tests.compatibility.unfinished import decisions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.compatibility.java_peer import JavaPeer, Transfer
    from tests.compatibility.java_session import Isolation

OPENING = 1000
ACCOUNTS = 24
SECONDS = 8
FEWEST = 50  # commits of each side, or the run shows nothing
LEVELS: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")


def balances(transfers: Iterable[Transfer]) -> list[int]:
    found = [OPENING] * ACCOUNTS
    for transfer in transfers:
        found[transfer.source] -= transfer.amount
        found[transfer.target] += transfer.amount
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_java_and_a_node_move_money_at_once(
    java: JavaPeer, file: Path, tmp_path: Path, workers: int
) -> None:
    quick = quick_java(file)
    session = java.open_sqlite(file, properties=quick)
    session.create_table(MONEY, {"id": "INT", "balance": "BIGINT"}, ["id"])
    session.create_coordinator()
    with session.transaction() as tx:
        for number in range(ACCOUNTS):
            tx.insert(MONEY, {"id": number, "balance": OPENING})
    before = set(decisions(file))
    settings = {"scalar.db.storage": "jdbc", **quick}
    properties = "".join(f"{name}={value}\n" for name, value in settings.items())
    with (
        Node(tmp_path / "node", "--workers", str(workers), properties=properties) as node,
        scalar_tx.connect(f"grpc://{node.where}") as db,
    ):
        pending = [
            session.transfer_load_later(
                MONEY, accounts=ACCOUNTS, threads=1, seconds=SECONDS, seed=number, isolation=level
            )
            for number, level in enumerate(LEVELS)
        ]
        load = Load(db, ACCOUNTS, LEVELS)
        with load.running():
            reports = [session.report(each) for each in pending]
            beside_java = len(load.acknowledged)
            until(lambda: len(load.acknowledged) >= FEWEST, "too few commits of ours", 60)
        seen = db.run(lambda tx: tx.scan(MONEY, whole_table=True), read_only=True)
    session.close()
    acknowledged = [*load.acknowledged, *(one for each in reports for one in each.acknowledged)]
    assert [*load.unknown, *(one for each in reports for one in each.unknown)] == []

    ids = {transfer.id for transfer in acknowledged}
    assert len(ids) == len(acknowledged)
    decided = {tx_id for tx_id, (state, _) in decisions(file).items() if state == COMMITTED}
    assert decided - before == ids
    rows = look(file, MONEY, "id")
    assert {(row["tx_state"], row["before_tx_id"]) for row in rows} == {(COMMITTED, None)}
    assert [row["balance"] for row in rows] == balances(acknowledged)
    assert {row["id"]: row["balance"] for row in seen} == {
        row["id"]: row["balance"] for row in rows
    }

    assert beside_java >= FEWEST // 5, "both were at it at the same time"
    assert sum(each.committed for each in reports) >= FEWEST
    assert sum(each.conflicts for each in reports) >= 3
    assert load.conflicts >= 3
