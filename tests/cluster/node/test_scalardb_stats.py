"""Does a node tell of calls under the names of ScalarDB Server where it serves its protocol?"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.running import Node, until
from tests.cluster.scalardb_server.served import Client

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

METHOD = "scalardb_stats_distributed_transaction_admin_namespace_exists"


def stats(node: Node) -> dict[str, float]:
    text = node.text("/stats/prometheus")[1]
    found = re.findall(r"^(scalardb_stats_\w+(?:{.*})?) (\S+)$", text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a series stands there twice"
    return {name: float(value) for name, value in found}


def called(node: Node, times: int) -> None:
    for _ in range(times):  # each over a connection of its own, to any worker
        client = Client(node.told["scalardb_server_port"])
        request = client.request("DistributedTransactionAdmin/NamespaceExists", namespace="a")
        client.call("DistributedTransactionAdmin/NamespaceExists", request)
        client.close()


def test_they_are_right_across_workers_and_their_restarts(tmp_path: Path) -> None:
    options = ("--workers", "2", "--scalardb-server-port", "0")
    with Node(tmp_path, *options) as node:
        assert stats(node) == {
            "scalardb_stats_total_success": 0,
            "scalardb_stats_total_failure": 0,
        }
        called(node, 12)
        found = stats(node)
        assert found[f"{METHOD}_count"] == found[f"{METHOD}_success"] == 12
        assert found[f"{METHOD}_failure"] == 0
        assert found["scalardb_stats_total_success"] == 12
        assert 0 < found[f'{METHOD}{{quantile="0.99"}}'] < 10
        assert f"# TYPE {METHOD} summary" in node.text("/stats/prometheus")[1]
        before = node.workers()
        for process in before:
            os.kill(process, signal.SIGKILL)
        until(lambda: len(set(node.workers()) - set(before)) == 2, "two others serve", 30)
        called(node, 8)
        assert stats(node)[f"{METHOD}_success"] == 20
        assert stats(node).keys() == found.keys()
        plain = node.text("/metrics")[1]
        assert "scalardb_stats" not in plain
        names = set(re.findall(r"^# TYPE (\S+)", plain, re.MULTILINE))
        assert names <= set(
            re.findall(r"^# TYPE (\S+)", node.text("/stats/prometheus")[1], re.MULTILINE)
        )


def test_without_that_listener_both_paths_tell_the_same(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "1") as node:
        text = node.text("/stats/prometheus")[1]
        assert "scalardb_transaction_total 0.0" in text
        assert "scalardb_stats" not in text
