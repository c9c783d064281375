"""Are probes answered that can't speak TLS, and does a storage that goes away change no answer?"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2

from scalar_tx.cluster.listening import refuse_exposure
from scalar_tx.settings import NodeSettings, load
from tests.cluster.node.running import Node, health, until
from tests.cluster.node.test_certificates import Files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
AT_ONCE = ("--workers", "1", "--decommission", "0", "--drain", "0")


def watched(channel: grpc.Channel, service: str) -> Any:
    stream: Any = channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    return stream(health_pb2.HealthCheckRequest(service=service), timeout=60)


def test_a_node_with_tls_answers_probes_without_it(tmp_path: Path) -> None:
    files = Files(tmp_path / "tls")
    options = (*AT_ONCE, "--health-port", "0")
    with Node(tmp_path / "node", *options, properties=files.properties) as node:
        where = f"127.0.0.1:{node.told['health_port']}"
        for service in ("", "liveness", "readiness"):
            assert health(where, service) == "SERVING"
        with pytest.raises(grpc.RpcError) as refused:
            health(where, "anything")
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
        with grpc.insecure_channel(where) as channel:
            pause: Any = channel.unary_unary(
                "/rpc.Admin/CheckPaused",
                request_serializer=empty_pb2.Empty.SerializeToString,
                response_deserializer=empty_pb2.Empty.FromString,
            )
            with pytest.raises(grpc.RpcError) as refused:
                pause(empty_pb2.Empty(), timeout=10)
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
            ready = watched(channel, "readiness")
            assert next(ready).status == SERVING
            node.process.send_signal(signal.SIGTERM)
            assert [one.status for one in ready] == [NOT_SERVING]
        assert node.process.wait(20) == 0


UNREADABLE = b"\xff\xff\xff"


def test_what_is_no_request_is_refused_and_no_trace_is_in_the_log(tmp_path: Path) -> None:
    """Whoever reaches a port could fill the log with them."""
    options = (*AT_ONCE, "--health-port", "0", "--scalardb-server-port", "0")
    with Node(tmp_path, *options) as node:
        of_health = ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch")
        of_admin = tuple(f"/rpc.Admin/{name}" for name in ("Pause", "Unpause", "CheckPaused"))
        asked = {
            "port": of_health,
            "health_port": of_health,
            "admin_port": (*of_health, *of_admin),
            "scalardb_server_port": (*of_health, *of_admin),
        }
        for port, paths in asked.items():
            with grpc.insecure_channel(f"127.0.0.1:{node.told[port]}") as channel:
                for path in paths:
                    watch = path.endswith("Watch")
                    make: Any = channel.unary_stream if watch else channel.unary_unary
                    with pytest.raises(grpc.RpcError) as refused:
                        list(make(path)(UNREADABLE, timeout=10))
                    code = refused.value.code()
                    assert (port, path, code) == (port, path, grpc.StatusCode.INVALID_ARGUMENT)
        assert node.http("/readyz")["paused"] is False
        assert health(node.where, "") == "SERVING"
        assert "Traceback" not in node.log
        assert "ERROR" not in node.log


def test_health_alone_is_on_no_port_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert load("memory://").node.health_port is None
    assert load("memory://", {"node.health_port": -1}).node.health_port is None
    with Node(tmp_path, *AT_ONCE) as node:
        assert node.told["health_port"] is None


def test_it_may_be_reached_from_everywhere() -> None:
    refuse_exposure(NodeSettings(health_host="0.0.0.0", health_port=0))


@pytest.mark.parametrize("port", ["admin", "http"])
def test_it_shares_no_port(tmp_path: Path, port: str) -> None:
    with Node(tmp_path / "one", *AT_ONCE) as node:
        taken = str(node.told[f"{port}_port"])
        other = Node(tmp_path / "other", *AT_ONCE, "--health-port", taken)
        assert other.process.wait(20) == 1, other.log
        other.__exit__()
        assert "STX-5000" in other.log


def test_a_storage_that_goes_away_changes_none_of_them(tmp_path: Path) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    there.mkdir()
    properties = f"scalar.db.contact_points={there / 'node.db'}\n"
    options = (*AT_ONCE, "--health-port", "0")
    with Node(tmp_path / "node", *options, properties=properties) as node:
        assert node.told["ready"] is True
        there.rename(away)
        [first] = node.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in node.workers() and len(node.workers()) == 1, "it is back", 20)
        until(lambda: bool(node.http("/readyz")["trouble"]), "it has looked for its storage", 20)
        assert "a worker began without storage: " in node.log
        assert "[STX-4101]" in node.log
        assert node.http("/readyz")["ready"] is True
        where = f"127.0.0.1:{node.told['health_port']}"
        for service in ("", "liveness", "readiness"):
            assert health(where, service) == "SERVING"
        away.rename(there)
        until(lambda: not node.http("/readyz")["trouble"], "it has found its storage", 20)
