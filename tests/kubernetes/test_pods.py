"""Is a node's pod what the design says, and as restricted as it can be?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.rendered import OVERLAYS, rendered

pytestmark = pytest.mark.manifests


def seconds(properties: dict[str, str], what: str) -> int:
    return int(properties[f"scalar.db.node.{what}_duration_secs"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_names_are_the_fixed_ones(overlay: str) -> None:
    made = rendered(overlay)
    workload = made.one("StatefulSet", "scalardb-cluster")
    assert workload["spec"]["serviceName"] == "scalardb"
    assert workload["spec"]["template"]["metadata"]["labels"]["app"] == "scalardb"
    assert workload["spec"]["selector"]["matchLabels"] == {"app": "scalardb"}
    assert made.container["name"] == "scalardb"
    ports = {one["name"]: one["containerPort"] for one in made.container["ports"]}
    assert ports == {"grpc": 60053, "admin": 60054, "http": 8080}
    assert made.one("Service", "scalardb")["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_resources_are_those_of_the_table(overlay: str) -> None:
    made = rendered(overlay)
    assert made.container["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi"},
        "limits": {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "10Gi"},
    }
    cassandra = made.one("StatefulSet", "cassandra")["spec"]
    [container] = cassandra["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "4", "memory": "8Gi"}
    [claim] = cassandra["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "100Gi"


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("workload", ["scalardb-cluster", "cassandra"])
def test_no_two_on_one_machine_and_spread_over_zones(overlay: str, workload: str) -> None:
    spec = rendered(overlay).one("StatefulSet", workload)["spec"]
    labels, pod = spec["selector"]["matchLabels"], spec["template"]["spec"]
    anti_affinity = pod["affinity"]["podAntiAffinity"]
    assert anti_affinity["requiredDuringSchedulingIgnoredDuringExecution"] == [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
    ]
    [spread] = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"]["matchLabels"] == labels


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_separate_names_and_wait_three_seconds(overlay: str) -> None:
    container = rendered(overlay).container
    liveness, readiness = container["livenessProbe"], container["readinessProbe"]
    assert liveness["grpc"] == {"port": 60053, "service": "liveness"}
    assert (liveness["initialDelaySeconds"], liveness["periodSeconds"]) == (30, 10)
    assert readiness["grpc"] == {"port": 60053, "service": "readiness"}
    assert (readiness["initialDelaySeconds"], readiness["periodSeconds"]) == (5, 5)
    startup = container["startupProbe"]
    assert startup["grpc"]["service"] == "liveness"
    assert startup["failureThreshold"] * startup["periodSeconds"] >= 300
    assert {one["timeoutSeconds"] for one in (liveness, readiness, startup)} == {3}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_node_may_end_by_itself(overlay: str) -> None:
    made = rendered(overlay)
    properties = made.property_values()
    # What the supervisor itself allows at most: behind either of the last two it waits 5 s more.
    longest = (
        seconds(properties, "decommissioning")
        + seconds(properties, "drain")
        + 2 * (seconds(properties, "rollback") + 5)
    )
    assert made.pod["terminationGracePeriodSeconds"] > longest


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_node_at_a_time_is_away(overlay: str) -> None:
    made = rendered(overlay)
    assert made.workload["spec"]["updateStrategy"] == {"type": "RollingUpdate"}
    for name, labels in (("scalardb-cluster", "scalardb"), ("cassandra", "cassandra")):
        budget = made.one("PodDisruptionBudget", name)["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"] == {"app": labels}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_restricted(overlay: str) -> None:
    for name, template in rendered(overlay).pod_specs():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["runAsGroup"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
        assert all("hostPath" not in one for one in pod["volumes"])
        for container in pod["containers"]:
            own: dict[str, Any] = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["allowPrivilegeEscalation"] is False
            assert own["privileged"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_what_is_in_memory_or_thrown_away_can_be_written(overlay: str) -> None:
    made = rendered(overlay)
    volumes = {one["name"]: one for one in made.pod["volumes"]}
    written = {
        one["mountPath"]: volumes[one["name"]]["emptyDir"]
        for one in made.container["volumeMounts"]
        if not one.get("readOnly")
    }
    assert set(written) == {"/tmp", "/dev/shm"}  # the container's
    assert written["/dev/shm"]["medium"] == "Memory"
    assert all(one["sizeLimit"] for one in written.values())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_has_a_role(overlay: str) -> None:
    made = rendered(overlay)
    assert made.one("ServiceAccount", "scalardb")["automountServiceAccountToken"] is False
    assert not {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} & {
        one["kind"] for one in made.objects
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_cassandra_acknowledges_what_is_on_disk(overlay: str) -> None:
    import yaml

    made = rendered(overlay)
    settings = yaml.safe_load(made.one("ConfigMap", "cassandra-config")["data"]["cassandra.yaml"])
    assert settings["commitlog_sync"] == "batch"
    [container] = made.one("StatefulSet", "cassandra")["spec"]["template"]["spec"]["containers"]
    [config] = [one for one in container["volumeMounts"] if one["name"] == "config"]
    assert f"-Dcassandra.config=file://{config['mountPath']}/cassandra.yaml" in container["command"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    written = [one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")]
    folders = [v for k, v in settings.items() if k.endswith("_directory")]
    folders += settings["data_file_directories"]
    assert [one for one in folders if not one.startswith(tuple(written))] == []
