"""Does a client trust whom it is told to, show its own certificate, and say what is wrong else?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import trustme

from scalar_auditor.client import AuditorClient, connect
from scalar_auditor.rpc.v1 import audit_pb2
from scalar_tx.errors import SettingsError
from tests.services.client.scripted import Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any


@dataclass
class Files:
    """A CA, a certificate of a client that it signed, and the server that asks for one."""

    ca: str
    certificate: str
    key: str
    server: Scripted

    def client(self, host: str = "localhost", **options: Any) -> AuditorClient:
        return connect(f"grpcs://{host}:{self.server.port}", token="ours", **options)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    folder: Path = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    node, client = ca.issue_cert("localhost", "node.example"), ca.issue_cert("client.example")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    pair = (node.private_key_pem.bytes(), node.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials(
        [pair], root_certificates=ca.cert_pem.bytes(), require_client_auth=True
    )
    with Scripted(credentials) as server:
        server.says["GetAuditSet"] = [audit_pb2.AuditSet(name="seen")]
        yield Files(
            str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"), server
        )


def test_it_is_let_in_with_its_certificate(files: Files) -> None:
    own = {
        "node_tls_client_cert_path": files.certificate,
        "node_tls_client_key_path": files.key,
        "cluster_tls_ca_root_cert_path": files.ca,
    }
    with files.client(**own) as client:
        assert client.audit.get_audit_set(audit_set_id="1").name == "seen"
    with files.client("127.0.0.1", cluster_tls_override_authority="node.example", **own) as client:
        assert client.audit.get_audit_set(audit_set_id="1").name == "seen"


def test_a_node_that_is_not_trusted_is_told_at_once(files: Files, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    with (
        files.client(cluster_tls_ca_root_cert_path=str(other)) as client,
        pytest.raises(SettingsError) as error,
    ):
        client.audit.get_audit_set(audit_set_id="1")
    assert error.value.code == "STX-5254"
