"""What does gRPC itself have to be told of a node's limits?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.settings.node import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Limits", "channel_arguments"]


def channel_arguments(limits: Limits, *, shared_port: bool) -> Sequence[tuple[str, int]]:
    """The arguments of a server. ``shared_port``: several processes listen on its port."""
    return (
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
