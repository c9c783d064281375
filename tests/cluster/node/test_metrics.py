"""Do processes count together, and is nothing of a node left behind?"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import scalar_tx
from scalar_tx import ConflictError, StorageUnavailableError
from scalar_tx.cluster.node_server import execute
from scalar_tx.cluster.node_server.transact import Stream
from scalar_tx.model.state import TransactionState
from scalar_tx.observe import metrics
from scalar_tx.observe.metrics import Metrics, SharedFiles
from scalar_tx.observe.protocol_metrics import BUCKETS
from scalar_tx.scripts import run_transaction
from tests.cluster.node.running import Node
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(metrics, "_IN_MEMORY", tmp_path)
    return tmp_path


@pytest.fixture
def files(parent: Path) -> Iterator[SharedFiles]:
    files = SharedFiles.made()
    yield files
    files.remove()


pytestmark = pytest.mark.nodes

COUNTING = """
import sys
from scalar_tx.observe.metrics import Metrics, count_in
count_in(sys.argv[1], sys.argv[2])
metrics = Metrics()
metrics.open_transactions.set(3)
for _ in range(int(sys.argv[3])):
    metrics.count_end(None, 0.2)
"""


def count(files: SharedFiles, name: str, times: int) -> dict[str, float]:
    """Let a process count under a name; what all have counted then."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    arguments = [str(files.path), name, str(times)]
    subprocess.run([sys.executable, "-c", COUNTING, *arguments], env=environment, check=True)
    return series(files.exposition().decode())


def series(text: str) -> dict[str, float]:
    found = re.findall(r"^(scalardb_\S+) (\S+)$", text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a series stands there twice"
    return {name: float(value) for name, value in found}


def test_counts_are_added_and_a_successor_goes_on(files: SharedFiles) -> None:
    assert count(files, "worker-0", 0)["scalardb_transaction_total"] == 0
    count(files, "worker-0", 2)
    found = count(files, "worker-1", 3)
    assert found["scalardb_transaction_total"] == 5
    assert found["scalardb_transaction_abort_total"] == 5
    assert found['scalardb_transaction_latency_seconds_bucket{le="0.25"}'] == 5
    assert found['scalardb_transaction_latency_seconds_bucket{le="0.1"}'] == 0
    assert found["scalardb_node_open_transactions"] == 6
    files.forget("worker-1")
    found = series(files.exposition().decode())
    assert found["scalardb_transaction_total"] == 5
    assert found["scalardb_node_open_transactions"] == 3


@pytest.mark.parametrize(
    "outcome,own,expected",
    [
        (TransactionState.COMMITTED, False, (1, 0, 0)),
        (TransactionState.ABORTED, False, (1, 1, 0)),
        (TransactionState.ABORTED, True, (1, 0, 1)),
        (TransactionState.UNKNOWN, False, (1, 0, 0)),
        (None, False, (1, 1, 0)),
    ],
)
def test_an_end_counts_once(
    outcome: TransactionState | None, own: bool, expected: tuple[int, int, int]
) -> None:
    registry = CollectorRegistry()
    counted = Metrics(registry)
    names = [f"scalardb_transaction{name}_total" for name in ("", "_abort", "_rollback")]
    assert [registry.get_sample_value(name) for name in names] == [0, 0, 0]
    counted.count_end(outcome, 0.04, own_rollback=own)
    assert tuple(registry.get_sample_value(name) for name in names) == expected
    buckets = re.findall(r'_bucket\{le="([^"]+)"\} (\S+)', generate_latest(registry).decode())
    assert [float(le) for le, _ in buckets[:-1]] == list(BUCKETS)
    assert [float(value) for _, value in buckets] == [0.0] * 6 + [1.0] * 9


def test_what_the_dead_left_is_removed_and_what_the_living_have_is_not(parent: Path) -> None:
    living = SharedFiles.made()
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    dying = (
        "import os; from pathlib import Path; from scalar_tx.observe import metrics\n"
        f"metrics._IN_MEMORY = Path({str(parent)!r})\n"
        "print(metrics.SharedFiles.made().path, flush=True); os._exit(9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", dying], env=environment, capture_output=True, text=True, check=False
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    other = SharedFiles.made()
    assert not left.exists()
    assert living.path.is_dir()
    other.remove()
    living.remove()
    assert list(parent.iterdir()) == []


def test_a_node_leaves_no_files_behind(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path)}
    ends = ("--workers", "1", "--decommission", "0", "--log-format", "json")
    with Node(tmp_path / "node", *ends, environment=environment) as node:
        maps = Path(f"/proc/{node.workers()[0]}/maps").read_text()
        found = re.search(r"(\S+/scalar-tx-metrics-\w+)/counter_worker-0\.db", maps)
        assert found is not None
        assert Path(found[1]).is_dir()
        node.end(15)
        assert not Path(found[1]).exists()
    # Its log, of all its processes, was JSON to the end.
    events = [json.loads(line) for line in node.log.splitlines()]
    assert "the node has ended" in {event["message"] for event in events}


def test_a_script_counts_once_however_often_it_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[Any] = []
    attempts = itertools.count(1)

    async def conflicts_twice(steps: Any, script: Any) -> Any:
        if next(attempts) < 3:
            await steps.rollback()
            raise ConflictError("planted")
        return await run_transaction(steps, script)

    monkeypatch.setattr(execute, "run_transaction", conflicts_twice)
    served = Served("memory://")
    try:
        served.worker.ended = lambda outcome, _, **__: ends.append(outcome)
        with scalar_tx.connect(served.url) as db:
            db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
            script = scalar_tx.Script()
            script.upsert("a.b", {"id": 1})
            db.execute(script)
    finally:
        served.close()
    assert next(attempts) == 4
    assert ends == [TransactionState.COMMITTED]


def test_a_transaction_whose_rollback_fails_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = threading.Event()

    async def fails(_: Stream) -> None:
        raise StorageUnavailableError("planted")

    served = Served("memory://")
    try:
        served.worker.ended = lambda *_, **__: counted.set()
        with scalar_tx.connect(served.url) as db:
            db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
            tx = db.begin()
            tx.get("a.b", {"id": 1})
            monkeypatch.setattr(Stream, "roll_back", fails)
        assert counted.wait(10)  # its connection has ended
    finally:
        served.close()
