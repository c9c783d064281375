"""Does Cassandra itself understand the settings that its pods get?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
from cassandra.cluster import Cluster as Driver
from cassandra.policies import RoundRobinPolicy

from tests.kubernetes.rendered import K8S, rendered
from tests.servers.artifacts import fetched, java
from tests.servers.cassandra_server import CASSANDRA, cassandra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.node import Cluster

pytestmark = [pytest.mark.manifests, pytest.mark.servers]

# A property that Cassandra does not know ends it at its start, with the same error as here.
READ = """
import org.apache.cassandra.config.*;
class Read {
    public static void main(String[] args) throws Exception {
        Config read = new YamlConfigurationLoader().loadConfig(new java.net.URL(args[0]));
        System.out.println(read.commitlog_sync + " " + read.paxos_variant + " " + read.num_tokens);
    }
}
"""


def read(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "Read.java"
    program.write_text(READ)
    jars = f"{fetched(CASSANDRA)}/*"
    return subprocess.run(
        [java(), "-cp", jars, str(program), file.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_cassandra_reads_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "cassandra.yaml"
    text = rendered("prod").one("ConfigMap", "cassandra-config")["data"]["cassandra.yaml"]
    file.write_text(text)
    done = read(file, tmp_path)
    assert done.stdout.endswith("batch v2 16\n"), done.stdout + done.stderr

    file.write_text(text.replace("commitlog_sync", "commit_log_sync"))
    spoiled = read(file, tmp_path)
    assert spoiled.returncode != 0
    assert "commit_log_sync" in spoiled.stdout + spoiled.stderr


def first_start() -> list[str]:
    """What k8s/README.md has an operator say to a new Cassandra."""
    text = (K8S / "README.md").read_text()
    block = text[text.index("cqlsh -u cassandra") :].partition("```")[0]
    statements = [one for one in block.splitlines()[1:] if one]
    assert len(statements) == 3
    return [one.replace('"…"', "nodes").replace("'…'", "'secret'") for one in statements]


def said_in_cql(server: Cluster, *statements: str) -> list[Any]:
    """The rows of the last one, asked by Cassandra's own superuser."""
    logged_in = PlainTextAuthProvider("cassandra", "cassandra")
    [host] = {node.host for node in server.nodes}
    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), request_timeout=60)
    cluster = Driver(
        [host],
        port=server.nodes[0].port,
        auth_provider=logged_in,
        protocol_version=4,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )
    try:
        session = cluster.connect()
        return [list(session.execute(one)) for one in statements][-1]
    finally:
        cluster.shutdown()


def test_the_schema_job_makes_every_keyspace_with_its_replicas(tmp_path: Path) -> None:
    """A Cassandra with these settings, the user that is made first, and the job as rendered."""
    made = rendered("prod")
    text = made.one("ConfigMap", "cassandra-config")["data"]["cassandra.yaml"]
    here = {"seed_provider", "endpoint_snitch", "data_file_directories", "cluster_name"}
    settings = {
        name: value
        for name, value in yaml.safe_load(text).items()
        if name not in here and not name.endswith("_directory")
    }
    with cassandra(config={**settings, "initial_token": None}) as server:
        [host], port = {node.host for node in server.nodes}, server.nodes[0].port
        said_in_cql(server, *first_start()[:2])
        own = {"contact_points": host, "contact_port": str(port)}
        file = tmp_path / "scalardb.properties"
        file.write_text(
            re.sub(
                r"^(scalar\.db\.(contact_points|contact_port))=.*$",
                lambda found: f"{found[1]}={own[found[2]]}",
                made.properties,
                flags=re.MULTILINE,
            )
        )
        [job] = made.one("Job", "scalardb-schema")["spec"]["template"]["spec"]["containers"]
        schemas = tmp_path / "schemas.json"
        schemas.write_text(made.one("ConfigMap", "scalardb-schemas")["data"]["schemas.json"])
        places = {"/etc/scalardb/scalardb.properties": file, "/schemas/schemas.json": schemas}
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "scalar_tx",
                *(str(places.get(one, one)) for one in job["args"]),
            ],
            env={**os.environ, "SCALARDB_USERNAME": "nodes", "SCALARDB_PASSWORD": "secret"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        rows = said_in_cql(server, "SELECT keyspace_name, replication FROM system_schema.keyspaces")
        factors = {
            name: dict(how).get("replication_factor")
            for name, how in rows
            if not name.startswith("system")
        }
        assert factors == {"coordinator": "3", "scalardb": "3", "scalar_tx": "3"}
        said_in_cql(server, first_start()[2])
