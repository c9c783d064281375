"""How are the servers of a measurement started: our node, ScalarDB Server, and one that echoes?"""

from __future__ import annotations

import contextlib
import json
import re
import selectors
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final, Self

import grpc
from grpc_health.v1 import health_pb2

from bench.beside.java_side import JVM
from bench.beside.turns import cpu_seconds
from bench.import_time import ROOT
from tests.compatibility.java_build import CACHE, COPY, alone, digest, java_here, maven
from tests.servers.places import free_port
from tests.servers.processes import family

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NODE: Final = "node_cpu"
SERVICE: Final = "bench.node.four_calls:offer"
JAVA_SERVER: Final = ROOT / "bench" / "java_server"
_JAVA_MAIN: Final = "com.scalar.db.server.ScalarDbServer"
_BEGIN_SECONDS: Final = 120.0  # on a crowded machine
_END_SECONDS: Final = 30.0
_LOG_LINES: Final = 20


class Server:
    """A process that serves; a context manager. Its log is a file in the folder."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self._name = name
        self._log = folder / f"{name}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603  # programs of ours, and the JVM
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
            )

    def spent(self) -> dict[str, float]:
        """CPU seconds that it and its children have taken so far."""
        return {NODE: cpu_seconds(family(self._process.pid))}

    def first_line(self) -> str:
        """What it says first; RuntimeError: it says nothing."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            there = selector.select(_BEGIN_SECONDS)
        line = self._process.stdout.readline().decode() if there else ""
        if not line:
            raise self.failed()
        return line

    def failed(self) -> RuntimeError:
        """The error that shows the end of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        return RuntimeError("\n".join([f"{self._name} did not begin:", *lines]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Node(Server):
    """``scalar-tx node``, ready to serve; ``seconds``: how long that took."""

    def __init__(self, properties: Mapping[str, str], folder: Path, workers: int) -> None:
        file = folder / "node.properties"
        lines = {**properties, "scalar.db.node.services": SERVICE}
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        ports = ("--port", "--admin-port", "--http-port", "--scalardb-server-port")
        command = [
            *(sys.executable, "-m", "scalar_tx", "node", "--config", str(file), "--json"),
            *(word for port in ports for word in (port, "0")),
            *("--workers", str(workers), "--decommission", "0"),
        ]
        began = time.monotonic()
        super().__init__("node", command, folder)
        try:
            self._told: dict[str, Any] = json.loads(self.first_line())
            self.seconds = time.monotonic() - began
            if not self._told["ready"]:
                raise self.failed()
        except BaseException:
            self.__exit__()
            raise

    @property
    def url(self) -> str:
        """What our clients connect to."""
        return f"grpc://127.0.0.1:{self._told['port']}"

    @property
    def java_port(self) -> int:
        """Where Java's clients are served."""
        port: int = self._told["scalardb_server_port"]
        return port

    def workers(self) -> int:
        """How many workers serve."""
        every = json.loads(self._text("/readyz"))["workers"]
        return sum(1 for one in every if one["serving"])

    def counted(self, series: str) -> float:
        """What a counter of the node says."""
        found = re.search(rf"^{series} (\S+)$", self._text("/metrics"), re.MULTILINE)
        if found is None:
            raise LookupError(f"the node has no series {series}")
        return float(found[1])

    def _text(self, path: str) -> str:
        url = f"http://127.0.0.1:{self._told['http_port']}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # it begins with http
            text: str = answer.read().decode()
        return text


class Echo(Server):
    """The server of ``echo.py``."""

    def __init__(self, folder: Path, workers: int) -> None:
        super().__init__("echo", [sys.executable, "-m", "bench.node.echo", f"{workers}"], folder)
        try:
            self.url = f"127.0.0.1:{int(self.first_line())}"
        except BaseException:
            self.__exit__()
            raise


class JavaServer(Server):
    """ScalarDB Server 3.13.6 as Maven has it, serving."""

    def __init__(self, properties: Mapping[str, str], folder: Path) -> None:
        self.port = free_port("127.0.0.1")
        own = {
            "scalar.db.transaction_manager": "consensus-commit",
            "scalar.db.server.port": f"{self.port}",
            "scalar.db.server.prometheus_exporter_port": "-1",
            "scalar.db.server.decommissioning_duration_secs": "0",
        }
        file = folder / "server.properties"
        lines = {**properties, **own}
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        command = [
            *(str(java_here()), *JVM, "-cp", f"{_server_jars()}/*"),
            *(_JAVA_MAIN, "--config", str(file)),
        ]
        super().__init__("scalardb-server", command, folder)
        try:
            self._await_answer()
        except BaseException:
            self.__exit__()
            raise

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _BEGIN_SECONDS
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            check: Any = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            while time.monotonic() < deadline and self._process.poll() is None:
                with contextlib.suppress(grpc.RpcError):
                    answer = check(health_pb2.HealthCheckRequest(), timeout=2)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                time.sleep(0.1)
        raise self.failed()


def _server_jars() -> Path:
    """The folder of its jars; the errors are those of ``maven``."""
    with alone():
        jars = CACHE / f"server-jars-{digest((JAVA_SERVER / 'pom.xml').read_bytes())}"
        if not jars.is_dir():
            wanted = [COPY, "-DincludeScope=runtime"]
            maven(JAVA_SERVER, wanted, jars, "-DoutputDirectory={into}")
    return jars
