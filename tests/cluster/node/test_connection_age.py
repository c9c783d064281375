"""Does anybody notice that connections are replaced when they are old?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

TABLE = "shop.ages"
AGE = "scalar.db.node.max_connection_age_secs=1\nscalar.db.node.workers=2\n"


def number(db: Any, which: int) -> int:
    found: int = db.get(TABLE, {"id": which})["n"]
    return found


def test_transactions_go_on_over_connections_that_grow_old(tmp_path: Path) -> None:
    with Node(tmp_path, properties=AGE) as node, scalar_tx.connect(f"grpc://{node.where}") as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_namespace("shop", if_not_exists=True)
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        with db.begin() as tx:
            tx.insert(TABLE, {"id": 1, "n": 0})
            tx.insert(TABLE, {"id": 2, "n": 0})
            tx.commit()
        old = db.begin()  # older than its connection in the end
        old.update(TABLE, {"id": 2}, {"n": 1})
        assert number(old, 2) == 1
        done, ends = 0, time.monotonic() + 4
        while time.monotonic() < ends or done <= 50:
            with db.begin() as tx:
                tx.update(TABLE, {"id": 1}, {"n": number(tx, 1) + 1})
                tx.commit()
            done += 1
            time.sleep(0.005)
        old.commit()
        assert done > 50
        assert number(db, 1) == done
        assert number(db, 2) == 1
