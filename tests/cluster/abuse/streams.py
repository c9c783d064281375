"""What can be done with streams and connections by somebody who does not mean well?"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc

from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.rpc import scalardb_pb2
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.operations import Get, Scan
from tests.cluster.abuse import wire
from tests.cluster.abuse.calls import BIG, TRANSACT

if TYPE_CHECKING:
    from tests.cluster.abuse.calls import Abuse


def begin(name: str) -> rpc.Request:
    get = operation_message(Get(BIG, {"id": 1}))
    return rpc.Request(begin=rpc.Begin(transaction_id=name, fresh_id=True), one=get)


async def _opened(abuse: Abuse, channel: grpc.aio.Channel, name: str) -> Any:
    stream = abuse.stream(channel)
    try:
        await stream.write(begin(name))
        reply = await stream.read()
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        reply = grpc.aio.EOF
    abuse.counts["refused" if reply is grpc.aio.EOF else "opened"] += 1
    return stream


async def many_streams(abuse: Abuse) -> None:
    """As many streams on one connection as it takes, opened and dropped in turn."""
    channel, number = abuse.channel(), 0
    while await abuse.pause(0.2):
        held = []
        for _ in range(20):
            number += 1
            held.append(await _opened(abuse, channel, f"many{number}"))
        for stream in held:
            stream.cancel()
    abuse.counts["sent"] = number


async def open_transactions(abuse: Abuse) -> None:
    """Ten thousand of them at once, on ten connections."""
    channels = [abuse.channel() for _ in range(10)]
    held: list[Any] = []
    for number in range(1000):
        names = [f"open{number}x{which}" for which in range(10)]
        made = zip(channels, names, strict=True)
        held += await asyncio.gather(*(_opened(abuse, channel, name) for channel, name in made))
        if abuse.stop.is_set():
            break
    await abuse.stop.wait()
    for stream in held:
        stream.cancel()


async def half_closed(abuse: Abuse) -> None:
    """Transactions that are begun, and whose clients then say that they say no more."""
    channel, number = abuse.channel(), 0
    while await abuse.pause(0.01):
        number += 1
        stream = await _opened(abuse, channel, f"half{number}")
        await stream.done_writing()
        with suppress(grpc.aio.AioRpcError):
            await stream.read()
        abuse.counts[(await stream.code()).name] += 1


async def silent_streams(abuse: Abuse) -> None:
    """Streams without a word, transactions without a second one, scanners that nobody reads."""
    channel, held = abuse.channel(), []
    scan = scan_message(Scan(BIG, whole_table=True))
    for number in range(100):
        held.append(abuse.stream(channel))
        abuse.counts["silent"] += 1
        stream = await _opened(abuse, channel, f"silent{number}")
        for scanner in range(5):
            opened = rpc.OpenScanner(number=scanner, scan=scan)
            await stream.write(rpc.Request(open_scanner=opened))
            reply = await stream.read()
            if reply is grpc.aio.EOF:
                break
            refused = reply.HasField("error")
            abuse.counts["scanners refused" if refused else "scanners"] += 1
        held.append(stream)
    java = grpc.aio.insecure_channel(f"{abuse.host}:{abuse.java_port}")
    method: Any = java.stream_stream("/rpc.DistributedTransaction/Transaction")
    first = scalardb_pb2.TransactionRequest()
    first.begin_request.SetInParent()
    for number in range(50):
        stream = method()
        if number % 2:
            await stream.write(first.SerializeToString())
            await stream.read()
        held.append(stream)
        abuse.counts["of the open protocol"] += 1
    await abuse.stop.wait()
    abuse.counts["ended by the node"] = sum(one.done() for one in held)
    await java.close()


async def many_connections(abuse: Abuse) -> None:
    """Connections that are opened and do nothing, and more of them that come and go."""
    held = [await wire.Wire.to(abuse.host, abuse.port) for _ in range(300)]
    abuse.counts["held"] = len(held)
    while await abuse.pause(0.05):
        one = await wire.Wire.to(abuse.host, abuse.port)
        abuse.counts["came and went"] += 1
        one.close()
    for one in held:
        one.close()


async def partial_frames(abuse: Abuse) -> None:
    """Frames, and whole requests, of which a byte comes now and then, and never the last."""
    dribbling = []
    for number in range(100):
        one = await wire.Wire.to(abuse.host, abuse.port)
        match number % 4:
            case 0:  # a frame's head announces more than ever comes
                one.writer.write(wire.frame(wire.HEADERS, 0, 1, b"\0", length=16_000))
            case 1:  # headers that never end
                one.writer.write(wire.frame(wire.HEADERS, 0, 1, wire.call(TRANSACT)))
            case 2:  # a message that says it has four million bytes
                head = wire.frame(wire.HEADERS, wire.END_HEADERS, 1, wire.call(TRANSACT))
                announced = b"\0" + (4_000_000).to_bytes(4)
                one.writer.write(head + wire.frame(wire.DATA, 0, 1, announced))
            case _:  # no frame at all
                one.writer.write(b"\0")
        abuse.counts["opened"] += 1
        dribbling.append((number, one))
    while await abuse.pause(0.2):
        for number, one in dribbling:
            if one.ended:
                continue
            more = {
                1: wire.frame(wire.CONTINUATION, 0, 1, wire.literal("x", "y")),
                2: wire.frame(wire.DATA, 0, 1, b"x"),
            }
            one.writer.write(more.get(number % 4, b"\0"))
            abuse.counts["bits"] += 1
    abuse.counts["ended by the node"] = sum(one.ended for _, one in dribbling)
    for _, one in dribbling:
        one.close()
