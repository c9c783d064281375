"""How is a real ScalarDB Server run, on a SQLite file of its own?"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Self

import grpc

from tests.compatibility.java_build import (
    CACHE,
    COPY,
    SHORT_LIFE,
    alone,
    digest,
    java_here,
    maven,
)
from tests.servers.places import free_port

SOURCES = Path(__file__).parents[2] / "java_server"
BEGIN_SECONDS = 60
END_SECONDS = 10
HERE = "127.0.0.1"
SETTINGS = {
    "scalar.db.transaction_manager": "consensus-commit",
    "scalar.db.consensus_commit.isolation_level": "SERIALIZABLE",
    "scalar.db.cross_partition_scan.enabled": "true",
    "scalar.db.storage": "jdbc",
    "scalar.db.server.prometheus_exporter_port": "-1",
    "scalar.db.server.decommissioning_duration_secs": "0",
    "scalar.db.jdbc.connection_pool.min_idle": "0",
    "scalar.db.jdbc.table_metadata.connection_pool.min_idle": "0",
    "scalar.db.jdbc.admin.connection_pool.min_idle": "0",
}


class RealServer:
    """ScalarDB Server 3.13.6 in a process of its own; the errors of its making are ``build``'s."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port(HERE)
        settings = {
            **SETTINGS,
            "scalar.db.contact_points": f"jdbc:sqlite:{folder / 'java.db'}?busy_timeout=10000",
            "scalar.db.server.port": str(self.port),
        }
        properties = folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        command = [str(java_here()), *SHORT_LIFE, "-cp", f"{_jars()}/*"]
        command += ["com.scalar.db.server.ScalarDbServer", "--config", str(properties)]
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        try:
            with grpc.insecure_channel(f"{HERE}:{self.port}") as channel:
                grpc.channel_ready_future(channel).result(BEGIN_SECONDS)
        except grpc.FutureTimeoutError:
            self.__exit__()
            raise AssertionError(f"it did not begin:\n{self._log.read_text()}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._process.kill()
        self._process.wait(END_SECONDS)


def _jars() -> Path:
    pom = SOURCES / "pom.xml"
    with alone():
        jars = CACHE / f"server-jars-{digest(pom.read_bytes())}"
        if not jars.is_dir():
            maven(SOURCES, [COPY], jars, "-DoutputDirectory={into}")
    return jars
