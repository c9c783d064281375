"""Does a node stay up without what it needs in its storage, and say what to do?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.cluster.opening import divided, is_in_memory, worker_count
from scalar_tx.settings import load
from tests.cluster.node.running import Node, health, once, until

if TYPE_CHECKING:
    from pathlib import Path

# SQLite as a storage whose coordinator table somebody else makes, as on a server: an adapter of
# another distribution.
pytestmark = pytest.mark.nodes

ADAPTER = """
from scalar_tx.storage.registry import Adapter

shelf = Adapter("shelf", "scalar_tx.storage.sqlite:from_settings")
"""


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, str]:
    """The environment of processes that know that adapter."""
    (tmp_path / "shelf_adapter.py").write_text(ADAPTER)
    metadata = tmp_path / "shelf-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[scalar_tx.storages]\nshelf = shelf_adapter:shelf\n"
    )
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}


def test_without_the_coordinator_table_it_is_not_ready_and_names_the_command(
    tmp_path: Path, shelf: dict[str, str]
) -> None:
    properties = "scalar.db.storage=shelf\n"
    with Node(tmp_path, "--workers", "2", properties=properties, environment=shelf) as node:
        assert node.told["ready"] is False
        status, text = node.text("/readyz")
        command = f"scalar-tx schema apply --coordinator --config {tmp_path / 'node.properties'}"
        assert status == 503
        assert command in text
        assert node.log.count(command) == 1  # once, however often it is looked for
        assert health(node.where, "readiness") == health(node.admin, "readiness") == "NOT_SERVING"
        assert health(node.where, "liveness") == health(node.where, "") == "SERVING"
        assert node.text("/healthz")[0] == 200
        assert node.metrics()["scalardb_node_ready"] == 0
        assert once(node.where, "Do")["slot"] in (0, 1)
        with scalar_tx.connect(f"sqlite:///{tmp_path / 'node.db'}") as db:
            db.admin.create_coordinator_tables()
        until(lambda: node.text("/readyz")[0] == 200, "it is ready")
        assert health(node.where, "readiness") == "SERVING"
        assert node.metrics()["scalardb_node_ready"] == 1


@pytest.mark.slow
def test_without_its_storage_it_is_not_ready_and_says_why(tmp_path: Path) -> None:
    away = tmp_path / "not" / "there"
    properties = f"scalar.db.contact_points={away / 'node.db'}\n"
    with Node(tmp_path, "--workers", "1", properties=properties) as node:
        assert node.told["ready"] is False
        assert "STX-4101" in node.http("/readyz")["trouble"]
        assert "STX-4101" in node.log
        away.mkdir(parents=True)
        until(lambda: node.text("/readyz")[0] == 200, "it is ready")


def test_a_storage_that_can_t_ever_be_opened_ends_the_node(tmp_path: Path) -> None:
    properties = "scalar.db.storage=jdbc\nscalar.db.contact_points=jdbc:oracle:x\n"
    node = Node(tmp_path, "--workers", "2", properties=properties)
    assert node.process.wait(20) == 2
    node.__exit__()
    assert "STX-3028" in node.log
    assert "Traceback" not in node.log


def test_pools_of_several_storages_are_divided_too() -> None:
    several = {
        "scalar.db.storage": "multi-storage",
        "scalar.db.multi_storage.storages": "a,b",
        "scalar.db.multi_storage.default_storage": "a",
        "scalar.db.multi_storage.storages.a.storage": "sqlite",
        "scalar.db.multi_storage.storages.a.contact_points": "a.db",
        "scalar.db.multi_storage.storages.a.connection_pool.max_total": "7",
        "scalar.db.multi_storage.storages.b.storage": "memory",
    }
    settings = load(several)
    assert is_in_memory(settings.storage)
    assert worker_count(settings) == 1
    sizes, threads = [], []
    for slot in range(3):
        part = divided(settings, 3, slot)
        assert part.storage.multi is not None
        sizes.append(part.storage.multi.storages["a"].connection_pool.max_total)
        assert part.storage.multi.storages["b"].connection_pool.max_total is None
        threads.append(part.consensus_commit.parallel_executor_count)
    assert sizes == [3, 2, 2]
    assert threads == [43, 43, 42]


def test_each_worker_has_two_connections() -> None:
    properties = {"scalar.db.storage": "sqlite", "scalar.db.contact_points": "a.db"}
    assert worker_count(load(properties, {"node.workers": 8})) == 8
    for most, workers in ((1, 1), (2, 1), (5, 2), (16, 8), (20, 8)):
        pool = {"scalar.db.connection_pool.max_total": str(most)}
        settings = load({**properties, **pool}, {"node.workers": 8})
        assert worker_count(settings) == workers
        parts = [
            divided(settings, workers, slot).storage.connection_pool for slot in range(workers)
        ]
        assert sum(part.max_total or 0 for part in parts) == most
        assert all((part.max_total or 0) >= min(2, most) for part in parts)


@pytest.mark.parametrize(
    "url, sizes",
    [
        ("sqlite:///a.db", {1: 2, 2: 2, 32: 2}),
        ("postgresql://db.test/x", {1: 32, 2: 16, 3: 11, 8: 4, 32: 4}),
        ("mysql://db.test/x", {1: 32, 4: 8, 32: 4}),
        ("cassandra://db.test", {1: None, 8: None}),
    ],
)
def test_pools_of_which_nothing_is_said(url: str, sizes: dict[int, int | None]) -> None:
    settings = load(url)
    for workers, most in sizes.items():
        assert worker_count(load(url, {"node.workers": workers})) == workers
        pools = [divided(settings, workers, slot).storage.connection_pool for slot in range(2)]
        assert [pool.max_total for pool in pools] == [most, most]
