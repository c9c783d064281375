"""Does a node serve that is run exactly as the manifests say, and does each probe get its answer?

The database alone is another one: SQLite below /tmp in place of Cassandra.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.kubernetes.contained import CHECKOUT
from tests.kubernetes.containers import Container, python_inside
from tests.kubernetes.rendered import Object, Rendered, rendered
from tests.kubernetes.test_container_file import last_stage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

STORAGE = re.compile(r"^scalar\.db\.(storage|contact_\w+|username|password)=.*\n", re.MULTILINE)
ON_SQLITE = "scalar.db.storage=sqlite\nscalar.db.contact_points=/tmp/node.db\n"


def on_sqlite(made: Rendered) -> Rendered:
    """The same objects with the lines of the storage changed, and no other."""
    objects = []
    for each in made.objects:
        one = each
        if "scalardb.properties" in (one.get("data") or {}):
            text, count = STORAGE.subn("", one["data"]["scalardb.properties"])
            assert count == 5
            one = {**one, "data": {"scalardb.properties": ON_SQLITE + text}}
        objects.append(one)
    return dataclasses.replace(made, objects=tuple(objects))


def schema_pod(made: Rendered) -> Object:
    pod: Object = made.one("Job", "scalardb-schema")["spec"]["template"]["spec"]
    return pod


def get(node: Container, path: str) -> str:
    fetch = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080{path}').read().decode())"
    done = node.beside("python3", "-c", fetch)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_serves_and_its_probes_answer(tmp_path: Path) -> None:
    made = on_sqlite(rendered("prod"))
    container = made.container
    startup, liveness, readiness = (
        container[f"{one}Probe"] for one in ("startup", "liveness", "readiness")
    )
    schema = schema_pod(made)
    with Container(made, made.pod, tmp_path / "node", also=(schema,)) as node:
        node.await_probe(startup)
        assert node.probe(liveness) == 0
        # This code, wherever else some of it is installed.
        where = node.inside(
            container, python_inside(), "-c", "import scalar_tx as s; print(s.__file__)"
        )
        assert where.stdout.startswith(f"{CHECKOUT}/"), where.stderr

        [job] = schema["containers"]
        done = node.inside(job)
        assert done.returncode == 0, done.stdout + done.stderr
        node.await_probe(readiness)

        # It is what the manifests make of it, and no more.
        status = node.status()
        assert status["Uid"].split() == ["10001"] * 4
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        for path in ("/", "/etc/scalardb", "/opt", "/var"):
            assert node.inside(container, "/usr/bin/touch", f"{path}/x").returncode == 1
        for path in ("/tmp", "/dev/shm"):
            assert node.inside(container, "/usr/bin/touch", f"{path}/x").returncode == 0

        # The image's own check, and what Prometheus reads.
        check = json.loads(last_stage()["HEALTHCHECK"].partition("CMD ")[2])
        assert node.inside(container, python_inside(), *check[1:]).returncode == 0
        assert "\nscalardb_transaction_total 0" in get(node, "/metrics")
        assert '"ready": true' in get(node, "/readyz")

        # The last minute of a pod: not ready, and alive.
        node.tell_to_end()
        node.await_probe(readiness, 4, 10)
        assert node.probe(liveness) == 0
        node.tell_to_end()
        assert node.end(30) == 0


def test_the_clean_up_runs(tmp_path: Path) -> None:
    made = on_sqlite(rendered("prod"))
    schema = schema_pod(made)
    cleanup = made.one("CronJob", "scalardb-coordinator-cleanup")["spec"]["jobTemplate"]["spec"]
    with Container(made, made.pod, tmp_path / "node", also=(schema,)) as node:
        node.await_probe(made.container["startupProbe"])
        [job] = schema["containers"]
        assert node.inside(job).returncode == 0
        assert node.inside(job).returncode == 0  # what is there already stays
        [job] = cleanup["template"]["spec"]["containers"]
        done = node.inside(job)
        assert done.returncode == 0, done.stdout + done.stderr


def test_with_tls_kubelet_still_gets_its_answers(tmp_path: Path) -> None:
    made = on_sqlite(rendered("prod", "tls"))
    certificate = trustme.CA().issue_cert("scalardb", "scalardb-lb")
    chain = b"".join(one.bytes() for one in certificate.cert_chain_pems)
    files = {"tls.crt": chain, "tls.key": certificate.private_key_pem.bytes()}
    made.one("Secret", "scalardb-tls")  # there it is
    encoded = {name: base64.b64encode(one).decode() for name, one in files.items()}
    objects = tuple(
        {**one, "data": encoded} if one["metadata"]["name"] == "scalardb-tls" else one
        for one in made.objects
    )
    made = dataclasses.replace(made, objects=objects)
    container, schema = made.container, schema_pod(made)
    with Container(made, made.pod, tmp_path / "node", also=(schema,)) as node:
        node.await_probe(container["startupProbe"])
        assert node.probe(container["livenessProbe"]) == 0
        [job] = schema["containers"]
        done = node.inside(job)
        assert done.returncode == 0, done.stdout + done.stderr
        node.await_probe(container["readinessProbe"])
        # On the port of the protocol there is TLS, where kubelet's probe gets nowhere.
        assert (
            node.probe({**container["livenessProbe"], "grpc": {"port": 60053, "service": ""}}) == 2
        )
