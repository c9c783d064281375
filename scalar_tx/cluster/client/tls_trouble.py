"""What of TLS keeps a client from its node? What trying again does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What gRPC says of a handshake that has failed, what that means, and what to do.
_KNOWN: Final = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "its certificate is not signed by a CA that is trusted here (CERTIFICATE_VERIFY_FAILED)",
        "Name the file of the node's CA in scalar.db.cluster.tls.ca_root_cert_path",
    ),
    (
        "Hostname Verification Check failed",
        "its certificate bears another name",
        "Use a name that it bears, or say which in scalar.db.cluster.tls.override_authority",
    ),
    ("WRONG_VERSION_NUMBER", "it has no TLS", "Use grpc:// for it, or give the node TLS"),
)


def tls_error(troubles: Mapping[str, str]) -> SettingsError | None:
    """The error, if TLS is what is wrong with each address; ``troubles``: what gRPC said of it."""
    found = None
    for address, said in troubles.items():
        known = [one for one in _KNOWN if one[0] in said]
        if not known:
            return None
        _, what, advice = known[0]
        found = SettingsError(
            f"the node at {address} is not trusted: {what}", advice=advice, code="STX-5254"
        )
    return found
