"""How do clients of a node work as threads of one process, over one connection of our library?"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import scalar_tx
from bench.beside import ycsb
from bench.beside.our_clients import small_work, tallied
from bench.node import tasks
from bench.node.figures import ECHOES, EMBEDDED, ONE_SHOT, STREAM
from bench.node.messages import changing, check_found
from bench.node.orders import WORKLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.beside.our_clients import Work
    from bench.beside.tally import Client
    from bench.node.orders import Orders


@contextmanager
def opened(orders: Orders) -> Iterator[Work]:
    """What draws and runs one operation, and tallies it; connected."""
    if orders.way in ECHOES:
        with _echoing(orders) as work:
            yield work
        return
    with scalar_tx.connect(orders.target) as db:
        # Nobody has to wait for a first connection once the clock runs.
        assert db.get(ycsb.TABLES[0], {ycsb.KEY: 0}) is not None
        yield _work(orders, db)


def _work(orders: Orders, db: scalar_tx.TransactionManager) -> Work:
    if orders.way in {STREAM, EMBEDDED}:
        return small_work(db, WORKLOAD, orders.records)
    if orders.way != ONE_SHOT:
        raise ValueError(f"threads do not go by {orders.way}")
    drawn = ycsb.draws(WORKLOAD, orders.records)

    def work(client: Client) -> None:
        script = changing(drawn(client.dice))
        client.attempts += 1
        tallied(client, lambda: check_found(db.execute(script)))

    return work


@contextmanager
def _echoing(orders: Orders) -> Iterator[Work]:
    """As our library does it: threads that wait for calls on a loop in a further thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        channels = asyncio.run_coroutine_threadsafe(tasks.echo_channels(orders), loop).result()
        exchange = tasks.echoing(orders, channels)

        def work(client: Client) -> None:
            client.attempts += 1
            tallied(client, lambda: asyncio.run_coroutine_threadsafe(exchange(), loop).result())

        try:
            yield work
        finally:
            asyncio.run_coroutine_threadsafe(tasks.closed(channels), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
