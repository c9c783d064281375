"""``scalar-tx unpause``: let nodes go on that were paused."""

from __future__ import annotations

from scalar_tx.cli.admin_calls import (
    Addresses,
    Authority,
    Ca,
    Certificate,
    CertificateKey,
    Tls,
    end_with,
    trust,
)
from scalar_tx.cli.options import Json


def unpause(
    addresses: Addresses,
    *,
    tls: Tls = False,
    ca: Ca = None,
    authority: Authority = None,
    certificate: Certificate = None,
    key: CertificateKey = None,
    json: Json = False,
) -> None:
    """Unpause nodes, all at once. One that is not paused stays as it is."""
    how = trust(tls=tls, ca=ca, authority=authority, certificate=certificate, key=key)
    from scalar_tx.cluster.admin_client import unpause as unpause_all

    end_with(unpause_all(addresses, how), json=json)
