"""Is each of several nodes taken by the name that it was reached by?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

import scalar_tx
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes


def test_a_name_among_others(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "one.pem")
    properties = (
        "scalar.db.cluster.tls.enabled=true\n"
        "scalar.db.cluster.auth.enabled=false\n"
        f"scalar.db.cluster.node.tls.cert_chain_path={tmp_path / 'one.pem'}\n"
        f"scalar.db.cluster.node.tls.private_key_path={tmp_path / 'one.pem'}\n"
    )
    trusting = {"cluster_tls_ca_root_cert_path": str(tmp_path / "ca.pem")}
    with Node(tmp_path / "node", "--workers", "1", properties=properties) as node:
        # The name and the number mean one machine, and the certificate bears the name only.
        for others in ("127.0.0.1:1", "[::1]:1"):
            target = f"grpcs://{others},localhost:{node.told['port']}"
            with scalar_tx.connect(target, **trusting) as db:
                assert db.run(lambda tx: tx.id, retry=0)
                assert db.admin.namespaces() == []
