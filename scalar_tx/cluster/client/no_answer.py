"""What is a program told where no node answers? Where it was looked for, and what was there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What gRPC says of a connection that did not come about, and what that means.
_KNOWN: Final = (
    ("Connection refused", "nobody listens there"),
    ("Deadline Exceeded", "no answer in time"),
    ("Connection timed out", "no answer in time"),
    ("FD Shutdown", "no answer in time"),
    ("unreachable", "there is no way there"),
    ("No route to host", "there is no way there"),
    ("http2 header with status", "what listens there is no node"),
    ("HTTP/2", "what listens there is no gRPC, or wants TLS"),
    ("Socket closed", "it hangs up: it wants TLS, or a certificate"),
    ("Connection reset", "it hangs up: it wants TLS, or a certificate"),
)


def no_answer(
    addresses: Sequence[str], troubles: Mapping[str, str], missing: Sequence[str]
) -> StorageUnavailableError:
    """The error. ``troubles``: what gRPC said of addresses; ``missing``: names that stand for none.

    What gRPC says that is not known here is left out: it tells of its own inside.
    """
    reasons = [f"{name}: there is no such name" for name in missing]
    for address, said in troubles.items():
        meaning = next((words for part, words in _KNOWN if part in said), None)
        if meaning is not None:
            reasons.append(f"{address}: {meaning}")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return StorageUnavailableError(
        f"no node answers at {', '.join(addresses)}{why}",
        advice="Check the addresses, that the node runs and is ready, and whether it asks "
        "for TLS (grpcs://) or for a certificate (scalar.db.node.tls.client_cert_path)",
        code="STX-5061",
    )
