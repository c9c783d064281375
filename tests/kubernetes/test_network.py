"""Who may talk to whom, as the NetworkPolicies say?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.rendered import OVERLAYS, Object, Rendered, rendered

pytestmark = pytest.mark.manifests


def ports_of(rules: list[Object]) -> set[tuple[str, int]]:
    return {(port["protocol"], port["port"]) for rule in rules for port in rule["ports"]}


def rule_for(policy: Object, direction: str, port: int) -> Any:
    [found] = [
        rule for rule in policy["spec"][direction] if port in {p["port"] for p in rule["ports"]}
    ]
    return found


def governed(made: Rendered, policy: Object) -> set[str]:
    labels = policy["spec"]["podSelector"]["matchLabels"]
    return {
        name
        for name, template in made.pod_specs()
        if labels.items() <= template["metadata"]["labels"].items()
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nodes_get_to_names_and_databases_only(overlay: str) -> None:
    made = rendered(overlay)
    policy = made.one("NetworkPolicy", "scalardb-storage")
    assert policy["spec"]["policyTypes"] == ["Egress"]
    assert ports_of(policy["spec"]["egress"]) == {
        ("UDP", 53),
        ("TCP", 53),
        ("TCP", 9042),
        ("TCP", 443),
        ("TCP", 60054),
    }
    assert rule_for(policy, "egress", 60054)["to"] == [
        {"podSelector": {"matchLabels": {"app": "scalardb"}}}
    ]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_governed_in_what_it_sends(overlay: str) -> None:
    made = rendered(overlay)
    sending = [p for p in made.all("NetworkPolicy") if "Egress" in p["spec"]["policyTypes"]]
    every = {name for name, _ in made.pod_specs()}
    assert set().union(*(governed(made, policy) for policy in sending)) == every


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_node_lets_in_whom_it_knows(overlay: str) -> None:
    made = rendered(overlay)
    policy = made.one("NetworkPolicy", "scalardb-cluster")
    assert governed(made, policy) == {"StatefulSet scalardb-cluster"}
    assert ports_of(policy["spec"]["ingress"]) == {("TCP", 60053), ("TCP", 60054), ("TCP", 8080)}
    assert all(rule["from"] for rule in policy["spec"]["ingress"])
    # Pausing all nodes is for themselves and for whom the label names, whatever the namespace's.
    assert all("namespaceSelector" not in one for one in rule_for(policy, "ingress", 60054)["from"])
    addresses = [one for one in rule_for(policy, "ingress", 60053)["from"] if "ipBlock" in one]
    assert bool(addresses) == (made.one("Service", "scalardb-lb")["spec"]["type"] == "LoadBalancer")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_nodes_and_jobs_reach_cassandra(overlay: str) -> None:
    made = rendered(overlay)
    policy = made.one("NetworkPolicy", "cassandra")
    assert governed(made, policy) == {"StatefulSet cassandra"}
    [caller] = rule_for(policy, "ingress", 9042)["from"]
    labels = caller["podSelector"]["matchLabels"]
    allowed = {
        name
        for name, template in made.pod_specs()
        if labels.items() <= template["metadata"]["labels"].items()
    }
    assert allowed == {name for name, _ in made.pod_specs()} - {"StatefulSet cassandra"}
    [neighbour] = rule_for(policy, "ingress", 7000)["from"]
    assert neighbour == {"podSelector": {"matchLabels": {"app": "cassandra"}}}
