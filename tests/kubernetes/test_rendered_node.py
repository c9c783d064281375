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
from tests.kubernetes.rule_files import RUNBOOK
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
        assert node.inside(container, python_inside(), *health_check()).returncode == 0
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


def health_check() -> list[str]:
    """What the image asks of itself, without the name of Python."""
    command = json.loads(last_stage()["HEALTHCHECK"].partition("CMD ")[2])
    return list(command[1:])


def certified(made: Rendered) -> Rendered:
    """The same objects with a certificate for the names that clients use."""
    ca = trustme.CA()
    certificate = ca.issue_cert("scalardb", "scalardb-lb")
    chain = b"".join(one.bytes() for one in certificate.cert_chain_pems)
    key = certificate.private_key_pem.bytes()
    files = {"tls.crt": chain, "tls.key": key, "ca.crt": ca.cert_pem.bytes()}
    asked_for = made.one("Secret", "scalardb-tls")["data"]
    encoded = {name: base64.b64encode(files[name]).decode() for name in asked_for}
    objects = tuple(
        {**one, "data": encoded} if one["metadata"]["name"] == "scalardb-tls" else one
        for one in made.objects
    )
    return dataclasses.replace(made, objects=objects)


def shown_by_runbook() -> str:
    """What the runbook's ``page`` runs in a pod."""
    text = RUNBOOK.read_text(encoding="utf-8")
    found = re.search(r'^page\(\) \{.* -- python -c "([^"]+)" "\$1"; \}$', text, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("http_tls", [False, True], ids=["http", "https"])
def test_http_is_served_as_it_is_scraped(tmp_path: Path, http_tls: bool) -> None:
    parts = ("tls", "http-tls") if http_tls else ("tls",)
    made = certified(on_sqlite(rendered("prod", *parts)))
    [endpoint] = made.one("ServiceMonitor", "scalardb-cluster")["spec"]["endpoints"]
    trust = endpoint.get("tlsConfig", {"serverName": ""})["serverName"]
    # As Prometheus does: by the pod's address, and the certificate is for a name.
    scrape = f"""if True:
        import socket, ssl, sys
        line = socket.create_connection(("127.0.0.1", 8080), 10)
        if {trust!r}:
            context = ssl.create_default_context(cafile="/tls/ca.crt")
            line = context.wrap_socket(line, server_hostname={trust!r})
        line.sendall(b"GET /metrics HTTP/1.0\\r\\n\\r\\n")
        print(line.makefile("rb").read().decode())
    """
    container = made.container
    with Container(made, made.pod, tmp_path / "node", also=(schema_pod(made),)) as node:
        node.await_probe(container["startupProbe"])
        seen = node.inside(container, python_inside(), "-c", scrape)
        assert "\nscalardb_transaction_total 0" in seen.stdout, seen.stdout + seen.stderr
        page = node.inside(container, python_inside(), "-c", shown_by_runbook(), "/readyz")
        assert '"workers": [' in page.stdout, page.stderr
        assert node.inside(container, python_inside(), *health_check()).returncode == 0
        log = node.log.read_text()
        assert "Traceback" not in log
        assert '"level": "ERROR"' not in log


def test_with_tls_kubelet_still_gets_its_answers(tmp_path: Path) -> None:
    made = certified(on_sqlite(rendered("prod", "tls")))
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
