"""Our clients of one turn: a process with so many threads, each with one transaction at a time.

``python -m bench.beside.our_clients ORDERS`` says "ready" once it is connected, is told on its
input at which moment of the monotonic clock to begin, and ends with its tally as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import scalar_tx
from bench.beside import floors, tpcc, ycsb
from bench.beside.our_side import Timetable
from bench.beside.tally import Client, report
from bench.beside.tpcc_tables import WAREHOUSE, Scale, W
from scalar_tx import ConflictError, StorageUnavailableError, UnknownOutcomeError
from scalar_tx.connection import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.beside.tpcc import Drawn

    Work = Callable[[Client], None]


@dataclass(frozen=True, kw_only=True)
class Orders(Timetable):
    """What one process is to do. ``floor``: only a way's statements, ``bare`` by ``sqlite3``."""

    properties: Mapping[str, str]
    workload: str
    gathered: bool = False
    floor: str | None = None
    bare: bool = False
    scale: Mapping[str, int] = field(default_factory=lambda: asdict(Scale()))


def work_of(orders: Orders, db: scalar_tx.TransactionManager) -> Work:
    """What draws and runs one operation, with its retries, and tallies it."""
    if orders.floor is not None:
        return _floor(orders, db)
    if orders.workload in tpcc.MIXES:
        return _tpcc(orders, db)
    return small_work(db, orders.workload, ycsb.RECORDS)


def small_work(db: scalar_tx.TransactionManager, workload: str, records: int) -> Work:
    """The same of a small workload over so many records."""
    drawn = ycsb.draws(workload, records)
    kind = ycsb.KINDS[workload]

    def body(tx: scalar_tx.Transaction, client: Client, steps: list[ycsb.Step]) -> None:
        client.attempts += 1
        ycsb.change(tx, steps, reads=kind.reads)

    def work(client: Client) -> None:
        steps = drawn(client.dice)
        tallied(client, lambda: db.run(body, client, steps, read_only=not kind.writes))

    return work


def _tpcc(orders: Orders, db: scalar_tx.TransactionManager) -> Work:
    drawn = tpcc.draws(orders.workload, Scale(**orders.scale))

    def body(tx: scalar_tx.Transaction, client: Client, what: Drawn) -> None:
        client.attempts += 1
        what.run(tx, gathered=orders.gathered)

    def work(client: Client) -> None:
        what = drawn(client.dice)
        tallied(client, lambda: db.run(body, client, what, read_only=what.read_only))

    return work


def _floor(orders: Orders, db: scalar_tx.TransactionManager) -> Work:
    drawn = ycsb.draws(orders.workload)
    way = str(orders.floor)
    run = (
        floors.said_to_sqlite(orders.properties, way)
        if orders.bare
        else floors.said_to_the_storage(parts_of(db), way)
    )

    def work(client: Client) -> None:
        steps = drawn(client.dice)
        begun = time.monotonic_ns()
        client.attempts += 1
        if run(steps):
            client.finish(begun)

    return work


def tallied(client: Client, operation: Callable[[], object]) -> None:
    """Run one operation, and count how it ended."""
    begun = time.monotonic_ns()
    try:
        operation()
    except UnknownOutcomeError:
        client.unknown += 1
    except (ConflictError, StorageUnavailableError):
        client.refused += 1
    except tpcc.UnusedItem:
        client.finish(begun)  # rolled back, as it was meant to be
    else:
        client.finish(begun)


def run_threads(work: Work, clients: list[Client], begin: Callable[[], float]) -> float:
    """Run each client in a thread of its own until its time is up; the CPU seconds they took."""
    errors: list[BaseException] = []

    def watched(client: Client) -> None:
        try:
            while not client.over and not errors:
                work(client)
        except BaseException as error:  # noqa: BLE001  # raised again below
            errors.append(error)

    threads = [threading.Thread(target=watched, args=(client,)) for client in clients]
    spent = begin()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return time.process_time() - spent


def main() -> None:
    """One process."""
    orders = Orders(**json.loads(sys.argv[1]))
    clients = clients_of(orders)
    with scalar_tx.connect(orders.properties) as db:
        work = work_of(orders, db)
        _connect(orders, db)
        cpu = run_threads(work, clients, lambda: begin(orders, clients))
    print(json.dumps(vars(report(clients, cpu))), flush=True)


def clients_of(orders: Timetable) -> list[Client]:
    """Each with dice of its own."""
    return [Client(random.Random(orders.seed + number)) for number in range(orders.clients)]


def begin(orders: Timetable, clients: list[Client]) -> float:
    """Say that all are ready, and wait for the moment; the CPU seconds spent until then."""
    print("ready", flush=True)
    at = float(sys.stdin.readline())
    for client in clients:
        client.since = int(1e9 * (at + orders.warm_up))
        client.until = client.since + int(1e9 * orders.seconds)
    time.sleep(max(0.0, at - time.monotonic()))
    return time.process_time()


def _connect(orders: Orders, db: scalar_tx.TransactionManager) -> None:
    """Nobody has to wait for a first connection once the clock runs."""
    if orders.workload in tpcc.MIXES:
        assert db.get(WAREHOUSE, {"w_id": W}) is not None
        return
    for table in ycsb.TABLES:
        assert db.get(table, {ycsb.KEY: 0}) is not None


if __name__ == "__main__":
    main()
