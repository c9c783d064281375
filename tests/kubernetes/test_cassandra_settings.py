"""Does Cassandra itself understand the settings that its pods get?"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.rendered import rendered
from tests.servers.artifacts import fetched, java
from tests.servers.cassandra_server import CASSANDRA

if TYPE_CHECKING:
    from pathlib import Path

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
