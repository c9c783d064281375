"""Is what each overlay makes of the right size, of the right form, and all in its place?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.kubernetes.python_tools import SCHEMAS, said_of
from tests.kubernetes.rendered import NEEDS, OPTIONAL, OVERLAYS, rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

EVERY = [*((one,) for one in OVERLAYS), *(("prod", *NEEDS.get(one, ()), one) for one in OPTIONAL)]
# What the Prometheus operator brings; kubernetes-validate has no schema of it.
FOREIGN = {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("parts", EVERY, ids="+".join)
def test_kubernetes_own_schemas_find_nothing(parts: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    known = [one for one in rendered(*parts).objects if one["kind"] not in FOREIGN]
    file.write_text(yaml.safe_dump_all(known))
    code, said = said_of(SCHEMAS, "kubernetes-validate", "--strict", str(file))
    assert code == 0, said
    assert "WARN" not in said
    assert said.count("INFO") == len(known)


def test_the_schemas_would_find_a_wrong_type(tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    workload = rendered("prod").workload
    spoiled = {**workload, "spec": {**workload["spec"], "replicas": "three"}}
    file.write_text(yaml.safe_dump(spoiled))
    assert said_of(SCHEMAS, "kubernetes-validate", "--strict", str(file))[0] == 1


@pytest.mark.parametrize(
    "overlay, nodes, cassandra", [("dev", 1, 1), ("staging", 2, 3), ("prod", 3, 3)]
)
def test_so_many_nodes(overlay: str, nodes: int, cassandra: int) -> None:
    made = rendered(overlay)
    assert made.workload["spec"]["replicas"] == nodes
    assert made.one("StatefulSet", "cassandra")["spec"]["replicas"] == cassandra


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_three_replicas_where_there_are_three_nodes(overlay: str) -> None:
    made = rendered(overlay)
    nodes = made.one("StatefulSet", "cassandra")["spec"]["replicas"]
    [schema] = made.one("Job", "scalardb-schema")["spec"]["template"]["spec"]["containers"]
    # Every keyspace that the command makes, the coordinator's and the metadata's too, has these.
    assert schema["args"][schema["args"].index("--replication-factor") + 1] == str(nodes)
    assert {"--coordinator", "--outcome"} <= set(schema["args"])
    [cassandra] = made.one("StatefulSet", "cassandra")["spec"]["template"]["spec"]["containers"]
    options = {one["name"]: one["value"] for one in cassandra["env"]}["JVM_EXTRA_OPTS"]
    own = re.findall(r"system_(\w+)\.default_rf=(\d)", options)
    assert dict(own) == ({"auth": "3", "distributed": "3", "traces": "3"} if nodes == 3 else {})


@pytest.mark.parametrize("parts", EVERY, ids="+".join)
def test_all_is_in_one_namespace_that_restricts_pods(parts: tuple[str, ...]) -> None:
    made = rendered(*parts)
    [namespace] = made.all("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    name = namespace["metadata"]["name"]
    assert name == f"scalardb-{parts[0]}"  # one Prometheus looks at all that begin with scalardb
    others = [one for one in made.objects if one["kind"] != "Namespace"]
    assert {one["metadata"].get("namespace") for one in others} == {name}


@pytest.mark.parametrize("parts", EVERY, ids="+".join)
def test_nothing_names_what_is_not_there(parts: tuple[str, ...]) -> None:
    """Volumes and variables name ConfigMaps, Secrets and a ServiceAccount that are rendered."""
    made = rendered(*parts)
    there = {(one["kind"], one["metadata"]["name"]) for one in made.objects}
    wanted = set()
    for _, template in made.pod_specs():
        pod = template["spec"]
        if "serviceAccountName" in pod:
            wanted.add(("ServiceAccount", pod["serviceAccountName"]))
        for volume in pod["volumes"]:
            if "configMap" in volume:
                wanted.add(("ConfigMap", volume["configMap"]["name"]))
            if "secret" in volume:
                wanted.add(("Secret", volume["secret"]["secretName"]))
        for variable in (one for each in pod["containers"] for one in each.get("env", [])):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                wanted.add(("Secret", reference["name"]))
    assert wanted
    assert wanted <= there


@pytest.mark.parametrize("parts", EVERY, ids="+".join)
def test_selectors_select_something(parts: tuple[str, ...]) -> None:
    made = rendered(*parts)
    selectors = [one["spec"]["selector"] for one in made.all("Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in made.all("PodDisruptionBudget")]
    assert [one for one in selectors if not made.selected_by(one)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_images_have_a_version(overlay: str) -> None:
    images = {
        container["image"]
        for _, template in rendered(overlay).pod_specs()
        for container in template["spec"]["containers"]
    }
    assert len(images) == 2  # ours is the same everywhere
    assert [one for one in images if not re.fullmatch(r"[\w-]+:\d+\.\d+\.\d+", one)] == []
