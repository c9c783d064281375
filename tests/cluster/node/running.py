"""A node as its users run it: real processes, and calls to them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2

from scalar_tx.cluster.rpc import scalar_admin_pb2
from tests.cluster.node.plugged import NAME, SERVICE, as_json
from tests.cluster.node.sandbox import in_a_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BEGIN_SECONDS = 30
PORTS_ANY = ("--port", "0", "--http-port", "0", "--admin-port", "0")


class Node:
    """``scalar-tx node`` in a process of its own; the log is in a file.

    ``environment`` is added to this process's; None takes a variable away. ``sandbox``: as in a
    container, with "memory" or "no memory" to count in.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        properties: str = "",
        environment: Mapping[str, str | None] | None = None,
        in_memory: bool = False,
        sandbox: str | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        sqlite = f"scalar.db.storage=sqlite\nscalar.db.contact_points={folder / 'node.db'}\n"
        storage = "scalar.db.storage=memory\n" if in_memory else sqlite
        (folder / "node.properties").write_text(
            f"{storage}scalar.db.node.services={NAME}\n{properties}"
        )
        self.log_file = folder / "log"
        command = ["node", "--config", str(folder / "node.properties"), "--json", *PORTS_ANY]
        command = [sys.executable, "-m", "scalar_tx", *command, *options]
        if sandbox is not None:
            command = in_a_sandbox(command, folder / "sandbox", memory=sandbox == "memory")
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **(environment or {}),
        }
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                bufsize=0,  # a line that is read takes none along that is waited for next
                stderr=log,
                env={name: value for name, value in variables.items() if value is not None},
            )
        self.began = time.monotonic()
        self.seconds_to_begin = 0.0
        self.told: dict[str, Any] = {}

    def begun(self, seconds: float = BEGIN_SECONDS) -> Self:
        """Wait for the line that tells the ports."""
        self.told = self.said(seconds)
        self.seconds_to_begin = time.monotonic() - self.began
        return self

    def said(self, seconds: float = BEGIN_SECONDS) -> dict[str, Any]:
        """The next line on its standard output."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if selector.select(seconds) else b""
        assert line, f"the node did not say it:\n{self.log}"
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.told['port']}"

    @property
    def admin(self) -> str:
        return f"127.0.0.1:{self.told['admin_port']}"

    def workers(self) -> list[int]:
        """The processes of the workers that serve."""
        return [one["process"] for one in self.http("/readyz")["workers"] if one["serving"]]

    def http(self, path: str) -> Any:
        return json.loads(self.text(path)[1])

    def text(self, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.told['http_port']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self) -> dict[str, float]:
        """Every series that has no label."""
        text = self.text("/metrics")[1]
        return {
            name: float(value)
            for name, value in re.findall(r"^(scalardb_\w+) (\S+)$", text, re.MULTILINE)
        }

    def end(self, how: int = signal.SIGKILL, seconds: float = 20) -> int:
        """End it by a signal; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def __enter__(self) -> Self:
        try:
            return self.begun()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.3)
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def work(
    channel: grpc.Channel, method: str, *, wait_for_ready: bool = True, **request: Any
) -> dict[str, Any]:
    """Call the plugged service over a channel."""
    call: Any = channel.unary_unary(
        f"/{SERVICE}/{method}", request_serializer=as_json, response_deserializer=json.loads
    )
    answer: dict[str, Any] = call(request, timeout=20, wait_for_ready=wait_for_ready)
    return answer


def held(channel: grpc.Channel, **request: Any) -> Any:
    """Open a session; the call whose first answer has come."""
    stream: Any = channel.unary_stream(
        f"/{SERVICE}/Hold", request_serializer=as_json, response_deserializer=json.loads
    )
    call = stream(request, timeout=60, wait_for_ready=True)
    call.first = next(call)
    return call


def once(where: str, method: str, **request: Any) -> dict[str, Any]:
    """Call over a connection of its own, which the kernel gives to any worker."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(where, options=options) as channel:
        return work(channel, method, **request)


def health(where: str, service: str) -> str:
    with grpc.insecure_channel(where) as channel:
        call: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = call(health_pb2.HealthCheckRequest(service=service), timeout=10)
        name: str = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        return name


class Admin:
    """``rpc.Admin`` as the stock tool calls it."""

    def __init__(self, where: str) -> None:
        self._channel = grpc.insecure_channel(where)

    def _call(self, method: str, request: Any, answer: Any) -> Any:
        call: Any = self._channel.unary_unary(
            f"/rpc.Admin/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return call(request, timeout=60)

    def pause(self, *, wait: bool = True, milliseconds: int | None = None) -> None:
        request = scalar_admin_pb2.PauseRequest(wait_outstanding=wait)
        if milliseconds is not None:
            request.max_pause_wait_time = milliseconds
        self._call("Pause", request, empty_pb2.Empty)

    def unpause(self) -> None:
        self._call("Unpause", empty_pb2.Empty(), empty_pb2.Empty)

    def paused(self) -> bool:
        answer = self._call("CheckPaused", empty_pb2.Empty(), scalar_admin_pb2.CheckPausedResponse)
        found: bool = answer.paused
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()


def until(true: Callable[[], bool], what: str, seconds: float = 15) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"after {seconds} s: {what}"
        time.sleep(0.05)


def lives(process: int) -> bool:
    """Is there such a process, that is more than an entry which nobody has collected?"""
    try:
        os.kill(process, 0)
        stat = Path(f"/proc/{process}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
