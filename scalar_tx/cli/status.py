"""``scalar-tx status``: are nodes paused, and are they ready?"""

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


def status(
    addresses: Addresses,
    *,
    tls: Tls = False,
    ca: Ca = None,
    authority: Authority = None,
    certificate: Certificate = None,
    key: CertificateKey = None,
    json: Json = False,
) -> None:
    """Print whether nodes are paused and ready. Exit code 1 if one does not answer."""
    how = trust(tls=tls, ca=ca, authority=authority, certificate=certificate, key=key)
    from scalar_tx.cluster.admin_client import status as status_all

    end_with(status_all(addresses, how), json=json)
