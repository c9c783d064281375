"""Does what monitors nodes find each of them, and is no rule or dashboard forgotten?"""

from __future__ import annotations

import re

import pytest
import yaml

from tests.kubernetes.rendered import K8S, rendered

pytestmark = pytest.mark.manifests

MONITORING = K8S / "components" / "monitoring"


@pytest.mark.parametrize("parts", [("staging",), ("prod",), ("prod", "hpa")], ids="+".join)
def test_the_operator_finds_each_node_once(parts: tuple[str, ...]) -> None:
    made = rendered(*parts)
    monitor = made.one("ServiceMonitor", "scalardb-cluster")["spec"]
    wanted = monitor["selector"]["matchLabels"]
    [service] = [
        one for one in made.all("Service") if wanted.items() <= one["metadata"]["labels"].items()
    ]
    [endpoint] = monitor["endpoints"]
    assert endpoint["path"] == "/metrics"
    [port] = [one for one in service["spec"]["ports"] if one["name"] == endpoint["port"]]
    assert made.reached_at(service["metadata"]["name"], port["port"])
    assert port["port"] == 8080


def test_job_and_instance_are_called_as_in_the_plain_configuration() -> None:
    made = rendered("prod")
    [endpoint] = made.one("ServiceMonitor", "scalardb-cluster")["spec"]["endpoints"]
    [job, instance] = endpoint["relabelings"]
    assert (job["targetLabel"], job["replacement"]) == ("job", "scalardb-cluster")
    assert instance["targetLabel"] == "instance"
    assert endpoint["honorLabels"] is True
    template = instance["replacement"].replace("$1", r"\1")
    assert re.sub(instance["regex"], template, "scalardb-cluster-2") == "scalardb-2:8080"


@pytest.mark.parametrize("parts", [("staging",), ("prod",), ("prod", "deployment")], ids="+".join)
def test_labels_of_a_series_are_kept(parts: tuple[str, ...]) -> None:
    text = rendered(*parts).one("ConfigMap", "scalardb-scrape-config")["data"]["scrape.yaml"]
    [job] = yaml.safe_load(text)["scrape_configs"]
    assert job["honor_labels"] is True
    assert job["job_name"] == "scalardb-cluster"


def test_every_rule_and_dashboard_is_taken_along() -> None:
    kustomization = yaml.safe_load((MONITORING / "kustomization.yaml").read_text())
    rules = {f"rules/{one.name}" for one in MONITORING.glob("rules/*.yaml")}
    named = set(kustomization["resources"])
    assert {one for one in named if one.startswith("rules/")} == rules
    files = [one for each in kustomization["configMapGenerator"] for one in each["files"]]
    dashboards = {f"dashboards/{one.name}" for one in MONITORING.glob("dashboards/*.json")}
    assert {one.rpartition("=")[2] for one in files if "dashboards/" in one} == dashboards


def test_dashboards_carry_the_label_that_grafana_looks_for() -> None:
    made = rendered("prod")
    names = {f.name for f in MONITORING.glob("dashboards/*.json")}
    carried = {
        name
        for one in made.all("ConfigMap")
        if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
        for name in one["data"]
    }
    assert carried == names
