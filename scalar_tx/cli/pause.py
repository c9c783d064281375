"""``scalar-tx pause``: let nodes begin nothing new, so that databases can be copied."""

from __future__ import annotations

from typing import Annotated

import typer

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


def pause(
    addresses: Addresses,
    *,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for what is open.")
    ] = False,
    max_wait: Annotated[
        int | None,
        typer.Option(metavar="MILLISECONDS", help="Wait at most so long: 30000.", min=1),
    ] = None,
    tls: Tls = False,
    ca: Ca = None,
    authority: Authority = None,
    certificate: Certificate = None,
    key: CertificateKey = None,
    json: Json = False,
) -> None:
    """Pause nodes and wait until nothing is open: then no transaction is half done.

    All at once. A node that can't be paused goes on, and leaves the others paused: exit code 1.
    """
    how = trust(tls=tls, ca=ca, authority=authority, certificate=certificate, key=key)
    from scalar_tx.cluster.admin_client import pause as pause_all

    end_with(
        pause_all(addresses, how, wait=not no_wait, milliseconds=max_wait),
        json=json,
    )
