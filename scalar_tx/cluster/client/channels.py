"""Which connection does the next transaction take?

A node has several workers behind one port, and the system hands a new connection to one of them.
So connections are opened until each worker of each node has one, and transactions take turns. What
did not answer is given none until it has answered again. Somebody looks for it meanwhile, as long
as there is anybody who asks, and now and then for what else has changed: names stand for other
nodes, an old connection was replaced and ends at another worker.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import grpc

from scalar_tx.cluster.client.directory import FRESH_SECONDS
from scalar_tx.cluster.client.no_answer import no_answer
from scalar_tx.cluster.client.tls_trouble import tls_error
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.client.directory import Directory
    from scalar_tx.cluster.client.target import Target

HELLO: Final = "/scalar_tx.v1.Transactions/Hello"
_CONNECT_SECONDS: Final = 3.0
_FIRST_PAUSE: Final = 0.1  # between two looks for what does not answer
_LONGEST_PAUSE: Final = 2.0
_TRIES_A_WORKER: Final = 4  # in one look; the system chooses the worker, by chance
_LEAVING_SECONDS: Final = 60.0  # a transaction's lifetime, for those on a connection given up
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
    lost: bool = False  # until it has answered again
    methods: dict[str, Any] = field(default_factory=dict)

    async def greet(self) -> None:
        """Find out who is at the other end, if anybody is. AioRpcError: nobody."""
        hello = self.unary(HELLO, rpc.HelloReply)
        reply = await hello(rpc.HelloRequest(), timeout=_CONNECT_SECONDS, wait_for_ready=False)
        self.node, self.worker = reply.node, reply.worker
        self.workers, self.asks_for_token = max(1, reply.workers), reply.authentication
        self.lost = False

    @property
    def stands(self) -> bool:
        """Is it connected, as far as can be told without asking the other end?"""
        return self.channel.get_state() is grpc.ChannelConnectivity.READY

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
        self._leaving: dict[Channel, asyncio.Task[None]] = {}
        self._troubles: dict[str, str] = {}  # of addresses that do not answer
        self._turn = 0
        self._asked_at = self._looked_at = -FRESH_SECONDS
        self._opening: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._something_was_lost = asyncio.Event()

    async def take(self) -> Channel:
        """The connection that is next.

        StorageUnavailableError: no node answers; SettingsError: those that do are not trusted.
        """
        self._asked_at = time.monotonic()
        good = self._good()
        if not good:
            await self._opened()
            good = self._good()
        elif self._asked_at - self._looked_at > FRESH_SECONDS:
            self._look()
        if not good:
            untrusted = tls_error(self._troubles)
            if untrusted is not None:
                raise untrusted
            raise no_answer(self._target.addresses, self._troubles, self._directory.missing)
        self._turn += 1
        return good[self._turn % len(good)]

    def failed(self, channel: Channel) -> None:
        """It did not answer: it is not taken until it does, and that is looked for at once."""
        channel.lost = True
        self._something_was_lost.set()
        self._look()

    def _good(self) -> list[Channel]:
        return [one for one in self._open if not one.lost]

    async def _opened(self) -> None:
        # All who need a connection wait for one attempt to get it.
        if self._opening is None or self._opening.done():
            self._opening = asyncio.ensure_future(self._open_first())
        await asyncio.shield(self._opening)

    async def _open_first(self) -> None:
        """Get one connection, to whoever answers first."""
        addresses = await self._directory.addresses(anew=bool(self._open))
        self._troubles.clear()
        self._drop_missing(addresses)
        trying = {asyncio.ensure_future(self._add(one)) for one in addresses}
        try:
            while trying and not self._good():
                _, trying = await asyncio.wait(trying, return_when="FIRST_COMPLETED")
        finally:
            for one in trying:
                one.cancel()
            await asyncio.gather(*trying, return_exceptions=True)
        self._look()

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_until_all_answer())

    async def _look_until_all_answer(self) -> None:
        """Get a connection to each worker of each node, as long as anybody asks for connections."""
        pause, complete = _FIRST_PAUSE, [True]
        while True:
            self._something_was_lost.clear()
            addresses = await self._directory.addresses(anew=not all(complete))
            self._drop_missing(addresses)
            complete = await asyncio.gather(*(self._reach(one) for one in addresses))
            self._looked_at = time.monotonic()
            if self._something_was_lost.is_set():
                pause = _FIRST_PAUSE
            elif all(complete) or self._looked_at - self._asked_at > FRESH_SECONDS:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._something_was_lost.wait()
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _reach(self, address: str) -> bool:
        """Get a connection to each worker there; has each of them one now?"""
        here = [one for one in self._open if one.address == address]
        await asyncio.gather(*(self._greeted(one) for one in here))
        for one in here:
            # An old connection was replaced, and ends where another one does.
            if one in self._open and not one.lost and self._is_twin(one):
                self._drop(one)
        tries = 0
        while True:
            here = [one for one in self._good() if one.address == address]
            wanted = max((one.workers for one in here), default=1)
            if len({(one.node, one.worker) for one in here}) >= wanted:
                return True
            if tries >= wanted * _TRIES_A_WORKER or not await self._add(address):
                return False
            tries += 1

    async def _greeted(self, channel: Channel) -> bool:
        """Does it answer? What is known of the other end is found out anew."""
        try:
            await channel.greet()
        except grpc.aio.AioRpcError as error:
            self._troubles[channel.address] = error.details() or ""
            channel.lost = True
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            channel.lost = True  # it was closed meanwhile
        else:
            self._troubles.pop(channel.address, None)
        return not channel.lost

    async def _add(self, address: str) -> bool:
        """Make one more connection; does it answer? One that is there already is closed again."""
        made = Channel(address, self._channel(address))
        try:
            answers = await self._greeted(made)
        except asyncio.CancelledError:
            await made.channel.close()
            raise
        if not answers or self._is_twin(made):
            await made.channel.close()
            return answers
        # What was lost there is replaced; a node that was started anew has left its old connections
        # dead. Behind a load balancer, though, one address is several nodes.
        for one in [one for one in self._open if one.address == address and one.lost]:
            if one.node != made.node or one.worker == made.worker:
                self._drop(one)
        self._open.append(made)
        return True

    def _is_twin(self, channel: Channel) -> bool:
        """Is there another connection to the same worker, and does it answer?"""
        name = (channel.address, channel.node, channel.worker)
        return any(
            (one.address, one.node, one.worker) == name
            for one in self._good()
            if one is not channel
        )

    def _channel(self, address: str) -> grpc.aio.Channel:
        if self._target.credentials is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
        options: tuple[tuple[str, Any], ...] = _OPTIONS
        # Certificates bear names, and the address may have become a number.
        authority = self._target.authority or self._directory.host_of(address)
        options += (("grpc.ssl_target_name_override", authority),)
        return grpc.aio.secure_channel(address, self._target.credentials, options=options)

    def _drop_missing(self, addresses: Sequence[str]) -> None:
        for one in [one for one in self._open if one.address not in addresses]:
            self._drop(one)

    def _drop(self, channel: Channel) -> None:
        self._open.remove(channel)
        leaving = asyncio.ensure_future(_left(channel))
        self._leaving[channel] = leaving
        leaving.add_done_callback(lambda _: self._leaving.pop(channel, None))

    async def close(self) -> None:
        """End all connections, and what was looking for more."""
        leaving = dict(self._leaving)
        for task in (self._opening, self._looking, *leaving.values()):
            if task is not None and not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        for one in (*self._open, *leaving):
            await one.channel.close()
        self._open.clear()


def _is_cancelled() -> bool:
    """Is it this task that is to end, and not a call of a connection that was closed?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _left(channel: Channel) -> None:
    # Whoever has just taken it still begins on it; what is in the middle of something ends by
    # itself.
    await asyncio.sleep(_CONNECT_SECONDS)
    await channel.channel.close(grace=_LEAVING_SECONDS)
