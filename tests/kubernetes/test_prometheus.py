"""Does a real Prometheus see in a node what rules, alerts and dashboards ask for?

One node, one Prometheus: the tests of this file are steps of one story, in their order.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.cluster.node.running import Node, lives, until
from tests.kubernetes.prometheus_server import JOB, Prometheus, scraping
from tests.kubernetes.rule_files import MONITORING, alerts
from tests.kubernetes.series import SERIES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.manifests

RECORDED = ("scalardb:transaction_latency:p99", "scalardb:transaction_throughput")
OF_RUNS = {"scalardb:commit_success_rate": 1.0, "scalardb:abort_rate": 0.0}
# Only with TLS, and only of storages that tell the time.
NOT_HERE = {
    "scalardb_node_certificate_expiry_timestamp_seconds",
    "scalardb_storage_clock_skew_seconds",
}
# Kubernetes is not here.
EXPECTED_ALERTS = {"ScalarDBKubernetesUnseen"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    ends = ("--workers", "2", "--decommission", "0")
    with Node(tmp_path_factory.mktemp("prometheus") / "node", *ends) as node:
        yield node


@pytest.fixture(scope="module")
def seen(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    target = f"127.0.0.1:{node.told['http_port']}"
    with scraping(tmp_path_factory.mktemp("seen") / "prometheus", target) as found:
        until(lambda: found.scraped() >= 2, "the node is not scraped", 30)
        yield found


def work(node: Node, times: int = 40) -> None:
    """Commit in both ways, and roll back."""
    with scalar_tx.connect(f"grpc://{node.where}") as db:
        db.admin.create_table(
            "shop.item", columns={"id": "INT"}, partition_key=["id"], if_not_exists=True
        )
        for number in range(times):
            with db.transaction() as tx:
                tx.upsert("shop.item", {"id": number})
            script = scalar_tx.Script()
            script.get("shop.item", {"id": number})
            script.upsert("shop.item", {"id": number})
            db.execute(script)
            tx = db.begin()
            tx.get("shop.item", {"id": number})
            tx.rollback()


def scrape_again(seen: Prometheus) -> None:
    """Wait until whatever was counted so far has been scraped, and rules have seen it."""
    before = seen.scraped()
    until(lambda: seen.scraped() >= before + 3, "the node is no longer scraped", 30)


def test_every_series_stands_there_before_the_first_transaction(
    node: Node, seen: Prometheus
) -> None:
    for name in ("scalardb_transaction_total", "scalardb_transaction_abort_total"):
        assert seen.value(name) == 0
    plain = {name for name, labels in SERIES.items() if not labels} - NOT_HERE
    names = {json.loads(one)["__name__"] for one in seen.series()}
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
    assert plain - bare == set()
    assert bare - SERIES.keys() == set(), "series that nobody knows of"


def test_series_have_the_labels_that_rules_and_dashboards_use(node: Node, seen: Prometheus) -> None:
    work(node)
    scrape_again(seen)
    looked_at = set()
    for one in seen.series():
        labels = json.loads(one)
        name = re.sub(r"_(bucket|count|sum)$", "", labels["__name__"])
        assert labels.keys() - {"__name__", "job", "instance", "le"} == set(SERIES[name]), name
        looked_at.add(name)
    assert looked_at >= {"scalardb_namespace_operation_seconds", "scalardb_run_total"}
    assert seen.query('scalardb_namespace_operation_total{namespace="shop", outcome="ok"} > 0')


def test_the_rules_answer(node: Node, seen: Prometheus) -> None:
    work(node)
    scrape_again(seen)
    for name in RECORDED:
        [(labels, value)] = seen.query(name)
        assert labels == {"__name__": name, "job": JOB}
        assert math.isfinite(value)
        assert value > 0
    assert seen.value("scalardb_transaction_total") >= 120
    assert seen.value("scalardb_transaction_rollback_total") >= 40


def test_the_rules_on_whole_runs_answer(node: Node, seen: Prometheus) -> None:
    work(node)
    scrape_again(seen)
    for name, expected in OF_RUNS.items():
        assert seen.value(name) == expected


def test_no_alert_is_raised_and_none_fails_on_what_a_node_shows(seen: Prometheus) -> None:
    scrape_again(seen)
    rules = [rule for group in seen.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == alerts().keys()
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
    assert {rule["health"] for rule in rules} == {"ok"}
    raised = {alert["labels"]["alertname"] for alert in seen.get("alerts")["alerts"]}
    assert raised == EXPECTED_ALERTS


def test_dashboards_show_something(seen: Prometheus) -> None:
    empty = []
    for path in sorted((MONITORING / "dashboards").glob("*.json")):
        if path.stem == "services":
            continue  # a node without them shows nothing of it
        board: dict[str, Any] = json.loads(path.read_text())
        for panel in board["panels"]:
            texts = [one["expr"].replace("$instance", ".*") for one in panel.get("targets", ())]
            if texts and not any(seen.query(text) for text in texts):
                empty.append(panel["title"])
    # Nothing has gone wrong, and there is no TLS.
    assert set(empty) <= {
        "Certificate good for",
        "Clock skew",
        "Conflicts by cause",
        "Conflicts by table",
        "Errors by storage and kind",
        "Recoveries",
    }


def test_a_worker_that_dies_leaves_every_series_as_it_was(node: Node, seen: Prometheus) -> None:
    work(node)
    scrape_again(seen)
    series, total = seen.series(), seen.value("scalardb_transaction_total")
    assert not {one for one in series if "pid" in json.loads(one)}
    killed = node.workers()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: not lives(killed) and len(node.workers()) == 2, "no worker was started again")
    scrape_again(seen)
    assert seen.value("scalardb_transaction_total") >= total
    assert seen.value("scalardb_node_worker_restarts_total") == 1
    work(node)
    scrape_again(seen)
    assert seen.series() == series
    assert seen.value("scalardb_transaction_total") >= total + 120
    assert seen.value("resets(scalardb_transaction_total[5m])") == 0
