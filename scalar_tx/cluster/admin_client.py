"""How do nodes answer a command of their operator? Each over its own connection, all at once."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2

from scalar_tx.cluster.admin_service import SERVICE
from scalar_tx.cluster.health import READINESS
from scalar_tx.cluster.health import SERVICE as HEALTH
from scalar_tx.cluster.pausing import DEFAULT_MILLISECONDS
from scalar_tx.cluster.ports import ADMIN
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Call = Callable[[grpc.aio.Channel], Awaitable[dict[str, Any]]]

from scalar_tx.cluster.rpc import scalar_admin_pb2

ANSWER_SECONDS: Final = 15.0
_WITHOUT_PORT: Final = re.compile(r"[^:\[\]]+|\[[^\]]+\]")
_HINTS: Final = (
    ("Method not found", f". This is no admin port; it is {ADMIN}, unless the node was told more"),
    ("WRONG_VERSION_NUMBER", ". This port has no TLS: leave --tls out"),
    ("CERTIFICATE_VERIFY_FAILED", ". Name the CA of the node: --ca-root-cert-path"),
    ("Hostname Verification Check failed", ". Name what it bears: --override-authority"),
    ("Connection refused", ". Nobody listens there: is the node up, and is this its admin port?"),
    ("Socket closed", ". Is this the admin port, and does it have TLS (--tls)?"),
    ("Connection reset", ". Is this the admin port, and does it have TLS (--tls)?"),
    ("HTTP/2", ". Is this the admin port, and does it have TLS (--tls)?"),
)


@dataclass(frozen=True, slots=True)
class Trust:
    """How nodes are reached. ``ca`` is a file in PEM; None: the certificates of the machine.

    ``authority`` is the name in a node's certificate, where it is reached under another one;
    ``certificate`` and ``key`` are the caller's own.
    """

    tls: bool = False
    ca: str | None = None
    authority: str | None = None
    certificate: str | None = None
    key: str | None = None

    def channel(self, where: str) -> grpc.aio.Channel:
        """A channel to one node. InvalidOperationError: a file can't be read."""
        if not self.tls:
            return grpc.aio.insecure_channel(where)
        options = []
        if self.authority is not None:
            options.append(("grpc.ssl_target_name_override", self.authority))
        credentials = grpc.ssl_channel_credentials(
            _read(self.ca), private_key=_read(self.key), certificate_chain=_read(self.certificate)
        )
        return grpc.aio.secure_channel(where, credentials, options=options)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one node answered. ``error`` None: it did what it was asked for."""

    address: str
    found: dict[str, Any]
    error: str | None = None

    def as_data(self) -> dict[str, Any]:
        """The answer for programs."""
        return {"address": self.address, **self.found, "error": self.error}


async def pause(
    addresses: Sequence[str], trust: Trust, *, wait: bool, milliseconds: int | None
) -> list[Answer]:
    """Pause nodes. One that can't be paused leaves the others paused."""
    request = scalar_admin_pb2.PauseRequest(wait_outstanding=wait)
    if milliseconds is not None:
        request.max_pause_wait_time = milliseconds
    seconds = ANSWER_SECONDS + ((milliseconds or DEFAULT_MILLISECONDS) / 1000 if wait else 0)

    async def call(channel: grpc.aio.Channel) -> dict[str, Any]:
        await _ask(channel, f"/{SERVICE}/Pause", request, empty_pb2.Empty, seconds)
        return {"paused": True}

    return await _all(addresses, trust, call)


async def unpause(addresses: Sequence[str], trust: Trust) -> list[Answer]:
    """Let nodes go on."""

    async def call(channel: grpc.aio.Channel) -> dict[str, Any]:
        await _ask(channel, f"/{SERVICE}/Unpause", empty_pb2.Empty(), empty_pb2.Empty)
        return {"paused": False}

    return await _all(addresses, trust, call)


async def status(addresses: Sequence[str], trust: Trust) -> list[Answer]:
    """Are nodes paused, and are they ready?"""

    async def call(channel: grpc.aio.Channel) -> dict[str, Any]:
        checked = await _ask(
            channel,
            f"/{SERVICE}/CheckPaused",
            empty_pb2.Empty(),
            scalar_admin_pb2.CheckPausedResponse,
        )
        health = await _ask(
            channel,
            f"/{HEALTH}/Check",
            health_pb2.HealthCheckRequest(service=READINESS),
            health_pb2.HealthCheckResponse,
        )
        serving = health_pb2.HealthCheckResponse.SERVING
        return {"paused": checked.paused, "ready": health.status == serving}

    return await _all(addresses, trust, call)


def with_port(where: str) -> str:
    """The address, with the usual port where it names none."""
    return f"{where}:{ADMIN}" if _WITHOUT_PORT.fullmatch(where) else where


async def _all(addresses: Sequence[str], trust: Trust, call: Call) -> list[Answer]:
    return list(await asyncio.gather(*(_one(where, trust, call) for where in addresses)))


async def _one(where: str, trust: Trust, call: Call) -> Answer:
    async with trust.channel(with_port(where)) as channel:
        try:
            return Answer(where, await call(channel))
        except grpc.aio.AioRpcError as error:
            what = error.details() or "no answer"
            hint = next((hint for part, hint in _HINTS if part in what), "")
            return Answer(where, {}, f"{error.code().name}: {what.rstrip('.!')}{hint}")


async def _ask(
    channel: grpc.aio.Channel,
    method: str,
    request: Any,
    answer: Any,
    seconds: float = ANSWER_SECONDS,
) -> Any:
    call: Any = channel.unary_unary(
        method,
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    return await call(request, timeout=seconds)


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidOperationError(
            f"{path} can't be read: {error.strerror}",
            advice="Name a file in PEM",
            code="STX-5005",
        ) from error
