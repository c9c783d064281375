"""A server that speaks TLS: who is trusted, and who is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import StorageUnavailableError
from tests.servers import certificates
from tests.servers.kinds import KINDS as SERVERS
from tests.storage.sql.stage import KINDS, opened, run, with_parameters

if TYPE_CHECKING:
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

VERIFIED = {
    "postgresql": ("sslmode=verify-full", "sslrootcert={}"),
    "mysql": ("sslMode=verify-full", "sslca={}"),
}
UNVERIFIED = {"postgresql": "sslmode=require", "mysql": "sslMode=trust"}
ASK = {
    "postgresql": "SELECT ssl FROM pg_stat_ssl WHERE pid=pg_backend_pid()",
    "mysql": "SELECT variable_value<>'' FROM information_schema.session_status "
    "WHERE variable_name='Ssl_cipher'",
}


def is_encrypted(kind: str, server: Cluster, parameters: str) -> bool:
    storage = opened(kind, with_parameters(server, parameters))
    try:
        ((found,),) = storage.pool.read(ASK[kind])
    finally:
        run(storage.close())
        assert storage.pool.open_connections == 0
    return bool(found)


def test_who_is_trusted(kind: str) -> None:
    with SERVERS[kind](tls=True) as server:  # type: ignore[call-arg]  # both have it
        mode, authority = VERIFIED[kind]
        trusted = authority.format(certificates.certificate(server.nodes[0].home))
        assert is_encrypted(kind, server, f"{mode}&{trusted}")
        assert is_encrypted(kind, server, UNVERIFIED[kind])
        assert not is_encrypted(kind, server, mode.partition("=")[0] + "=disable")
        for wrong in (mode, f"{mode}&{authority.format('/no/such/file')}"):
            with pytest.raises(StorageUnavailableError) as caught:
                is_encrypted(kind, server, wrong)
            assert "TLS" in caught.value.advice
            assert not caught.value.retryable
