"""How do clients of a node work as tasks of one loop, by our library or by gRPC alone?"""

from __future__ import annotations

import itertools
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import grpc

import scalar_tx
from bench.beside import ycsb
from bench.node import echo, four_calls
from bench.node.figures import CALLS, COUNTED, ECHO_STREAM, ECHOES, ONE_SHOT, STREAM, TURNS
from bench.node.messages import (
    COUNTER_KEY,
    COUNTER_RECORDS,
    COUNTERS,
    begin,
    changing,
    check_found,
    counting,
    reading,
    sizes,
    writing,
)
from bench.node.orders import WORKLOAD
from scalar_tx import ConflictError, StorageUnavailableError, UnknownOutcomeError
from scalar_tx.cluster.client.channels import Channels
from scalar_tx.cluster.client.directory import NamedNodes
from scalar_tx.cluster.client.target import Target
from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.records import records_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from bench.beside.tally import Client
    from bench.node.orders import Orders
    from scalar_tx.cluster.client.channels import Channel

    AsyncWork = Callable[[Client], Awaitable[None]]
    # One request of a transaction that was begun, and its answer.
    Say = Callable[[rpc.Request], Awaitable[rpc.Reply]]

_TRANSACT: Final = "/scalar_tx.v1.Transactions/Transact"
_TRIES: Final = 100  # connections, until there is one to each worker


async def tallied(client: Client, operation: Callable[[], Awaitable[object]]) -> None:
    """Run one operation, and count how it ended."""
    begun = time.monotonic_ns()
    try:
        await operation()
    except UnknownOutcomeError:
        client.unknown += 1
    except (ConflictError, StorageUnavailableError):
        client.refused += 1
    else:
        client.finish(begun)


@asynccontextmanager
async def opened(orders: Orders) -> AsyncIterator[AsyncWork]:
    """What draws and runs one operation, and tallies it; connected."""
    if orders.way in ECHOES:
        channels = await echo_channels(orders)
        exchange = echoing(orders, channels)

        async def echoed(client: Client) -> None:
            client.attempts += 1
            await tallied(client, exchange)

        try:
            yield echoed
        finally:
            await closed(channels)
    elif orders.way in {TURNS, CALLS}:
        async with _raw(orders) as work:
            yield work
    else:
        async with scalar_tx.connect_async(orders.target) as db:
            if orders.way == COUNTED:
                assert await db.get(COUNTERS, {COUNTER_KEY: 0}) is not None
            else:
                assert await db.get(ycsb.TABLES[0], {ycsb.KEY: 0}) is not None
            yield _WORKS[orders.way](orders, db)


# By our library.


def _streaming(orders: Orders, db: scalar_tx.AsyncTransactionManager) -> AsyncWork:
    drawn = ycsb.draws(WORKLOAD, orders.records)

    async def body(tx: scalar_tx.AsyncTransaction, client: Client, step: ycsb.Step) -> None:
        client.attempts += 1
        key = {ycsb.KEY: step.key}
        check_found([await tx.get(step.table, key)])
        await tx.update(step.table, key, {ycsb.PAYLOAD: step.text})

    async def work(client: Client) -> None:
        [step] = drawn(client.dice)
        await tallied(client, lambda: db.run(body, client, step))

    return work


def _in_one_shot(orders: Orders, db: scalar_tx.AsyncTransactionManager) -> AsyncWork:
    drawn = ycsb.draws(WORKLOAD, orders.records)

    async def work(client: Client) -> None:
        script = changing(drawn(client.dice))

        async def operation() -> None:
            client.attempts += 1
            check_found(await db.execute(script))

        await tallied(client, operation)

    return work


def _counting(_: Orders, db: scalar_tx.AsyncTransactionManager) -> AsyncWork:
    async def work(client: Client) -> None:
        script = counting(client.dice.randrange(COUNTER_RECORDS))
        client.attempts += 1
        await tallied(client, lambda: db.execute(script))

    return work


_WORKS: Final[dict[str, Callable[[Orders, scalar_tx.AsyncTransactionManager], AsyncWork]]] = {
    STREAM: _streaming,
    ONE_SHOT: _in_one_shot,
    COUNTED: _counting,
}


# By gRPC alone, a wait for each of begin, get, put and commit.


@asynccontextmanager
async def _raw(orders: Orders) -> AsyncIterator[AsyncWork]:
    address = str(orders.target).removeprefix("grpc://")
    channels = Channels(Target((address,)), NamedNodes([address]))
    transaction = _by_turns if orders.way == TURNS else _by_calls

    async def work(client: Client) -> None:
        key = client.dice.randrange(COUNTER_RECORDS)

        async def operation() -> None:
            while True:
                client.attempts += 1
                try:
                    await transaction(await channels.take(), key)
                except ConflictError:
                    continue
                return

        await tallied(client, operation)

    try:
        await channels.take()
        yield work
    finally:
        await channels.close()


async def _by_turns(channel: Channel, key: int) -> None:
    call = channel.stream(_TRANSACT, rpc.Reply)()

    async def say(request: rpc.Request) -> rpc.Reply:
        await call.write(request)
        reply: rpc.Reply = await call.read()
        return reply

    try:
        await _said(say, rpc.Request(begin=begin()))
        await _counted(say, rpc.Request, key)
    finally:
        call.cancel()  # what has ended does not mind
        await call.code()


async def _by_calls(channel: Channel, key: int) -> None:
    say = channel.unary(four_calls.CALL, rpc.Reply)
    named = begin()
    await _said(say, rpc.Request(begin=named))
    await _counted(say, lambda **step: rpc.Request(begin=named, **step), key)


async def _counted(say: Say, request: Callable[..., rpc.Request], key: int) -> None:
    """One more on a counter."""
    found = await _said(say, request(one=reading(key)))
    [record] = records_of(found.one.records)
    count: Any = record["n"]
    await _said(say, request(one=writing(key, count + 1)))
    ended = await _said(say, request(end=rpc.Request.COMMIT))
    assert ended.outcome == rpc.State.STATE_COMMITTED


async def _said(say: Say, request: rpc.Request) -> rpc.Reply:
    reply = await say(request)
    if reply.HasField("error"):
        raise error_of(reply.error) or RuntimeError(reply.error.message)
    return reply


# By gRPC, with nothing behind it.


async def echo_channels(orders: Orders) -> list[grpc.aio.Channel]:
    """A connection to each worker; the kernel chooses whose a new one is."""
    found: dict[bytes, grpc.aio.Channel] = {}
    for _ in range(_TRIES):
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.insecure_channel(str(orders.target), options=options)
        who: Any = channel.unary_unary(echo.WHO)
        whose: bytes = await who(b"", wait_for_ready=True)
        if whose in found:
            await channel.close()
        found.setdefault(whose, channel)
        if len(found) == orders.workers:
            return list(found.values())
    raise RuntimeError(f"{_TRIES} connections reached {len(found)} of {orders.workers} workers")


def echoing(
    orders: Orders, channels: list[grpc.aio.Channel]
) -> Callable[[], Coroutine[Any, Any, None]]:
    """What exchanges the messages of one transaction; connections take turns."""
    turns = [(echo.request(asked, answer), answer) for asked, answer in sizes(orders.way)]
    method = "stream_stream" if orders.way == ECHO_STREAM else "unary_unary"
    path = echo.STREAM if orders.way == ECHO_STREAM else echo.CALL
    methods = itertools.cycle([getattr(channel, method)(path) for channel in channels])

    async def stream() -> None:
        call = next(methods)()
        for request, answer in turns:
            await call.write(request)
            assert len(await call.read()) == answer
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF

    async def calls() -> None:
        call = next(methods)
        for request, answer in turns:
            assert len(await call(request)) == answer

    return stream if orders.way == ECHO_STREAM else calls


async def closed(channels: list[grpc.aio.Channel]) -> None:
    """End the connections."""
    for channel in channels:
        await channel.close()
