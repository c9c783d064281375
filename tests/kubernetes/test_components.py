"""Does each component, on top of prod, do what it is for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.kubernetes.rendered import K8S, OPTIONAL, objects_of, own_overlay, rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

INSTANCE, APP = "app.kubernetes.io/instance", "app.kubernetes.io/app"


def test_the_autoscaler_has_the_number_to_itself() -> None:
    made = rendered("prod", "hpa")
    scaler = made.one("HorizontalPodAutoscaler", "scalardb-cluster")["spec"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": made.workload["apiVersion"],
        "kind": made.workload["kind"],
        "name": made.workload["metadata"]["name"],
    }
    assert "replicas" not in made.workload["spec"]
    assert scaler["minReplicas"] == 3
    [metric] = scaler["metrics"]
    assert metric["resource"]["name"] == "cpu"
    assert rendered("prod").all("HorizontalPodAutoscaler") == []


def test_probes_leave_a_port_that_speaks_tls() -> None:
    made = rendered("prod", "tls")
    container = made.container
    probes = [container[f"{one}Probe"] for one in ("startup", "liveness", "readiness")]
    assert [one["grpc"]["port"] for one in probes] == [60055] * 3
    assert [one["grpc"]["service"] for one in probes] == ["liveness", "liveness", "readiness"]
    assert [one["timeoutSeconds"] for one in probes] == [3] * 3
    assert "--health-port=60055" in container["args"]
    assert 60055 in {one["containerPort"] for one in container["ports"]}
    # kubelet alone asks there: no Service offers that port, and no policy lets others in.
    services = [port for one in made.all("Service") for port in one["spec"]["ports"]]
    assert all(port["port"] != 60055 for port in services)
    assert "60055" not in str(made.all("NetworkPolicy"))
    assert made.one("Secret", "scalardb-tls")["type"] == "kubernetes.io/tls"
    assert made.one("Secret", "scalardb-tls")["metadata"]["name"] == "scalardb-tls"


@pytest.mark.parametrize("parts", [("prod",), ("prod", "tls")], ids="+".join)
def test_http_is_scraped_as_it_is_served(parts: tuple[str, ...]) -> None:
    """Without http-tls there is no TLS on 8080, whatever tls does to the other ports."""
    plain, over_tls = rendered(*parts), rendered("prod", "tls", "http-tls")
    for made, wanted in ((plain, False), (over_tls, True)):
        properties = made.property_values()
        assert properties["scalar.db.node.http_tls"] == "${env:SCALARDB_HTTP_TLS:-false}"
        variables = {one["name"]: one.get("value") for one in made.container["env"]}
        assert variables.get("SCALARDB_HTTP_TLS", "false") == str(wanted).lower()
        [endpoint] = made.one("ServiceMonitor", "scalardb-cluster")["spec"]["endpoints"]
        assert endpoint.get("scheme", "http") == ("https" if wanted else "http")
        text = made.one("ConfigMap", "scalardb-scrape-config")["data"]["scrape.yaml"]
        [job] = yaml.safe_load(text)["scrape_configs"]
        assert job.get("scheme", "http") == ("https" if wanted else "http")


def test_http_over_tls_is_trusted_by_a_file_that_is_there() -> None:
    made = rendered("prod", "tls", "http-tls")
    [endpoint] = made.one("ServiceMonitor", "scalardb-cluster")["spec"]["endpoints"]
    place = endpoint["tlsConfig"]["ca"]["secret"]
    secret = made.one("Secret", place["name"])
    assert secret["metadata"]["name"] == "scalardb-tls"
    assert secret["type"] == "kubernetes.io/tls"
    assert set(secret["data"]) == {"tls.crt", "tls.key", place["key"]}
    # Pods are asked by address, so the name has to be one that the certificate is for.
    assert made.reached_at(endpoint["tlsConfig"]["serverName"], 8080)
    assert "insecureSkipVerify" not in endpoint["tlsConfig"]


def test_the_plain_configuration_over_tls_differs_in_that_alone() -> None:
    def job(*parts: str) -> dict[str, object]:
        made = rendered("prod", *parts)
        text = made.one("ConfigMap", "scalardb-scrape-config")["data"]["scrape.yaml"]
        [found] = yaml.safe_load(text)["scrape_configs"]
        return dict(found)

    over_tls = job("tls", "http-tls")
    assert over_tls.pop("scheme") == "https"
    assert set(over_tls.pop("tls_config")) == {"ca_file", "server_name"}  # type: ignore[call-overload]
    assert over_tls == job("tls")


def test_a_deployment_has_it_too() -> None:
    made = rendered("prod", "deployment", "tls", "http-tls")
    assert made.workload["kind"] == "Deployment"
    variables = {one["name"]: one.get("value") for one in made.container["env"]}
    assert variables["SCALARDB_HTTP_TLS"] == "true"


def test_dynamodb_by_a_role_needs_no_secret() -> None:
    made = rendered("prod", "dynamodb-role")
    assert made.all("Secret") == []
    assert "SCALARDB_PASSWORD" not in {one["name"] for one in made.container["env"]}
    account = made.one("ServiceAccount", "scalardb")["metadata"]
    assert "eks.amazonaws.com/role-arn" in account["annotations"]
    assert made.property_values()["scalar.db.storage"] == "dynamo"


def test_dynamodb_by_a_secret_takes_the_key_from_it() -> None:
    made = rendered("prod", "dynamodb-secret")
    values = made.property_values()
    assert values["scalar.db.storage"] == "dynamo"
    assert values["scalar.db.username"] == "${SCALARDB_USERNAME}"
    [secret] = made.all("Secret")
    assert set(secret["data"]) == {"username", "password"}


@pytest.mark.parametrize("by", ["dynamodb-role", "dynamodb-secret"])
def test_dynamodb_without_cassandra(by: str, tmp_path: Path) -> None:
    """As one would use it: the base, no Cassandra beside it."""
    own = own_overlay(tmp_path, "prod", by, "schema-job", resources=["../../base"])
    made = objects_of(own)
    assert [one["metadata"]["name"] for one in made.all("StatefulSet")] == ["scalardb-cluster"]
    assert made.property_values()["scalar.db.contact_points"] == "eu-central-1"


def test_the_stock_pause_tool_finds_what_it_looks_for() -> None:
    """scalar-admin-for-kubernetes, operators' expectations 8.3: release name scalardb-cluster."""
    made = rendered("prod", "deployment")
    labels = {INSTANCE: "scalardb-cluster", APP: "scalardb-cluster"}

    def found(kind: str) -> list[dict[str, object]]:
        return [
            one
            for one in made.all(kind)
            if labels.items() <= one["metadata"].get("labels", {}).items()
        ]

    [deployment] = found("Deployment")
    assert deployment == made.workload
    assert made.selected_by({INSTANCE: "scalardb-cluster"}) == made.selected_by(labels)
    assert len(made.selected_by(labels)) == 3
    headless = [s for s in found("Service") if str(s["metadata"]["name"]).endswith("-headless")]  # type: ignore[index]
    [service] = headless
    [port] = [p for p in service["spec"]["ports"] if p["name"] == "scalardb-cluster"]  # type: ignore[index]
    assert type(port["targetPort"]) is int  # the tool takes no name
    admin = int(made.property_values()["scalar.db.node.admin_port"])
    assert port["targetPort"] == admin
    assert len(made.reached_at("scalardb-headless", admin)) == 3
    # Jobs and Cassandra are no pods of that release: one without the second label is an error.
    for name, template in made.pod_specs():
        assert (INSTANCE in template["metadata"]["labels"]) == (
            name == "Deployment scalardb-cluster"
        )


def test_a_deployment_is_scraped_by_a_name_that_is_there() -> None:
    made = rendered("prod", "deployment")
    assert [s for s in made.all("Service") if s["metadata"]["name"] == "scalardb-0"] == []
    text = made.one("ConfigMap", "scalardb-scrape-config")["data"]["scrape.yaml"]
    [job] = yaml.safe_load(text)["scrape_configs"]
    [lookup] = job["dns_sd_configs"]
    for name in lookup["names"]:
        assert len(made.reached_at(name, lookup["port"])) == 3


def test_a_part_that_keeps_something_has_a_claim_of_its_own() -> None:
    made = rendered("prod", "state-volume")
    [claim] = made.workload["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] in {one["name"] for one in made.container["volumeMounts"]}
    assert "volumeClaimTemplates" not in rendered("prod").workload["spec"]


@pytest.mark.parametrize("overlay", ["staging", "prod"])
def test_the_clean_up_is_there_and_off(overlay: str) -> None:
    made = rendered(overlay)
    job = made.one("CronJob", "scalardb-coordinator-cleanup")["spec"]
    assert job["suspend"] is True
    assert job["concurrencyPolicy"] == "Forbid"
    # Without this a clean-up that is switched on later would find nothing that it may remove.
    variables = {one["name"]: one.get("value") for one in made.container["env"]}
    assert variables["SCALARDB_WRITE_SET_LOGGING"] == "true"


def test_every_component_is_used_or_optional() -> None:
    folders = {one.name for one in (K8S / "components").iterdir()}
    used = set()
    for file in (K8S / "overlays").glob("*/kustomization.yaml"):
        parts = yaml.safe_load(file.read_text())["components"]
        used |= {one.rpartition("/")[2] for one in parts}
    assert used | set(OPTIONAL) == folders
