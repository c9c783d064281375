"""Many threads of one process on one SQLite file: how fast, and what does one transaction take?

python -m bench.one_file                      ycsb-f-1 with 1 and 32 threads, one phase on and off
python -m bench.one_file --workload ycsb-c-2 --clients 1 --clients 8

Commits and statements are counted in a run of their own, as SQLite tells them; threads that give
way (context switches of their own accord) are what a busy machine can't falsify.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

import scalar_tx
from bench.records import COLUMNS, KEY, PAYLOAD, RECORDS, TABLE, payload
from scalar_tx.storage.sqlite.pool import FilePool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.types import Row

    Work = Callable[[scalar_tx.TransactionManager, random.Random], None]

COMMITS: Final = ("COMMIT", "INSERT", "UPDATE", "DELETE")
ONE_PHASE: Final = "scalar.db.consensus_commit.one_phase_commit.enabled"


def read_two(db: scalar_tx.TransactionManager, dice: random.Random) -> None:
    """``ycsb-c-2``."""
    keys = [dice.randrange(RECORDS) for _ in range(2)]

    def steps(tx: scalar_tx.Transaction) -> None:
        for key in keys:
            assert tx.get(TABLE, {KEY: key}) is not None

    db.run(steps)


def read_and_write(db: scalar_tx.TransactionManager, dice: random.Random) -> None:
    """``ycsb-f-1``."""
    key, text = dice.randrange(RECORDS), payload(dice)

    def steps(tx: scalar_tx.Transaction) -> None:
        assert tx.get(TABLE, {KEY: key}) is not None
        tx.update(TABLE, {KEY: key}, {PAYLOAD: text})

    db.run(steps)


WORKLOADS: Final[dict[str, Work]] = {"ycsb-f-1": read_and_write, "ycsb-c-2": read_two}


@dataclass
class Run:
    """What the threads did; times in seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0
    switches: int = 0
    statements: int = 0
    commits: int = 0

    def each(self, amount: float) -> float:
        """Of one transaction."""
        return amount / len(self.latencies)

    def quantile(self, share: float) -> float:
        """Of the latencies, in milliseconds."""
        return 1000 * sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


def run(
    db: scalar_tx.TransactionManager, work: Work, clients: int, warm_up: float, seconds: float
) -> Run:
    """A closed loop of so many threads."""
    since = time.monotonic() + warm_up
    until = since + seconds
    found: list[list[float]] = [[] for _ in range(clients)]
    errors: list[Exception] = []

    def client(latencies: list[float], number: int) -> None:
        dice = random.Random(f"{number} {since}")
        try:
            while (begun := time.monotonic()) < until:
                work(db, dice)
                if begun >= since:
                    latencies.append(time.monotonic() - begun)
        except Exception as error:  # noqa: BLE001  # raised again below
            errors.append(error)

    threads = [
        threading.Thread(target=client, args=(latencies, number))
        for number, latencies in enumerate(found)
    ]
    for thread in threads:
        thread.start()
    time.sleep(warm_up)
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(max(0.0, until - time.monotonic()))
    after = resource.getrusage(resource.RUSAGE_SELF)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Run(
        seconds,
        [latency for latencies in found for latency in latencies],
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        after.ru_nvcsw - before.ru_nvcsw,
    )


class Counted(sqlite3.Connection):
    """Counts what is said and what is committed, in all connections together."""

    statements = 0
    commits = 0
    _lock = threading.Lock()

    def execute(self, text: str, *parameters: Any) -> sqlite3.Cursor:
        """As ever; a change in autocommit, and the end of a transaction, count as commits."""
        cursor = super().execute(text, *parameters)
        with Counted._lock:
            Counted.statements += 1
            Counted.commits += not self.in_transaction and text.startswith(COMMITS)
        return cursor


def counted(**connecting: Any) -> sqlite3.Connection:
    """Opens a file for counting."""
    return sqlite3.connect(factory=Counted, **connecting)


def measured(folder: Path, wanted: argparse.Namespace, clients: int, *, one_phase: bool) -> Run:
    """One line of the table."""
    file = folder / f"{clients}-{one_phase}.db"
    properties = {
        "scalar.db.storage": "jdbc",
        "scalar.db.contact_points": f"jdbc:sqlite:{file}?journal_mode=WAL&synchronous=FULL",
        "scalar.db.consensus_commit.isolation_level": wanted.isolation,
        ONE_PHASE: str(one_phase).lower(),
    }
    work = WORKLOADS[wanted.workload]
    with scalar_tx.connect(properties) as db:
        db.admin.create_table(TABLE, columns=COLUMNS, partition_key=[KEY])
        dice = random.Random(1)
        rows: list[Row] = [{KEY: key, PAYLOAD: payload(dice)} for key in range(RECORDS)]
        db.load(TABLE, rows, batch=50)
        found = run(db, work, clients, wanted.warm_up, wanted.seconds)
    opens = FilePool.open_file
    FilePool.open_file = staticmethod(lambda target, **others: counted(database=target, **others))
    try:
        with scalar_tx.connect(properties) as db:
            db.run(lambda tx: tx.get(TABLE, {KEY: 0}))
            Counted.statements = Counted.commits = 0
            second = run(db, work, clients, 0.0, wanted.seconds / 4)
    finally:
        FilePool.open_file = staticmethod(opens)
    share = len(found.latencies) / len(second.latencies)
    found.statements = round(share * Counted.statements)
    found.commits = round(share * Counted.commits)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.one_file")
    parser.add_argument("--workload", choices=WORKLOADS, default="ycsb-f-1")
    parser.add_argument("--clients", type=int, action="append", help="default: 1 and 32")
    parser.add_argument("--isolation", choices=["SERIALIZABLE", "SNAPSHOT"], default="SNAPSHOT")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=2.0)
    wanted = parser.parse_args(arguments)
    table = Table(title=f"{wanted.workload} on one SQLite file, {wanted.isolation}")
    table.add_column("threads, one phase")
    columns = ("a second", "p50 ms", "p99 ms", "most ms", "CPU µs", "gives way", "statements")
    for column in (*columns, "commits"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for clients in wanted.clients or (1, 32):
            for one_phase in (False, True):
                one = measured(Path(folder), wanted, clients, one_phase=one_phase)
                table.add_row(
                    f"{clients}, {'on' if one_phase else 'off'}",
                    f"{len(one.latencies) / one.seconds:,.0f}",
                    *(f"{one.quantile(share):.2f}" for share in (0.5, 0.99, 1.0)),
                    f"{1e6 * one.each(one.cpu):.0f}",
                    f"{one.each(one.switches):.1f}",
                    f"{one.each(one.statements):.1f}",
                    f"{one.each(one.commits):.2f}",
                )
    Console().print(table)


if __name__ == "__main__":
    main()
