"""Which connection does the next transaction take?

A node has several workers behind one port, and the system hands a new connection to one of them.
So connections are opened until each worker of each node has one, and transactions take turns. What
does not answer is left alone for a moment.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.client.no_answer import no_answer
from scalar_tx.cluster.client.tls_trouble import tls_error
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.client.directory import Directory
    from scalar_tx.cluster.client.target import Target

HELLO: Final = "/scalar_tx.v1.Transactions/Hello"
_CONNECT_SECONDS: Final = 3.0
_REST_SECONDS: Final = 1.0  # for what did not answer
_TRIES_A_WORKER: Final = 6  # the system chooses the worker, by chance
_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # what is sent twice is decided here
    ("grpc.lb_policy_name", "pick_first"),
)


@dataclass(eq=False, slots=True)
class Channel:
    """One connection to one worker."""

    address: str
    channel: grpc.aio.Channel
    node: str = ""
    worker: int = 0
    workers: int = 1
    asks_for_token: bool = False
    rests_until: float = 0.0
    methods: dict[str, Any] = field(default_factory=dict)

    def unary(self, path: str, answer: Any) -> Any:
        """A method of one request and one reply."""
        made = self.methods.get(path)
        if made is None:
            made = self.methods[path] = self.channel.unary_unary(
                path, _serialized, answer.FromString
            )
        return made

    def stream(self, path: str, answer: Any) -> Any:
        """A method of many requests and replies."""
        made = self.methods.get(path)
        if made is None:
            made = self.methods[path] = self.channel.stream_stream(
                path, _serialized, answer.FromString
            )
        return made


def _serialized(message: Any) -> bytes:
    found: bytes = message.SerializeToString()
    return found


class Channels:
    """The connections of one manager, on one event loop."""

    def __init__(self, target: Target, directory: Directory) -> None:
        self._target = target
        self._directory = directory
        self._open: list[Channel] = []
        self._troubles: dict[str, str] = {}  # of addresses that do not answer
        self._turn = 0
        self._opening: asyncio.Task[None] | None = None
        self._spreading: asyncio.Task[None] | None = None

    async def take(self) -> Channel:
        """The connection that is next.

        StorageUnavailableError: no node answers; SettingsError: those that do are not trusted.
        """
        now = time.monotonic()
        good = [one for one in self._open if one.rests_until <= now]
        if not good:
            await self._opened()
            good = [one for one in self._open if one.rests_until <= time.monotonic()]
        if not good:
            untrusted = tls_error(self._troubles)
            if untrusted is not None:
                raise untrusted
            raise no_answer(self._target.addresses, self._troubles, self._directory.missing)
        self._turn += 1
        return good[self._turn % len(good)]

    def failed(self, channel: Channel) -> None:
        """It did not answer: it is not taken for a moment, and the others are looked for."""
        channel.rests_until = time.monotonic() + _REST_SECONDS
        self._spread()

    async def _opened(self) -> None:
        # All who need a connection wait for one attempt to get it.
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open_first())
        await asyncio.shield(self._opening)

    async def _open_first(self) -> None:
        addresses = await self._directory.addresses(anew=bool(self._open))
        self._troubles.clear()
        await self._drop_missing(addresses)
        now = time.monotonic()
        for one in self._open:
            one.rests_until = min(one.rests_until, now)
        tried = await asyncio.gather(*(self._connected(one) for one in addresses))
        self._open += [one for one in tried if one is not None]
        answering = {one.address for one in tried if one is not None}
        for one in [one for one in self._open if one.address not in answering]:
            await self._drop(one)
        self._spread()

    def _spread(self) -> None:
        if self._spreading is None or self._spreading.done():
            self._spreading = asyncio.ensure_future(self._reach_all())

    async def _reach_all(self) -> None:
        """Get a connection to each worker of each node; what can't be had is done without."""
        for address in await self._directory.addresses():
            for _ in range(_TRIES_A_WORKER * 8):
                here = [one for one in self._open if one.address == address]
                wanted = max((one.workers for one in here), default=1)
                if len({(one.node, one.worker) for one in here}) >= wanted:
                    break
                if len(here) == 0 and not await self._add(address):
                    break
                if not await self._add(address):
                    break

    async def _add(self, address: str) -> bool:
        made = await self._connected(address)
        if made is None:
            return False
        twin = [
            one
            for one in self._open
            if (one.address, one.node, one.worker) == (address, made.node, made.worker)
        ]
        if any(one.rests_until <= time.monotonic() for one in twin):
            await made.channel.close()
            return True
        for one in twin:
            await self._drop(one)
        # A node that was started anew has left its old connections dead. Behind a load balancer,
        # though, one address is several nodes.
        now = time.monotonic()
        for one in [one for one in self._open if one.address == address and one.node != made.node]:
            if one.rests_until > now:
                await self._drop(one)
        self._open.append(made)
        return True

    async def _connected(self, address: str) -> Channel | None:
        channel = self._channel(address)
        hello = channel.unary_unary(HELLO, _serialized, rpc.HelloReply.FromString)
        try:
            reply = await hello(rpc.HelloRequest(), timeout=_CONNECT_SECONDS, wait_for_ready=False)
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            if isinstance(error, grpc.aio.AioRpcError):
                self._troubles[address] = error.details() or ""
            await channel.close()
            return None
        self._troubles.pop(address, None)
        return Channel(
            address,
            channel,
            reply.node,
            reply.worker,
            max(1, reply.workers),
            reply.authentication,
        )

    def _channel(self, address: str) -> grpc.aio.Channel:
        if self._target.credentials is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
        options: tuple[tuple[str, Any], ...] = _OPTIONS
        # Certificates bear names, and the address may have become a number.
        authority = self._target.authority or self._directory.host_of(address)
        options += (("grpc.ssl_target_name_override", authority),)
        return grpc.aio.secure_channel(address, self._target.credentials, options=options)

    async def _drop_missing(self, addresses: Sequence[str]) -> None:
        for one in [one for one in self._open if one.address not in addresses]:
            await self._drop(one)

    async def _drop(self, channel: Channel) -> None:
        if channel in self._open:
            self._open.remove(channel)
        # Streams on it may be in the middle of something; they end by themselves.
        await channel.channel.close(grace=_CONNECT_SECONDS)

    async def close(self) -> None:
        """End all connections, and what was looking for more."""
        for task in (self._opening, self._spreading):
            if task is not None and not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for one in list(self._open):
            self._open.remove(one)
            await one.channel.close()
