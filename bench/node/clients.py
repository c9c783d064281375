"""Clients of a node in one turn: ``python -m bench.node.clients ORDERS``, as ``our_clients``."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING

from bench.beside.our_clients import begin, clients_of, run_threads
from bench.beside.tally import report
from bench.node import tasks, threads
from bench.node.orders import Orders

if TYPE_CHECKING:
    from bench.beside.tally import Client
    from bench.node.tasks import AsyncWork


async def run_tasks(orders: Orders, clients: list[Client]) -> float:
    """Run each client in a task of its own until its time is up; the CPU seconds they took."""

    async def one(client: Client, work: AsyncWork) -> None:
        while not client.over:
            await work(client)

    async with tasks.opened(orders) as work:
        spent = begin(orders, clients)
        async with asyncio.TaskGroup() as running:
            for client in clients:
                running.create_task(one(client, work))
        return time.process_time() - spent


def main() -> None:
    """One process."""
    orders = Orders(**json.loads(sys.argv[1]))
    clients = clients_of(orders)
    if orders.tasks:
        cpu = asyncio.run(run_tasks(orders, clients))
    else:
        with threads.opened(orders) as work:
            cpu = run_threads(work, clients, lambda: begin(orders, clients))
    print(json.dumps(vars(report(clients, cpu))), flush=True)


if __name__ == "__main__":
    main()
