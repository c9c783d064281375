"""Is a certificate replaced while a node runs, and a broken one never shown?"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import trustme

from scalar_tx.cluster.certificates import LOOK_SECONDS, Certificates
from scalar_tx.errors import SettingsError
from scalar_tx.settings import TlsSettings
from tests.cluster.node.running import Node, until, work

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.nodes


class Files:
    """The files of a node's certificate, signed by a CA of their own at each turn."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.chain, self.key = folder / "tls.crt", folder / "tls.key"
        self.clients = trustme.CA()
        self.client_ca = folder / "clients.crt"
        self.clients.cert_pem.write_to_path(self.client_ca)
        self.ca = trustme.CA()
        self.renew()

    def renew(self) -> trustme.CA:
        """Write another certificate, of another CA."""
        self.ca = trustme.CA()
        certificate = self.ca.issue_cert("127.0.0.1", "localhost")
        _write(self.chain, b"".join(one.bytes() for one in certificate.cert_chain_pems))
        _write(self.key, certificate.private_key_pem.bytes())
        return self.ca

    def tls(self, *, mutual: bool = False) -> TlsSettings:
        ca = str(self.client_ca) if mutual else None
        return TlsSettings(str(self.chain), str(self.key), ca)

    @property
    def properties(self) -> str:
        return (
            "scalar.db.cluster.tls.enabled=true\n"
            f"scalar.db.cluster.node.tls.cert_chain_path={self.chain}\n"
            f"scalar.db.cluster.node.tls.private_key_path={self.key}\n"
        )


def _write(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += LOOK_SECONDS
        return self.now


def test_what_changes_is_shown_and_what_is_broken_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = Files(tmp_path)
    certificates = Certificates(files.tls(), Clock())
    assert certificates.newer() is None
    files.renew()
    assert certificates.newer() is not None
    assert certificates.newer() is None
    good = files.key.read_bytes()
    for broken in (b"", b"no key", trustme.CA().issue_cert("x").private_key_pem.bytes()):
        _write(files.key, broken)
        caplog.clear()
        assert certificates.newer() is None
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "STX-5004" in caplog.text
    files.chain.unlink()
    assert certificates.newer() is None
    files.renew()
    assert good != files.key.read_bytes()
    assert certificates.newer() is not None


def test_files_are_looked_at_once_a_second(tmp_path: Path) -> None:
    files = Files(tmp_path)
    now = [100.0]
    certificates = Certificates(files.tls(), lambda: now[0])
    files.renew()
    assert certificates.newer() is None
    now[0] += LOOK_SECONDS
    assert certificates.newer() is not None


def test_a_node_does_not_begin_with_a_broken_certificate(tmp_path: Path) -> None:
    files = Files(tmp_path)
    _write(files.key, trustme.CA().issue_cert("x").private_key_pem.bytes())
    with pytest.raises(SettingsError) as refused:
        Certificates(files.tls())
    assert refused.value.code == "STX-5004"
    node = Node(tmp_path / "node", properties=files.properties)
    assert node.process.wait(20) == 2
    node.__exit__()
    assert "STX-5004" in node.log


def call_over_tls(node: Node, ca: trustme.CA, client: Any = None) -> dict[str, Any]:
    credentials = grpc.ssl_channel_credentials(
        ca.cert_pem.bytes(),
        private_key=None if client is None else client.private_key_pem.bytes(),
        certificate_chain=None if client is None else client.cert_chain_pems[0].bytes(),
    )
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(node.where, credentials, options=options) as channel:
        return work(channel, "Look", wait_for_ready=False)


def trusts(node: Node, ca: trustme.CA, client: Any = None) -> bool:
    try:
        call_over_tls(node, ca, client)
    except grpc.RpcError:
        return False
    return True


def test_every_worker_shows_the_new_certificate_without_a_restart(tmp_path: Path) -> None:
    files = Files(tmp_path)
    with Node(tmp_path / "node", "--workers", "2", properties=files.properties) as node:
        processes = node.workers()
        old = files.ca
        assert trusts(node, old)
        assert not trusts(node, trustme.CA())
        new = files.renew()
        slots: set[int] = set()

        def met_both() -> bool:
            with contextlib.suppress(grpc.RpcError):
                slots.add(call_over_tls(node, new)["slot"])
            return slots == {0, 1}

        # A worker looks when somebody connects, once a second; after that none shows the old one.
        until(met_both, "both show the new one")
        assert not any(trusts(node, old) for _ in range(8))
        assert node.workers() == processes
        # One that is being replaced file by file: the key first, then what fits it.
        newer = trustme.CA()
        certificate = newer.issue_cert("127.0.0.1")
        _write(files.key, certificate.private_key_pem.bytes())
        until(lambda: trusts(node, new) and "stays" in node.log, "the old one is shown on")
        _write(files.chain, certificate.cert_chain_pems[0].bytes())
        until(lambda: trusts(node, newer), "the newer one is shown")
    assert "-----" not in node.log


def test_clients_show_a_certificate_where_that_is_asked_for(tmp_path: Path) -> None:
    files = Files(tmp_path)
    mutual = f"scalar.db.node.tls.client_ca_path={files.client_ca}\n"
    with Node(tmp_path / "node", "--workers", "1", properties=files.properties + mutual) as node:
        assert trusts(node, files.ca, files.clients.issue_cert("client.test"))
        assert not trusts(node, files.ca)
        assert not trusts(node, files.ca, trustme.CA().issue_cert("client.test"))
        # Plain text is not understood, here and on the admin port.
        for where in (node.where, node.admin):
            with grpc.insecure_channel(where) as channel, pytest.raises(grpc.RpcError):
                work(channel, "Look", wait_for_ready=False)
