"""What would Kubernetes be given, and what would its names lead to?"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.kubernetes.kustomize_tool import yaml_of

if TYPE_CHECKING:
    from collections.abc import Iterator

K8S = Path(__file__).parents[2] / "k8s"
OVERLAYS = ("dev", "staging", "prod")
# What an overlay of one's own adds to prod.
OPTIONAL = (
    "deployment",
    "dynamodb-role",
    "dynamodb-secret",
    "event-on-dynamodb",
    "event-on-dynamodb-secret",
    "hpa",
    "http-tls",
    "services",
    "state-volume",
    "tls",
)
# What one of them stands on.
NEEDS = {"http-tls": ("tls",)}
HASH = r"-[bcdfghkmt2456789]{10}"  # what a generator adds to a name
POD_NAME = "statefulset.kubernetes.io/pod-name"

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """One pod of a workload: what Services select it by, and what it listens on."""

    name: str
    labels: dict[str, str]
    ports: dict[str, int]


@dataclass(frozen=True)
class Rendered:
    """The objects that one folder makes."""

    objects: tuple[Object, ...]

    def all(self, kind: str) -> list[Object]:
        """The objects of a kind."""
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """An object by its name, which may have the hash of a generator behind it."""
        [found] = [
            each
            for each in self.all(kind)
            if re.fullmatch(f"{re.escape(name)}({HASH})?", each["metadata"]["name"])
        ]
        return found

    @property
    def workload(self) -> Object:
        """What runs the nodes."""
        [found] = [
            one
            for one in (*self.all("StatefulSet"), *self.all("Deployment"))
            if one["metadata"]["name"] == "scalardb-cluster"
        ]
        return found

    @property
    def pod(self) -> Object:
        """The nodes' pod."""
        spec: Object = self.workload["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Object:
        """The nodes' container."""
        [found] = self.pod["containers"]
        assert found["name"] == "scalardb"
        return dict(found)

    @property
    def properties(self) -> str:
        """The properties file that nodes read."""
        text: str = self.one("ConfigMap", "scalardb-properties")["data"]["scalardb.properties"]
        return text

    def property_values(self) -> dict[str, str]:
        """The properties, as they are written."""
        lines = (line for line in self.properties.splitlines() if line and line[0] != "#")
        return dict(line.split("=", 1) for line in lines)

    def pod_specs(self) -> Iterator[tuple[str, Object]]:
        """Each thing that runs pods, with what a pod of it is."""
        for one in self.objects:
            name = f"{one['kind']} {one['metadata']['name']}"
            if one["kind"] in {"StatefulSet", "Deployment", "Job"}:
                yield name, one["spec"]["template"]
            elif one["kind"] == "CronJob":
                yield name, one["spec"]["jobTemplate"]["spec"]["template"]

    def pods(self) -> Iterator[Pod]:
        """Each pod that runs all the time."""
        for one in (*self.all("StatefulSet"), *self.all("Deployment")):
            template, name = one["spec"]["template"], one["metadata"]["name"]
            ports = {
                each["name"]: each["containerPort"]
                for container in template["spec"]["containers"]
                for each in container["ports"]
            }
            for number in range(self._replicas(one)):
                own = {POD_NAME: f"{name}-{number}"} if one["kind"] == "StatefulSet" else {}
                labels = {**template["metadata"]["labels"], **own}
                yield Pod(f"{name}-{number}", labels, ports)

    def _replicas(self, workload: Object) -> int:
        """How many pods there are at least."""
        for scaler in self.all("HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == workload["metadata"]["name"]:
                return int(scaler["spec"]["minReplicas"])
        return int(workload["spec"]["replicas"])

    def selected_by(self, selector: dict[str, str]) -> list[Pod]:
        """The pods that carry all labels of a selector."""
        return [pod for pod in self.pods() if selector.items() <= pod.labels.items()]

    def reached_at(self, host: str, port: int) -> list[str]:
        """The pods behind a name and a port. LookupError: nothing is there, and what is missing."""
        found = [one for one in self.all("Service") if one["metadata"]["name"] == host]
        if not found:
            raise LookupError(f"no Service {host}")
        offered = [one for one in found[0]["spec"]["ports"] if one["port"] == port]
        if not offered:
            raise LookupError(f"the Service {host} has no port {port}")
        target = offered[0]["targetPort"]
        pods = self.selected_by(found[0]["spec"]["selector"])
        behind = [p.name for p in pods if target in p.ports or target in p.ports.values()]
        if not behind:
            raise LookupError(f"no pod behind {host} listens on {target}")
        return behind


def objects_of(folder: Path) -> Rendered:
    """What one folder makes."""
    return Rendered(tuple(yaml.safe_load_all(yaml_of(folder))))


@once
def rendered(overlay: str, *components: str) -> Rendered:
    """An overlay; with components as somebody's own overlay adds them."""
    if not components:
        return objects_of(K8S / "overlays" / overlay)
    with tempfile.TemporaryDirectory() as work:
        return objects_of(own_overlay(Path(work), overlay, *components))


def own_overlay(folder: Path, overlay: str, *components: str, **more: object) -> Path:
    """A copy of all of it below a folder, and in it an overlay of one's own on top of another."""
    shutil.copytree(K8S, folder / "k8s")
    own = folder / "k8s" / "overlays" / "own"
    own.mkdir()
    kustomization = {
        "namespace": f"scalardb-{overlay}",
        "resources": [f"../{overlay}"],
        "components": [f"../../components/{one}" for one in components],
        **more,
    }
    (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return own
