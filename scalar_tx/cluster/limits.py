"""What does gRPC itself have to be told of a node's limits?"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

from scalar_tx.settings.node import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Limits", "channel_arguments"]


_HANDSHAKE_SECONDS: Final = 10
_GRACE_MS: Final = 30_000


def channel_arguments(
    limits: Limits, *, shared_port: bool, streams: int | None = None
) -> Sequence[tuple[str, int]]:
    """The arguments of a server. ``shared_port``: several processes listen on its port.

    ``streams``: how many calls one connection may have at once, which further ones wait for. None:
    as many as come, for clients that hold one stream a transaction on a single connection.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    bounded = () if streams is None else (("grpc.max_concurrent_streams", streams),)
    return (
        *bounded,
        # gRPC keeps what a client does not read as long as the connection lives. Nothing that is
        # open is cut off: it has ended before.
        ("grpc.max_connection_age_ms", limits.connection_seconds * 1000),
        ("grpc.max_connection_age_grace_ms", round(limits.lifetime_seconds * 1000) + _GRACE_MS),
        # Half of the files a process may have: the databases' connections are files as well.
        ("grpc.max_allowed_incoming_connections", min(limits.connections, max(files // 2, 1))),
        # Whoever connects and then says nothing, or it byte by byte, is let go soon.
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
        ("grpc.so_reuseport", int(shared_port)),
        ("grpc.max_receive_message_length", limits.message_bytes),
        # An answer is bounded where it is made: a whole scan of the open protocol is one message.
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", 2 * limits.metadata_bytes),
        # A connection that a vanished machine left behind is found out, and what is open on it
        # rolled back.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    )
