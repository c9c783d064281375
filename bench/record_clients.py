"""Our clients of ``bench.records``: one process, so many threads, or tasks of asyncio.

python -m bench.record_clients ORDERS says "ready" once it is connected, is told on its input at
which moment of the monotonic clock to begin, and ends with its report as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import scalar_tx
from bench.records import KEY, PAYLOAD, RECORDS, SIZE, TABLE, Report, payload
from scalar_tx import ConflictError, StorageUnavailableError, UnknownOutcomeError
from scalar_tx.consensus_commit.record import COMMITTED, prepare, roll_forward
from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scalar_tx.connection import Parts
    from scalar_tx.model.types import Row

How: TypeAlias = Literal["threads", "asyncio", "floor"]
ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 1.0  # from the last one's "ready" to the common beginning


@dataclass(frozen=True)
class Orders:
    """What one process is to do."""

    properties: Mapping[str, str]
    how: How
    clients: int
    seed: int
    warm_up: float
    seconds: float


@dataclass
class Tally:
    """What one client did; transactions that end between ``since`` and ``until`` count."""

    since: float
    until: float
    all: int = 0
    committed: int = 0
    attempts: int = 0
    refused: int = 0
    unknown: int = 0
    dice: random.Random = field(default_factory=random.Random)

    @property
    def over(self) -> bool:
        """Is the time up?"""
        return time.monotonic() >= self.until

    def drawn(self) -> tuple[int, str]:
        """The next record and its new text."""
        return self.dice.randrange(RECORDS), payload(self.dice)

    def done(self) -> None:
        """One more is committed."""
        self.all += 1
        self.committed += self.since <= time.monotonic() < self.until

    @property
    def conflicts(self) -> int:
        """Attempts that came to nothing."""
        return self.attempts - self.all - self.refused - self.unknown


def change(tx: scalar_tx.Transaction, key: int, text: str, tally: Tally) -> None:
    """The transaction."""
    tally.attempts += 1
    record = tx.get(TABLE, {KEY: key})
    assert record is not None
    assert len(str(record[PAYLOAD])) == SIZE
    tx.update(TABLE, {KEY: key}, {PAYLOAD: text})


async def change_async(tx: scalar_tx.AsyncTransaction, key: int, text: str, tally: Tally) -> None:
    """The same with asyncio."""
    tally.attempts += 1
    record = await tx.get(TABLE, {KEY: key})
    assert record is not None
    assert len(str(record[PAYLOAD])) == SIZE
    await tx.update(TABLE, {KEY: key}, {PAYLOAD: text})


def statements(parts: Parts) -> Callable[[int, str, Tally], None]:
    """What such a transaction says to the storage, without the protocol: the floor.

    Nobody waits for another's record here: who comes second writes over it, and who came first
    finds that at the end, which is told as a conflict.
    """
    table = run_blocking(parts.context.catalog.table(TABLE))
    decisions = run_blocking(parts.coordinator.table())
    storage = parts.storage

    async def said(key: int, text: str) -> None:
        id_, at = str(uuid.uuid4()), time.time_ns() // 1_000_000
        row = await storage.get(table.stored, (key,))
        written = prepare(table, (key,), {PAYLOAD: text}, row, tx_id=id_, at=at)
        await storage.mutate([written])
        decision: Row = {"tx_state": COMMITTED, "tx_created_at": at}
        await storage.mutate([Write(decisions, (id_,), decision, if_not_exists)])
        await storage.mutate([roll_forward(table, (key,), id_, at, deleted=False)])

    def run(key: int, text: str, tally: Tally) -> None:
        tally.attempts += 1
        try:
            run_blocking(said(key, text))
        except WriteRefusedError:
            return
        tally.done()

    return run


def in_threads(orders: Orders, tallies: list[Tally], begin: Callable[[], float]) -> float:
    """Run the clients; the CPU seconds that they took."""
    with scalar_tx.connect(orders.properties) as db:
        step = statements(db._parts) if orders.how == "floor" else None  # noqa: SLF001
        assert db.get(TABLE, {KEY: 0}) is not None

        def work(tally: Tally) -> None:
            while not tally.over:
                key, text = tally.drawn()
                if step is not None:
                    step(key, text, tally)
                    continue
                try:
                    db.run(change, key, text, tally)
                except UnknownOutcomeError:
                    tally.unknown += 1
                except (ConflictError, StorageUnavailableError):
                    tally.refused += 1
                else:
                    tally.done()

        errors: list[BaseException] = []

        def watched(tally: Tally) -> None:
            try:
                work(tally)
            except BaseException as error:  # noqa: BLE001  # raised again below
                errors.append(error)

        threads = [threading.Thread(target=watched, args=(tally,)) for tally in tallies]
        spent = begin()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return time.process_time() - spent


async def in_tasks(orders: Orders, tallies: list[Tally], begin: Callable[[], float]) -> float:
    """The same with asyncio."""
    async with scalar_tx.connect_async(orders.properties) as db:
        assert await db.get(TABLE, {KEY: 0}) is not None

        async def work(tally: Tally) -> None:
            while not tally.over:
                key, text = tally.drawn()
                try:
                    await db.run(change_async, key, text, tally)
                except UnknownOutcomeError:
                    tally.unknown += 1
                except (ConflictError, StorageUnavailableError):
                    tally.refused += 1
                else:
                    tally.done()

        spent = begin()
        await asyncio.gather(*map(work, tallies))
        return time.process_time() - spent


@contextmanager
def process(orders: Orders) -> Iterator[subprocess.Popen[str]]:
    """A process of clients, connected and waiting for its beginning."""
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "bench.record_clients", json.dumps(vars(orders))],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout is not None
            if started.stdout.readline() != "ready\n":
                raise RuntimeError("our clients could not connect; their error stands above")
            yield started
        finally:
            if sys.exc_info()[0] is not None:
                started.kill()


def run_processes(all_orders: Sequence[Orders]) -> list[Report]:
    """Run several processes of clients side by side."""
    with ExitStack() as running:
        processes = [running.enter_context(process(orders)) for orders in all_orders]
        since = time.monotonic() + START_SECONDS
        found = []
        for each in processes:
            assert each.stdin is not None
            each.stdin.write(f"{since}\n")
            each.stdin.flush()
        for each in processes:
            assert each.stdout is not None
            answer = each.stdout.readline()
            if not answer:
                raise RuntimeError("our clients ended early; their error stands above")
            found.append(Report(**json.loads(answer)))
        return found


def main() -> None:
    """One process."""
    orders = Orders(**json.loads(sys.argv[1]))
    tallies = [
        Tally(0, 0, dice=random.Random(orders.seed + number)) for number in range(orders.clients)
    ]

    def begin() -> float:
        print("ready", flush=True)
        at = float(sys.stdin.readline())
        for tally in tallies:
            tally.since = at + orders.warm_up
            tally.until = tally.since + orders.seconds
        time.sleep(max(0.0, at - time.monotonic()))
        return time.process_time()

    if orders.how == "asyncio":
        cpu = asyncio.run(in_tasks(orders, tallies, begin))
    else:
        cpu = in_threads(orders, tallies, begin)
    report = Report(
        all=sum(tally.all for tally in tallies),
        committed=sum(tally.committed for tally in tallies),
        conflicts=sum(tally.conflicts for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        unknown=sum(tally.unknown for tally in tallies),
        cpu_seconds=cpu,
    )
    print(json.dumps(vars(report)), flush=True)


if __name__ == "__main__":
    main()
