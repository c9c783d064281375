"""What is said of a cluster, in words that fit what was found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.finding import Verdict
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.settings import load
from scalar_tx.storage.cassandra.doctor import (
    _nodes,
    durability,
    examine,
    factor_of,
    paxos,
    replication,
)

if TYPE_CHECKING:
    from tests.servers import Cluster

SIMPLE = "org.apache.cassandra.locator.SimpleStrategy"
NETWORK = "org.apache.cassandra.locator.NetworkTopologyStrategy"


@pytest.mark.parametrize(
    "mode, few, verdict",
    [
        ("batch", True, Verdict.GOOD),
        ("group", False, Verdict.GOOD),
        ("periodic", True, Verdict.BAD),
        ("periodic", False, Verdict.WARNING),
        (None, True, Verdict.NOTE),
    ],
)
def test_durability(mode: str | None, few: bool, verdict: Verdict) -> None:
    found = durability("the node", mode, few_replicas=few)
    assert found.verdict is verdict
    if verdict is not Verdict.GOOD:
        assert found.advice is not None
        assert "batch" in found.advice
    if mode == "periodic":
        assert "lose" in found.text


def test_paxos() -> None:
    assert paxos("n", "v2").verdict is Verdict.GOOD
    assert paxos("n", "v2_without_linearizable_reads_or_rejected_writes").verdict is Verdict.BAD
    assert paxos("n", "v1_without_linearizable_reads_or_rejected_writes").verdict is Verdict.BAD
    found = paxos("n", "v1")
    assert found.verdict is Verdict.NOTE
    assert found.advice is not None
    assert paxos("n", None).verdict is Verdict.NOTE


@pytest.mark.parametrize(
    "one, nodes, verdict",
    [
        ({"class": SIMPLE, "replication_factor": "1"}, 1, Verdict.WARNING),
        ({"class": SIMPLE, "replication_factor": "2"}, 3, Verdict.WARNING),
        ({"class": SIMPLE, "replication_factor": "3"}, 3, Verdict.GOOD),
        ({"class": SIMPLE, "replication_factor": "3"}, 2, Verdict.WARNING),
        ({"class": SIMPLE, "replication_factor": "3"}, 1, Verdict.BAD),
        ({"class": NETWORK, "here": "3"}, 3, Verdict.GOOD),
        ({"class": NETWORK, "dc1": "3"}, 3, Verdict.BAD),
        ({"class": "LocalStrategy"}, 3, Verdict.NOTE),
    ],
)
def test_replication(one: dict[str, str], nodes: int, verdict: Verdict) -> None:
    assert replication("ns", one, nodes=nodes, centers={"here"}).verdict is verdict


def test_the_fewest_replicas_count() -> None:
    assert factor_of({"class": NETWORK, "east": "3", "west": "2"}) == 2
    assert factor_of({"class": NETWORK, "east": "3/1"}) == 3


def test_a_server_is_examined(cassandra_server: Cluster) -> None:
    found = examine(load(cassandra_server.properties()).storage)
    by_subject = {one.subject: one for one in found.findings}
    assert by_subject["cluster"].verdict is Verdict.GOOD
    assert by_subject["durability"].verdict is Verdict.GOOD
    assert "batch" in by_subject["durability"].text
    assert "v1" in by_subject["conditional writes"].text
    assert found.clock_ahead_ms is not None
    assert abs(found.clock_ahead_ms) < 2000


def test_a_server_that_is_not_there_is_said_so() -> None:
    found = examine(StorageSettings("cassandra", ("127.0.0.1:1",)))
    (finding,) = found.findings
    assert finding.verdict is Verdict.BAD
    assert "127.0.0.1:1" in finding.text
    assert finding.advice is not None
    assert "contact points" in finding.advice


def test_nodes_of_other_data_centers_are_counted_and_not_asked() -> None:
    here = SimpleNamespace(address="10.0.0.1", release_version="5.0", datacenter="here")
    assert "not asked: 2 in other data centers" in _nodes([here], elsewhere=2).text
    assert "not asked" not in _nodes([here], elsewhere=0).text
