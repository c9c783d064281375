"""Which nodes are asked, and for how long is one that is away tried again?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from cassandra.cluster import (
    EXEC_PROFILE_DEFAULT,
    Cluster,
    ExecutionProfile,
    NoHostAvailable,
)
from cassandra.connection import DefaultEndPoint
from cassandra.policies import DCAwareRoundRobinPolicy, SimpleConvictionPolicy, TokenAwarePolicy
from cassandra.pool import Host

from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.storage.cassandra import connecting
from scalar_tx.storage.cassandra.session import asked_hosts
from scalar_tx.storage.cassandra.settings import cassandra_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 24 * 3600


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """The driver's own, of two data centers, as it is once it knows its nodes."""
    policy = TokenAwarePolicy(DCAwareRoundRobinPolicy("here"))
    profile = ExecutionProfile(load_balancing_policy=policy)
    cluster = Cluster(["10.0.0.1"], execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    hosts = []
    for address, center, is_up in (
        ("10.0.0.1", "here", True),
        ("10.0.0.2", "here", None),
        ("10.0.0.3", "here", False),
        ("10.1.0.1", "there", None),
    ):
        host = Host(DefaultEndPoint(address), SimpleConvictionPolicy)
        host.set_location_info(center, "rack")
        host.is_up = is_up
        cluster.metadata.add_or_return_host(host)
        hosts.append(host)
    cluster.profile_manager.populate(cluster, hosts)
    yield cluster
    cluster.shutdown()


def test_nodes_of_other_data_centers_are_not_asked(cluster: Cluster) -> None:
    assert sorted(host.address for host in asked_hosts(cluster)) == ["10.0.0.1", "10.0.0.2"]


def test_a_node_that_is_away_is_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def noted(**options: Any) -> Cluster:
        given.update(options)
        return Cluster(**options)

    monkeypatch.setattr(connecting, "Cluster", noted)
    settings = cassandra_settings(StorageSettings("cassandra", ("127.0.0.1:1",)))
    with pytest.raises(NoHostAvailable):
        connecting.open_session(settings, None)
    pauses = list(itertools.islice(given["reconnection_policy"].new_schedule(), DAY))
    assert sum(pauses) > DAY
    assert max(pauses) < 5
