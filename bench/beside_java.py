"""How fast are we beside the Java library? ``python -m bench beside-java`` prints it.

Both sides run ``bench.records`` on one server and the same tables, at one isolation level, in
turns: Java and we, then we and Java. Beside them stands the floor: our storage layer with the same
statements and no protocol. Java has the settings that ScalarDB's user has who sets none, and one
JVM all along, warm before the first pair.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.table import Table

import scalar_tx
from bench.import_time import ROOT
from bench.record_clients import Orders, run_processes
from bench.records import (
    COLUMNS,
    KEY,
    PAYLOAD,
    RECORDS,
    SIZE,
    TABLE,
    TEXT,
    Report,
    payload,
    together,
)
from scalar_tx.consensus_commit.record import COMMITTED
from scalar_tx.runtime.blocking import run_blocking
from tests.compatibility.java_build import NEWEST
from tests.compatibility.java_peer import JavaPeer
from tests.servers.kinds import KINDS
from tests.servers.processes import family

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.record_clients import How
    from scalar_tx.model.types import Row
    from tests.compatibility.java_session import JavaSession
    from tests.servers import Cluster

# Of Java's rate, in the median of the pairs.
TARGETS: Final = {"cassandra": 0.95, "dynamodb": 1.0, "postgresql": 0.8}
# Else as ScalarDB's user has it: no other collector, no other compiler.
JVM: Final = ("-Xmx1g",)
LEVEL: Final = "scalar.db.consensus_commit.isolation_level"
JAVA, OURS, FLOOR = "Java", "ours", "floor"
_LATE_SECONDS: Final = 120.0  # for a crowded machine to hand in a report


@dataclass(frozen=True)
class Run:
    """One side's turn. CPU in microseconds of one transaction, in the clients and in the server."""

    rate: float
    conflicts: int
    refused: int
    unknown: int
    client_cpu: float
    server_cpu: float


@dataclass
class Contest:
    """A server with the records, both sides, and what they did so far."""

    cluster: Cluster
    java: JavaSession
    properties: dict[str, str]
    wanted: argparse.Namespace
    runs: dict[str, list[Run]] = field(default_factory=lambda: {JAVA: [], OURS: [], FLOOR: []})
    written: int = RECORDS  # versions of records, by all runs
    doubtful: int = 0

    def turn(self, side: str, *, counts: bool = True) -> None:
        """One run of a side; without ``counts`` it only warms up."""
        clients: dict[str, Callable[[], Report]] = {
            JAVA: self._java,
            OURS: lambda: self._ours("asyncio" if self.wanted.asyncio else "threads"),
            FLOOR: lambda: self._ours("floor"),
        }
        before = cpu_seconds(self.cluster)
        report = clients[side]()
        spent = cpu_seconds(self.cluster) - before
        # The floor's conflicts have written too: it has no way back.
        self.written += report.all
        self.doubtful += report.unknown + (report.conflicts if side == FLOOR else 0)
        assert report.committed, f"{side} committed nothing"
        if counts:
            self.runs[side].append(
                Run(
                    rate=report.committed / self.wanted.seconds,
                    conflicts=report.conflicts,
                    refused=report.refused,
                    unknown=report.unknown,
                    client_cpu=1e6 * report.cpu_seconds / report.all,
                    server_cpu=1e6 * spent / report.all,
                )
            )

    def _java(self) -> Report:
        wanted = self.wanted
        pending = self.java.peer.submit(
            "load.records",
            self.java.name,
            self.java.name,
            table=TABLE,
            key_column=KEY,
            text_column=PAYLOAD,
            records=RECORDS,
            threads=wanted.clients,
            seed=time.monotonic_ns(),
            text=TEXT,
            size=SIZE,
            warm_up=wanted.warm_up,
            seconds=wanted.seconds,
        )
        return Report(**pending.result(wanted.warm_up + wanted.seconds + _LATE_SECONDS))

    def _ours(self, how: How) -> Report:
        wanted = self.wanted
        share, more = divmod(wanted.clients, wanted.processes)
        return together(
            run_processes(
                [
                    Orders(
                        properties=self.properties,
                        how=how,
                        clients=share + (number < more),
                        seed=time.monotonic_ns() + 1000 * number,
                        warm_up=wanted.warm_up,
                        seconds=wanted.seconds,
                    )
                    for number in range(wanted.processes)
                ]
            )
        )

    @property
    def ratios(self) -> list[float]:
        """Ours over Java's, pair by pair."""
        pairs = zip(self.runs[OURS], self.runs[JAVA], strict=True)
        return [ours.rate / java.rate for ours, java in pairs]

    def check(self) -> None:
        """Every acknowledged transaction is there: each has made a version of its record."""
        with scalar_tx.connect(self.properties) as db:
            parts = db._parts  # noqa: SLF001  # versions are no column of a transaction's record
            table = run_blocking(parts.context.catalog.table(TABLE))
            versions = 0
            for key in range(RECORDS):
                row: Any = run_blocking(parts.storage.get(table.stored, (key,)))
                versions += row["tx_version"]
                assert row["tx_state"] == COMMITTED, f"record {key} is not settled"
        surplus = versions - self.written
        assert 0 <= surplus <= self.doubtful, f"{surplus} versions too many, of {self.doubtful}"


def cpu_seconds(cluster: Cluster) -> float:
    """CPU that the server's processes have taken so far."""
    ticks = 0
    for node in cluster.nodes:
        for pid in family(node.pid):
            # Behind the program's name, which may hold spaces: fields 14 to 17 of proc(5), the
            # latter two of children that have ended, as a connection's process in PostgreSQL.
            fields = _stat(pid).rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        return file.read()


def prepare(properties: dict[str, str], dice: random.Random) -> None:
    """The tables and the records."""
    with scalar_tx.connect(properties) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_table(TABLE, columns=COLUMNS, partition_key=[KEY])
        rows: list[Row] = [{KEY: key, PAYLOAD: payload(dice)} for key in range(RECORDS)]
        db.load(TABLE, rows, batch=50)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench beside-java")
    parser.add_argument("--place", choices=TARGETS, action="append", help="default: all of them")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a run, without warm-up")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds of a run not counted")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--processes", type=int, default=2, help="of ours, sharing the clients")
    parser.add_argument("--asyncio", action="store_true", help="our clients are tasks")
    parser.add_argument("--isolation", choices=["SERIALIZABLE", "SNAPSHOT"], default="SERIALIZABLE")
    parser.add_argument("--into", default=str(ROOT / "build"), help="folder of the JSON files")
    wanted = parser.parse_args(arguments)
    screen = Console()
    for place in wanted.place or TARGETS:
        contest = held(place, wanted, screen)
        screen.print(shown(place, contest))
        screen.print(verdict(place, contest))
        screen.print(f"In numbers: {kept(place, contest)}")


def held(place: str, wanted: argparse.Namespace, screen: Console) -> Contest:
    """All runs at one place."""
    from random import Random

    with ExitStack() as open_:
        screen.print(f"[dim]{place}: starting the server, loading {RECORDS:,} records")
        cluster = open_.enter_context(KINDS[place]())
        properties = cluster.properties(**{LEVEL: wanted.isolation})
        prepare(properties, Random(2))
        peer = open_.enter_context(JavaPeer(NEWEST, JVM))
        contest = Contest(cluster, peer.open(properties), properties, wanted)
        for side in contest.runs:
            contest.turn(side, counts=False)
        for pair in range(wanted.pairs):
            for side in ([JAVA, OURS, FLOOR], [OURS, JAVA, FLOOR])[pair % 2]:
                contest.turn(side)
            rates = ", ".join(f"{side} {runs[-1].rate:.0f}" for side, runs in contest.runs.items())
            screen.print(f"[dim]{place}, pair {pair + 1}: {rates} a second")
        contest.java.close()
        contest.check()
    return contest


def shown(place: str, contest: Contest) -> Group:
    """Every figure."""
    wanted = contest.wanted
    clients = f"{wanted.processes} x {'asyncio' if wanted.asyncio else 'threads'}"
    rates = Table(
        title=f"ycsb-f-1 on {place}, {wanted.isolation}, {wanted.clients} clients (ours {clients})",
        caption="transactions a second",
    )
    rates.add_column("pair")
    for column in (f"{JAVA} {NEWEST}", OURS, f"{OURS} / {JAVA}", FLOOR):
        rates.add_column(column, justify="right")
    lines = [
        [java.rate, ours.rate, ratio, floor.rate]
        for java, ours, ratio, floor in zip(
            contest.runs[JAVA],
            contest.runs[OURS],
            contest.ratios,
            contest.runs[FLOOR],
            strict=True,
        )
    ]
    medians = [statistics.median(column) for column in zip(*lines, strict=True)]
    for name, line in [*((str(i + 1), line) for i, line in enumerate(lines)), ("median", medians)]:
        java, ours, ratio, floor = line
        style = "bold" if name == "median" else None
        rates.add_row(
            name, f"{java:.0f}", f"{ours:.0f}", f"{ratio:.2f}", f"{floor:.0f}", style=style
        )
    others = Table(caption="in all pairs; CPU of one transaction, the median of the pairs")
    others.add_column("")
    for column in ("conflicts", "refused", "unknown", "CPU of clients", "CPU of server"):
        others.add_column(column, justify="right")
    for side, runs in contest.runs.items():
        others.add_row(
            side,
            *(
                str(sum(getattr(run, name) for run in runs))
                for name in ("conflicts", "refused", "unknown")
            ),
            *(
                f"{statistics.median(getattr(run, name) for run in runs):.0f} µs"
                for name in ("client_cpu", "server_cpu")
            ),
        )
    return Group(rates, others)


def verdict(place: str, contest: Contest) -> str:
    """Is the target reached?"""
    median = statistics.median(contest.ratios)
    reached = "reached" if median >= TARGETS[place] else "missed"
    return f"{place}: {median:.2f}x of Java in the median, target {TARGETS[place]:.2f}x: {reached}"


def kept(place: str, contest: Contest) -> Path:
    """Write every figure to a file."""
    from pathlib import Path

    wanted = contest.wanted
    folder = Path(wanted.into)
    folder.mkdir(parents=True, exist_ok=True)
    how = f"{wanted.processes}x{'asyncio' if wanted.asyncio else 'threads'}"
    file = folder / f"beside-java-{place}-{wanted.isolation.lower()}-{how}.json"
    content = {
        "workload": "ycsb-f-1",
        "place": place,
        "isolation": wanted.isolation,
        "clients": wanted.clients,
        "ours": how,
        "seconds": wanted.seconds,
        "warm_up": wanted.warm_up,
        "java": {"release": NEWEST, "options": JVM},
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
        "runs": {side: [vars(run) for run in runs] for side, runs in contest.runs.items()},
        "ratios": contest.ratios,
        "median_ratio": statistics.median(contest.ratios),
        "target": TARGETS[place],
    }
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file
