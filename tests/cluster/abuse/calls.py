"""Which calls does nobody make who means well?

Each abuse runs until it is told to stop, at a pace of its own, and counts what it did.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.rpc.v1 import scripts_pb2, security_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.operations import Scan, Upsert

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

TRANSACT = "/scalar_tx.v1.Transactions/Transact"
EXECUTE = "/scalar_tx.v1.Transactions/Execute"
SCAN_PAGES = "/scalar_tx.v1.Transactions/ScanPages"
GET_STATE = "/scalar_tx.v1.Transactions/GetState"
LOG_IN = "/scalar_tx.v1.Security/LogIn"
BIG = "abuse.big"


@dataclass(slots=True)
class Abuse:
    """What is abused, until when, and what was done."""

    host: str
    port: int
    java_port: int
    metadata: tuple[tuple[str, str], ...]
    stop: asyncio.Event
    counts: Counter[str]
    _channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self, *more: tuple[str, Any]) -> grpc.aio.Channel:
        """A connection of its own."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_metadata_size", 2**20),
            ("grpc.absolute_max_metadata_size", 2**20),
            *more,
        ]
        made = grpc.aio.insecure_channel(f"{self.host}:{self.port}", options=options)
        self._channels.append(made)
        return made

    async def pause(self, seconds: float) -> bool:
        """Wait so long; False: it is time to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return True
        return False

    async def unary(self, channel: grpc.aio.Channel, path: str, body: bytes, **more: Any) -> None:
        """Call with those bytes, and count the status."""
        call: Any = channel.unary_unary(path)
        metadata = (*self.metadata, *more.get("metadata", ()))
        try:
            await call(body, metadata=metadata, timeout=20)
            self.counts["OK"] += 1
        except grpc.aio.AioRpcError as error:
            self.counts[error.code().name] += 1
        self.counts["sent"] += 1

    async def again_and_again(self, path: str, bodies: Iterable[bytes], pause: float) -> None:
        """Send each of them in turn."""
        channel, all_bodies = self.channel(), list(bodies)
        while True:
            for body in all_bodies:
                await self.unary(channel, path, body)
                if not await self.pause(pause):
                    return

    def stream(self, channel: grpc.aio.Channel) -> Any:
        """A stream of a transaction, nothing said yet."""
        method: Any = channel.stream_stream(
            TRANSACT, rpc.Request.SerializeToString, rpc.Reply.FromString
        )
        return method(metadata=self.metadata)

    async def let_go(self) -> None:
        for channel in self._channels:
            await channel.close()


def _begin(name: str) -> rpc.Begin:
    return rpc.Begin(transaction_id=name, fresh_id=True)


async def giant_messages(abuse: Abuse) -> None:
    """Just below what a message may have, to be done and to be refused, and far above it."""
    giant = "x" * (4 * 2**20 - 1000)
    put = scripts_pb2.Step(operation=operation_message(Upsert(BIG, {"id": -1, "text": giant})))
    done = rpc.ExecuteRequest(begin=_begin("giant"), script=scripts_pb2.Script(steps=[put]))
    below = rpc.TransactionName(transaction_id=giant)
    above = rpc.TransactionName(transaction_id="x" * (40 * 2**20))
    channel = abuse.channel()
    while True:
        done.begin.transaction_id = f"giant{abuse.counts['sent']}"
        await abuse.unary(channel, EXECUTE, done.SerializeToString())
        for one in (below, above):
            if not await abuse.pause(0.15):
                return
            await abuse.unary(channel, GET_STATE, one.SerializeToString())
        if not await abuse.pause(0.15):
            return


def nested(levels: int) -> bytes:
    """A script whose requirement is nested so deep, written by hand: no library would."""
    body = scripts_pb2.Expression(found=0).SerializeToString()
    for _ in range(levels):
        body = _field(4, b"\x08\x0b" + _field(2, body))
    step = _field(1, _field(2, _field(1, body)))
    return _field(1, _begin("nested").SerializeToString()) + _field(2, step)


def _field(number: int, body: bytes) -> bytes:
    size, coded = len(body), bytearray((number * 8 + 2,))
    while size >= 128:
        coded.append(size % 128 + 128)
        size //= 128
    coded.append(size)
    return bytes(coded) + body


async def deep_nesting(abuse: Abuse) -> None:
    """As many levels as a script may have, more than that, more than any message may have."""
    await abuse.again_and_again(EXECUTE, [nested(n) for n in (30, 45, 10_000)], 0.02)


def empty_elements() -> list[bytes]:
    """Requests that are nothing but empty elements, a million of them and more."""
    begin = _field(1, _begin("empty").SerializeToString())
    columns = _field(1, b"") * 900_000 + _field(2, b"") * 900_000
    terms = _field(1, b"") * 1_900_000
    table = _field(1, b"a.b")
    return [
        begin + _field(2, table + _field(2, columns)),
        begin + _field(2, table + _field(13, _field(2, terms))),
        begin + _field(2, terms),
    ]


async def empty_millions(abuse: Abuse) -> None:
    """Millions of elements that hold nothing."""
    scans, execute = empty_elements()[:2], empty_elements()[2]
    channel = abuse.channel()
    while True:
        await abuse.unary(channel, EXECUTE, execute)
        for body in scans:
            call: Any = channel.unary_stream(SCAN_PAGES)
            abuse.counts["sent"] += 1
            try:
                async for _ in call(body, metadata=abuse.metadata, timeout=20):
                    abuse.counts["OK"] += 1
            except grpc.aio.AioRpcError as error:
                abuse.counts[error.code().name] += 1
            if not await abuse.pause(0.3):
                return


async def log_in_flood(abuse: Abuse) -> None:
    """Names and passwords, guessed as quickly as they are answered."""
    channel = abuse.channel()
    for number in range(10**9):
        ask = security_pb2.LogInRequest(user=f"user{number % 50}", password=f"guess{number}")
        await abuse.unary(channel, LOG_IN, ask.SerializeToString())
        if not await abuse.pause(0.005):
            return


async def metadata_flood(abuse: Abuse) -> None:
    """Many headers, and long ones: below the bound, above it, far above it.

    gRPC lets those who are refused wait for a tenth of a second, so several do it at once.
    """
    await asyncio.gather(*(_flood(abuse) for _ in range(8)))


async def _flood(abuse: Abuse) -> None:
    channel = abuse.channel()
    body = rpc.HelloRequest().SerializeToString()
    while True:
        for size, count in ((30, 100), (200, 100), (60_000, 10)):
            metadata = tuple((f"x-{number}", "v" * size) for number in range(count))
            await abuse.unary(channel, "/scalar_tx.v1.Transactions/Hello", body, metadata=metadata)
            if not await abuse.pause(0.05):
                return


async def slow_readers(abuse: Abuse) -> None:
    """Scans of a whole large table that nobody reads, on many connections."""
    ask = scan_message(Scan(BIG, whole_table=True))
    held = []
    for number in range(20):
        channel = abuse.channel(("grpc.http2.bdp_probe", 0))
        method: Any = channel.unary_stream(SCAN_PAGES)
        request = rpc.ScanPagesRequest(begin=_begin(f"slow{number}"), scan=ask)
        call = method(request.SerializeToString(), metadata=abuse.metadata)
        await call.read()
        abuse.counts["opened"] += 1
        held.append(call)
    await abuse.stop.wait()
