"""Does a node refuse to listen where it should not, and to share a port with a stranger?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.listening import (
    SharedPort,
    address,
    is_loopback,
    refuse_exposure,
    resolved,
)
from scalar_tx.errors import SettingsError
from scalar_tx.settings import NodeSettings, TlsSettings, load
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

TLS: dict[str, Any] = {"tls_enabled": True, "tls": TlsSettings("c", "k")}


@pytest.mark.parametrize(
    "where",
    [
        {"host": "0.0.0.0"},
        {"host": "::"},
        {"host": "192.0.2.1"},
        {"admin_host": "0.0.0.0"},
        {"host": "0.0.0.0", "admin_host": "0.0.0.0"},
        # There is no TLS in that protocol, whatever the node has.
        {"scalardb_server_host": "0.0.0.0", "scalardb_server_port": 0, **TLS},
    ],
)
def test_beyond_this_machine_there_is_no_listening_without_tls(where: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        refuse_exposure(NodeSettings(**where))
    assert refused.value.code == "STX-5002"
    refuse_exposure(NodeSettings(insecure=True, **where))


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"host": "localhost", "admin_host": "127.9.9.9"},
        {"host": "0.0.0.0", "admin_host": "0.0.0.0", **TLS},
        {"scalardb_server_host": "0.0.0.0"},  # off
        {"http_host": "0.0.0.0"},
    ],
)
def test_where_nobody_else_comes_or_tls_is_on_it_listens(where: dict[str, Any]) -> None:
    refuse_exposure(NodeSettings(**where))


@pytest.mark.parametrize("asks", [TLS, {"auth_named": True}])
def test_no_port_is_open_to_all_where_callers_log_in(asks: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        refuse_exposure(NodeSettings(scalardb_server_port=0, **asks))
    assert refused.value.code == "STX-5255"
    refuse_exposure(NodeSettings(scalardb_server_port=0, insecure=True, **asks))
    refuse_exposure(NodeSettings(scalardb_server_port=0, **{**asks, "auth_named": False}))


def test_tls_without_a_certificate_is_no_tls() -> None:
    settings = load("memory://", {"cluster.tls.enabled": True})
    with pytest.raises(SettingsError) as refused:
        refuse_exposure(settings.node)
    assert refused.value.code == "STX-5004"
    with pytest.raises(SettingsError, match="private_key_path is not set"):
        load("memory://", {"cluster.tls.enabled": True, "cluster.node.tls.cert_chain_path": "c"})


def test_the_command_refuses_it(tmp_path: Path) -> None:
    node = Node(tmp_path, "--host", "0.0.0.0")
    assert node.process.wait(20) == 2
    node.__exit__()
    assert "STX-5002" in node.log
    assert "--insecure" in node.log


def test_localhost_means_what_it_means_to_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(0, 0, 0, "", (one, 0)) for one in ("::1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert resolved("localhost") == "127.0.0.1"
    assert resolved("twice.test") == "::1"


def test_another_node_does_not_share_the_port_by_mistake(tmp_path: Path) -> None:
    beyond = ("--host", "0.0.0.0", "--insecure")
    with Node(tmp_path / "one", "--workers", "1", *beyond) as node:
        ports = {f"--{one}-port": node.told[f"{one}_port"] for one in ("admin", "http")}
        others = [
            Node(tmp_path / option, "--workers", "1", option, str(port))
            for option, port in {"--port": node.told["port"], **ports}.items()
        ]
        for other in others:
            assert other.process.wait(20) == 1, other.log
            other.__exit__()
            assert "STX-5000" in other.log
            assert "Address already in use" in other.log
            assert "name another port" in other.log
            assert "Traceback" not in other.log


def test_a_port_is_taken_and_can_be_shared_by_who_knows_it() -> None:
    shared = SharedPort.taken("127.0.0.1", 0)
    worker = socket.socket()
    worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    worker.bind(("127.0.0.1", shared.number))
    worker.listen()
    with pytest.raises(SettingsError, match="can't listen on"):
        SharedPort.taken("127.0.0.1", shared.number)
    worker.close()
    shared.close()
    SharedPort.taken("127.0.0.1", shared.number).close()


def test_addresses() -> None:
    assert resolved("127.0.0.1") == "127.0.0.1"
    assert (address("::1", 1), address("127.0.0.1", 1)) == ("[::1]:1", "127.0.0.1:1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    with pytest.raises(SettingsError, match="has no address"):
        resolved("no such host")


def test_who_speaks_no_http_is_no_event(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "1") as node:
        where = ("127.0.0.1", node.told["http_port"])
        with socket.create_connection(where, timeout=10) as caller:
            caller.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")  # what gRPC says first
            assert caller.recv(100).startswith(b"HTTP/1.")
        assert node.text("/healthz")[0] == 200
        assert "Traceback" not in node.log
