"""Whom does a connection trust, and what is told where TLS fails?"""

from __future__ import annotations

import os
import shutil
import ssl
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError  # type: ignore[import-untyped]

from scalar_tx.errors import ReplyLostError, SettingsError, StorageUnavailableError
from scalar_tx.storage.dynamo.connections import HandshakeError
from tests.servers import ServerMissingError, certificates, places
from tests.storage.dynamo.peer import (
    ITEM,
    REQUEST,
    WHOLE,
    Peer,
    always,
    client_of,
    connections_to,
    once,
    serving,
    silent,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def certified() -> Iterator[Path]:
    """A folder with a certificate for 127.0.0.1, and its key."""
    home = places.new_run("tls")
    home.chmod(0o777)  # whoever runs the servers makes it
    try:
        certificates.make(home)
        yield home
    except ServerMissingError as missing:
        if os.environ.get("SCALAR_TX_STRICT") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    finally:
        shutil.rmtree(home)


@pytest.fixture
def tls(certified: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate(certified), certificates.key(certified))
    return context


def trusting(certified: Path) -> str:
    return str(certificates.certificate(certified))


def test_requests_by_tls(certified: Path, tls: ssl.SSLContext) -> None:
    with (
        serving(always(WHOLE), tls) as peer,
        connections_to(peer, certificates=trusting(certified)) as connections,
    ):
        for _ in range(10):
            assert connections.exchange(REQUEST).content == b"{  }"
        assert peer.opened == 1
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    with (
        serving(always(large), tls) as peer,
        connections_to(peer, certificates=trusting(certified)) as connections,
    ):
        assert len(connections.exchange(REQUEST).content) == 3_000_000
    with (
        serving(once(WHOLE), tls) as peer,
        connections_to(peer, certificates=trusting(certified)) as connections,
    ):
        for number in range(1, 4):
            connections.exchange(REQUEST)
            peer.await_open(0)
            assert (peer.opened, len(peer.requests)) == (number, number)


@pytest.mark.parametrize("after", [0, 30, len(WHOLE) - 1])
def test_an_answer_by_tls_that_is_cut(certified: Path, tls: ssl.SSLContext, after: int) -> None:
    with (
        serving(once(WHOLE[:after]), tls) as peer,
        connections_to(peer, certificates=trusting(certified)) as connections,
    ):
        with pytest.raises(ConnectionClosedError):
            connections.exchange(REQUEST)
        assert len(peer.requests) == 1


def test_a_server_that_is_not_whom_it_should_be(
    certified: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(always(WHOLE), tls) as peer:
        for bundle, host in ((None, "127.0.0.1"), (trusting(certified), "localhost")):
            if bundle is not None:
                monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
            else:
                monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
                monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
            peer.endpoint = f"https://{host}:{peer.port}"
            client = client_of(peer)
            with pytest.raises(StorageUnavailableError) as caught:
                client.write("update_item", ITEM)
            assert caught.value.code == "STX-4606"
            assert not caught.value.retryable
            client.close()
        assert peer.requests == []
        peer.endpoint = f"https://127.0.0.1:{peer.port}"
        client = client_of(peer)
        with pytest.raises(ReplyLostError):  # it is sent there; the answer's checksum is wrong
            client.write("update_item", ITEM)
        assert len(peer.requests) == 1
        client.close()


def test_certificates_that_can_t_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.pem").write_text("")
    with serving(silent) as peer:
        peer.endpoint = f"https://127.0.0.1:{peer.port}"
        for name in ("empty.pem", "none.pem"):
            monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / name))
            client = client_of(peer)
            with pytest.raises(SettingsError, match=name) as caught:
                client.write("update_item", ITEM)
            assert caught.value.code == "STX-3609"
            client.close()


def test_a_server_without_tls(certified: Path) -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        if connection.recv(65536):
            connection.sendall(WHOLE)

    with serving(script) as peer:
        peer.endpoint = f"https://127.0.0.1:{peer.port}"
        with connections_to(peer, most=1, certificates=trusting(certified)) as connections:
            for _ in range(3):
                with pytest.raises(HandshakeError):
                    connections.exchange(REQUEST)


def test_a_server_that_is_silent_in_the_handshake() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        del connection
        peer.over.wait(10)

    with serving(script) as peer:
        peer.endpoint = f"https://127.0.0.1:{peer.port}"
        client = client_of(peer, connect_timeout=0.3)
        with pytest.raises(StorageUnavailableError) as caught:
            client.write("update_item", ITEM)
        assert caught.value.code == "STX-4605"
        client.close()
