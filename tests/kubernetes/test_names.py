"""Does every name that a configuration holds lead to a Service, a port, and a pod that listens?"""

from __future__ import annotations

import re

import pytest
import yaml

from tests.kubernetes.rendered import OVERLAYS, Rendered, rendered

pytestmark = pytest.mark.manifests


def scraped(made: Rendered) -> list[str]:
    text = made.one("ConfigMap", "scalardb-scrape-config")["data"]["scrape.yaml"]
    [job] = yaml.safe_load(text)["scrape_configs"]
    assert job["job_name"] == "scalardb-cluster"
    assert job["metrics_path"] == "/metrics"
    [static] = job["static_configs"]
    targets: list[str] = static["targets"]
    return targets


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_contact_points(overlay: str) -> None:
    made = rendered(overlay)
    properties = made.property_values()
    port = int(properties["scalar.db.contact_port"])
    hosts = properties["scalar.db.contact_points"].split(",")
    assert len(hosts) == made.one("StatefulSet", "cassandra")["spec"]["replicas"]
    for host in hosts:
        assert made.reached_at(host, port) == [host]  # one pod each, of that very name


@pytest.mark.parametrize("overlay", ["staging", "prod"])
def test_scrape_targets(overlay: str) -> None:
    made = rendered(overlay)
    targets = scraped(made)
    assert targets == [f"scalardb-{n}:8080" for n in range(made.workload["spec"]["replicas"])]
    for target in targets:
        host, port = target.split(":")
        number = host.removeprefix("scalardb-")
        assert made.reached_at(host, int(port)) == [f"scalardb-cluster-{number}"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_seeds_of_cassandra(overlay: str) -> None:
    made = rendered(overlay)
    settings = yaml.safe_load(made.one("ConfigMap", "cassandra-config")["data"]["cassandra.yaml"])
    [seeds] = settings["seed_provider"][0]["parameters"]
    for seed in seeds["seeds"].split(","):
        pod, service = seed.split(".")
        behind = made.reached_at(service, 7000)
        assert pod in behind or len(behind) == 1  # a seed that is not there is passed over
    assert made.one("Service", service)["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_clients_reach_all_nodes(overlay: str) -> None:
    made = rendered(overlay)
    nodes = made.workload["spec"]["replicas"]
    for service in ("scalardb", "scalardb-lb"):
        assert len(made.reached_at(service, 60053)) == nodes
    for number in range(nodes):
        for port in (60053, 60054, 8080):
            assert len(made.reached_at(f"scalardb-{number}", port)) == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_port_of_every_service_leads_somewhere(overlay: str) -> None:
    made = rendered(overlay)
    for service in made.all("Service"):
        for port in service["spec"]["ports"]:
            assert made.reached_at(service["metadata"]["name"], port["port"])


def test_a_name_without_a_service_is_noticed() -> None:
    made = rendered("staging")
    for host, port in (("scalardb-2", 8080), ("scalardb-1", 1), ("nothing", 8080)):
        with pytest.raises(LookupError):
            made.reached_at(host, port)


@pytest.mark.parametrize(
    "overlay, kind", [("dev", "ClusterIP"), ("staging", "ClusterIP"), ("prod", "LoadBalancer")]
)
def test_what_stands_in_front(overlay: str, kind: str) -> None:
    made = rendered(overlay)
    service = made.one("Service", "scalardb-lb")
    assert service["spec"]["type"] == kind
    if kind == "LoadBalancer":
        assert {
            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
            "networking.gke.io/load-balancer-type": "Internal",
            "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
        }.items() <= service["metadata"]["annotations"].items()
    # New pods get their share: no connection is for ever.
    age = int(made.property_values()["scalar.db.node.max_connection_age_secs"])
    assert 60 <= age <= 600


def test_listeners_of_the_properties_are_the_pods_ports() -> None:
    made = rendered("prod")
    properties = made.property_values()
    ports = {one["name"]: one["containerPort"] for one in made.container["ports"]}
    assert ports == {
        "grpc": int(properties["scalar.db.node.port"]),
        "admin": int(properties["scalar.db.node.admin_port"]),
        "http": int(properties["scalar.db.node.http_port"]),
    }
    hosts = [v for k, v in properties.items() if re.search(r"node\.(\w+_)?host$", k)]
    assert set(hosts) == {"0.0.0.0"}  # a pod's own
