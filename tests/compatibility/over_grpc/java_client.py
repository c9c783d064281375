"""The unmodified gRPC client of ScalarDB 3.13 for Java, against a server that speaks its protocol.

The published artefacts do all the talking; the Java program beside them only carries calls of
their public API over a pipe.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.compatibility.java_build import (
    CACHE,
    COPY,
    SHORT_LIFE,
    alone,
    digest,
    java_here,
    maven,
    source_files,
)
from tests.compatibility.java_process import JavaError

if TYPE_CHECKING:
    from tests.compatibility.java_process import JavaProcess, Pending

SOURCES = Path(__file__).parents[1] / "java_client"
TABLE, RAW = "shop.things", "shop.raw"
DESCRIBED: dict[str, Any] = {
    "columns": {
        "pk": "INT",
        "ck": "INT",
        "v": "INT",
        "w": "TEXT",
        "b": "BOOLEAN",
        "l": "BIGINT",
        "f": "FLOAT",
        "d": "DOUBLE",
        "x": "BLOB",
    },
    "partition_key": ["pk"],
    "clustering_key": {"ck": "DESC"},
    "indexes": ["w"],
}

Columns = dict[str, dict[str, Any]]


def client_command() -> list[str]:
    """The program, ready to run, built if it isn't yet; the errors are those of ``build``."""
    java = java_here()
    with alone():
        jars = CACHE / f"client-jars-{digest((SOURCES / 'pom.xml').read_bytes())}"
        if not jars.is_dir():
            maven(SOURCES, [COPY], jars, "-DoutputDirectory={into}")
        sources = digest(*(path.read_bytes() for path in source_files(SOURCES)))
        compiled = CACHE / f"client-classes-{sources}"
        if not compiled.is_dir():
            maven(SOURCES, ["compile"], compiled, "-Dpeer.target={into}")
    return [
        str(java),
        *SHORT_LIFE,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
        "-cp",
        f"{compiled / 'classes'}{os.pathsep}{jars}/*",
        "scalar_tx.client.Main",
    ]


class JavaClient:
    """Connections of one JVM to one server: managers, storage, administration, pausing."""

    def __init__(
        self, process: JavaProcess, port: int, *, name: str = "server", **properties: str
    ) -> None:
        self._process = process
        self._name = f"{name}:{port}"
        given = {
            "scalar.db.transaction_manager": "grpc",
            "scalar.db.storage": "grpc",
            "scalar.db.contact_points": "127.0.0.1",
            "scalar.db.contact_port": str(port),
            **{f"scalar.db.{key.replace('__', '.')}": value for key, value in properties.items()},
        }
        self.do("open", properties=given)

    def do(self, command: str, *, lane: str = "main", **arguments: Any) -> Any:
        """A command's answer; JavaError: what ScalarDB raised."""
        return self.begin(command, lane=lane, **arguments).result()

    def begin(self, command: str, *, lane: str, **arguments: Any) -> Pending:
        """Send a command, and leave the answer for later."""
        lane = f"{self._name} {lane}"
        return self._process.submit(command, self._name, lane, **arguments)

    def admin(self, command: str, name: str | None = None, **arguments: Any) -> Any:
        """A command about a namespace, or a table by its full name."""
        if name is not None:
            namespace, _, table = name.partition(".")
            arguments |= {"namespace": namespace} | ({"table": table} if table else {})
        return self.do(f"admin.{command}", **arguments)

    def close(self) -> None:
        self.do("close")


def row(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A record without the types of its columns."""
    return {name: value for name, typed in found.items() for value in typed.values()}


def ints(**values: int | None) -> Columns:
    """INT columns."""
    return {name: {"INT": value} for name, value in values.items()}


def refused(client: JavaClient, command: str, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(JavaError) as caught:
        client.do(command, **arguments)
    return caught.value.kind, caught.value.message


def of(pk: int, ck: int | None = 1, table: str = TABLE, **more: Any) -> dict[str, Any]:
    clustering = {} if ck is None else {"clustering": ints(ck=ck)}
    return {"table": table, "partition": ints(pk=pk), **clustering, **more}


def begun(client: JavaClient) -> str:
    return str(client.do("manager.begin"))


def committed(client: JavaClient, pk: int, ck: int = 1, **values: Any) -> str:
    tx = begun(client)
    client.do("tx.put", tx=tx, pre_read=True, **of(pk, ck, values=values))
    client.do("tx.commit", tx=tx)
    return tx
