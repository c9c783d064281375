"""Does a node go on where whoever asked for its pause has gone before it was paused?"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2

import scalar_tx
from scalar_tx.cluster.rpc import scalar_admin_pb2
from tests.cluster.node.running import Node, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nodes

TABLE = "shop.counts"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path, "--workers", "2", "--scalardb-server-port", "0") as made:
        yield made


def paused(node: Node) -> bool:
    found: bool = node.http("/readyz")["paused"]
    return found


@pytest.mark.parametrize(
    "port, how",
    [
        ("admin_port", "cancelled"),
        ("scalardb_server_port", "cancelled"),
        ("scalardb_server_port", "workers killed"),  # they serve that port
    ],
)
def test_nobody_is_left_paused_by_who_has_gone(node: Node, port: str, how: str) -> None:
    """It was told nothing, and will unpause nothing."""
    with (
        grpc.insecure_channel(f"127.0.0.1:{node.told[port]}") as channel,
        scalar_tx.connect(f"grpc://{node.where}") as db,
    ):
        db.admin.create_table(TABLE, columns={"id": "INT"}, partition_key=["id"])
        forgotten = db.begin()
        assert forgotten.get(TABLE, {"id": 1}) is None
        pause: Any = channel.unary_unary(
            "/rpc.Admin/Pause",
            scalar_admin_pb2.PauseRequest.SerializeToString,
            empty_pb2.Empty.FromString,
        )
        asks = scalar_admin_pb2.PauseRequest(wait_outstanding=True, max_pause_wait_time=50_000)
        call = pause.future(asks, timeout=60)
        until(lambda: paused(node), "not paused")
        if how == "cancelled":
            call.cancel()
        else:
            for worker in node.workers():
                os.kill(worker, signal.SIGKILL)
        until(lambda: not paused(node), "still paused")
        if how == "cancelled":
            forgotten.rollback()
        until(lambda: node.http("/readyz")["ready"], "not ready")
        db.upsert(TABLE, {"id": 2})
