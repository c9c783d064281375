"""Does a whole node count what its callers do, through a worker's death, and tell nothing else?"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

import scalar_tx
from scalar_tx import ConflictError, ScalarTxError
from tests.cluster.node.running import Admin, Node, until
from tests.cluster.node.test_certificates import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nodes

CANARY = "canary-key-51f0"
SECRETS = f"scalar.db.username=somebody\nscalar.db.password={CANARY}\n"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path, "--workers", "2", properties=SECRETS) as node:
        yield node


def series(node: Node) -> dict[str, float]:
    """Every series, with its labels."""
    text = node.text("/metrics")[1]
    assert CANARY not in text
    found = re.findall(r"^(scalardb_\S+) (\S+)$", text, re.MULTILINE)
    assert len(found) == len(dict(found)), "a series stands there twice"
    return {name: float(value) for name, value in found}


def work(node: Node) -> None:
    with scalar_tx.connect(f"grpc://{node.where}") as db:
        db.admin.create_table(
            "shop.item", columns={"id": "TEXT", "n": "INT"}, partition_key=["id"],
            if_not_exists=True,
        )  # fmt: skip
        db.upsert("shop.item", {"id": CANARY, "n": 1})
        db.run(lambda tx: tx.get("shop.item", {"id": CANARY}))
        with db.transaction() as tx:
            tx.scan("shop.item", whole_table=True)
        script = scalar_tx.Script()
        script.get("shop.item", {"id": CANARY})
        db.execute(script)
        with pytest.raises(ConflictError):
            db.insert("shop.item", {"id": CANARY, "n": 1})
        for missing in (f"shop.{CANARY}", f"{CANARY}.item"):
            with pytest.raises(ScalarTxError):
                db.get(missing, {"id": "1"})


def test_counters_go_on_when_a_worker_is_killed(node: Node) -> None:
    start = series(node)
    assert start['scalardb_run_total{outcome="committed"}'] == 0
    assert start['scalardb_storage_error_total{kind="timeout",storage="sqlite"}'] == 0
    assert start["scalardb_node_workers_wanted"] == 2
    for _ in range(4):  # connections, and so workers, differ
        work(node)
    before = series(node)
    assert before['scalardb_run_total{outcome="committed"}'] == 4
    conflict = '{cause="record_exists",namespace="shop",table="item"}'
    assert before[f"scalardb_conflict_total{conflict}"] == 4
    assert (
        before['scalardb_namespace_operation_total{namespace="shop",operation="scan",outcome="ok"}']
        >= 4
    )  # one name
    for name, value in before.items():
        if name.startswith("scalardb_namespace_operation_seconds_count"):
            labels = re.findall(r'(?:namespace|operation)="\w+"', name)
            parts = [key for key in before if key.startswith("scalardb_namespace_operation_total")]
            assert value == sum(before[key] for key in parts if all(one in key for one in labels))
    victim = node.workers()[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in node.workers() and len(node.workers()) == 2, "it is back")
    after = series(node)
    assert after.keys() == before.keys()
    assert not any("pid" in name for name in after)
    counters = [name for name in before if re.search("_total|_bucket|_count|_sum", name)]
    changed = {name for name in counters if after[name] != before[name]}
    assert changed == {"scalardb_node_worker_restarts_total"}
    for _ in range(4):
        work(node)
    later = series(node)
    assert later['scalardb_run_total{outcome="committed"}'] == 8
    assert later.keys() == before.keys()


def test_how_long_it_has_been_paused(node: Node) -> None:
    admin = Admin(node.admin)
    assert series(node)["scalardb_node_paused_seconds"] == 0
    began = time.monotonic()
    admin.pause()
    time.sleep(0.2)
    admin.pause()  # paused again, it has been paused since the first time
    found = series(node)["scalardb_node_paused_seconds"]
    assert 0.2 <= found <= time.monotonic() - began
    admin.unpause()
    assert series(node)["scalardb_node_paused_seconds"] == 0


def test_when_its_certificate_expires(tmp_path: Path) -> None:
    files = Files(tmp_path / "tls")
    name = "scalardb_node_certificate_expiry_timestamp_seconds"
    with Node(tmp_path / "node", "--workers", "1", properties=files.properties) as node:
        for _ in range(2):
            chain = x509.load_pem_x509_certificates(files.chain.read_bytes())
            expected = min(one.not_valid_after_utc.timestamp() for one in chain)
            assert series(node)[name] == expected
            files.renew()


def test_without_a_certificate_none_expires(node: Node) -> None:
    assert "certificate" not in node.text("/metrics")[1]
    assert 'scalardb_build_info{version="' in node.text("/metrics")[1]
    assert "clock_skew" not in "".join(series(node))  # SQLite has no clock
