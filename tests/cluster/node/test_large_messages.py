"""Does a node's larger ``max_message_bytes`` hold for its clients, in both directions?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

TABLE = "shop.pictures"
MIB = 2**20


def test_what_is_larger_than_grpc_s_own_limit_comes_and_goes(tmp_path: Path) -> None:
    properties = f"scalar.db.node.max_message_bytes={16 * MIB}\n"
    with (
        Node(tmp_path, "--workers", "1", properties=properties) as node,
        scalar_tx.connect(f"grpc://{node.where}", node_max_message_bytes=16 * MIB) as db,
    ):
        db.admin.create_table(TABLE, columns={"id": "INT", "data": "BLOB"}, partition_key=["id"])
        large = {number: bytes([number]) * (6 * MIB) for number in range(3)}
        for number, data in large.items():
            db.upsert(TABLE, {"id": number, "data": data})
        assert db.get(TABLE, {"id": 1}) == {"id": 1, "data": large[1]}
        # An answer may be larger than a request: so much is asked for by a few bytes.
        rows = db.run(lambda tx: tx.scan(TABLE, whole_table=True))
        assert {row["id"]: row["data"] for row in rows} == large
        with pytest.raises(scalar_tx.ScalarTxError) as refused:
            db.upsert(TABLE, {"id": 9, "data": bytes(17 * MIB)})
        assert refused.value.code == "STX-5054"
        assert "max_message_bytes" in str(refused.value)
        assert db.get(TABLE, {"id": 9}) is None


def test_a_client_that_was_told_more_than_its_node_is_refused(tmp_path: Path) -> None:
    with (
        Node(tmp_path, "--workers", "1") as node,
        scalar_tx.connect(f"grpc://{node.where}", node_max_message_bytes=16 * MIB) as db,
    ):
        db.admin.create_table(TABLE, columns={"id": "INT", "data": "BLOB"}, partition_key=["id"])
        with pytest.raises(scalar_tx.ScalarTxError) as refused:
            db.upsert(TABLE, {"id": 1, "data": bytes(6 * MIB)})
        assert refused.value.code == "STX-5062"
        assert db.get(TABLE, {"id": 1}) is None
