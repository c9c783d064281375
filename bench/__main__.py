"""What does the library itself cost, and how does it stand beside the Java library?

python -m bench             what the library itself costs; ``make bench-cost``
python -m bench --profile   the ten costliest functions of a read-modify-write too
python -m bench figures     every figure of docs/performance.md, in turns with Java (Java, Maven)
python -m bench report      docs/performance.md and its plots, of the figures that are there
python -m bench profile X   where our time goes in the figure X
python -m bench node        every figure of docs/performance-node.md (Java, Maven)
python -m bench node-report docs/performance-node.md and its plots, of the figures that are there
python -m bench ingest      events that the Scalar Auditor takes in, on SQLite
python -m bench audit       events looked at, a set verified, on Cassandra and DynamoDB (Java)
"""

from __future__ import annotations

import argparse
import cProfile
import statistics
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench import calibration, workloads
from bench.costliest import costliest
from bench.import_time import import_time
from bench.measure import cpu_cost, per_second

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Workload = Callable[[], AbstractContextManager[Callable[[int], None]]]

ON_MEMORY: dict[str, Workload] = {
    "begin and commit": workloads.begin_commit,
    "with db.transaction()": workloads.with_block,
    "@db.transactional": workloads.transactional,
    "asyncio, @db.transactional": workloads.asyncio_transactional,
    "only db.get": workloads.get_only,
}
COSTLIEST = 10


def main() -> int:
    """Measure and print."""
    match sys.argv[1:]:
        case ["figures", *arguments]:
            from bench.beside.run import BESIDE  # needs the servers of the tests

            return BESIDE.main(arguments)
        case ["report", *arguments]:
            from bench.beside import report

            return report.main(arguments)
        case ["profile", *arguments]:
            from bench.beside import profile

            return profile.main(arguments)
        case ["node", *arguments]:
            from bench.node.run import main as measure

            return measure(arguments)
        case ["node-report", *arguments]:
            from bench.node.report import main as write

            return write(arguments)
        case ["ingest", *arguments]:
            from bench.ingest import main as ingest

            return ingest(arguments)
        case ["audit", *arguments]:
            from bench.auditing import main as audit

            return audit(arguments)
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        epilog="beside the Java library: python -m bench figures|report|profile --help",
    )
    parser.add_argument("--batches", type=int, default=15, help="of each figure; its median counts")
    parser.add_argument("--count", type=int, default=500, help="transactions in a batch")
    parser.add_argument("--imports", type=int, default=9, help="starts of Python, with and without")
    parser.add_argument("--only", default="", help="figures whose name holds this text")
    parser.add_argument("--profile", action="store_true")
    wanted = parser.parse_args()
    screen = Console()
    chosen = {name: work for name, work in ON_MEMORY.items() if wanted.only in name}
    screen.print(cpu_table(chosen, batches=wanted.batches, count=wanted.count))
    if not wanted.only:
        screen.print(other_table(count=wanted.count // 2, imports=wanted.imports))
    if wanted.profile:
        screen.print(profile_table(20 * wanted.count))
    return 0


def cpu_table(chosen: dict[str, Workload], *, batches: int, count: int) -> Table:
    """CPU of one transaction on memory storage."""
    table = Table(title="CPU of a read-modify-write of one record, on memory storage")
    table.add_column("form")
    for column in ("µs", "least", "most", "calibration loops"):
        table.add_column(column, justify="right")
    for name, workload in chosen.items():
        cost = cpu_cost(workload, batches=batches, count=count)
        micro = (f"{1e6 * value:.1f}" for value in (cost.seconds, cost.least, cost.most))
        table.add_row(name, *micro, f"{cost.ratio:.3f}")
    loops = [calibration.cpu_seconds(200) for _ in range(batches)]
    micro = (f"{1e6 * value:.1f}" for value in (statistics.median(loops), min(loops), max(loops)))
    table.add_row("one calibration loop", *micro, "1.000", style="dim")
    return table


def other_table(*, count: int, imports: int) -> Table:
    """What is measured by the clock on the wall."""
    table = Table("figure", "median", "", title="By the wall clock")
    rates = per_second(workloads.on_sqlite, batches=5, count=count)
    table.add_row(
        "read-modify-write on SQLite, one client",
        f"{statistics.median(rates):.0f} a second",
        f"{min(rates):.0f} to {max(rates):.0f}",
    )
    bare, ours = import_time(imports)
    for name, start in (("import scalar_tx, beyond bare Python", ours), ("bare Python", bare)):
        table.add_row(name, f"{1000 * start.wall:.0f} ms", f"{1000 * start.cpu:.0f} ms of CPU")
    return table


def profile_table(count: int) -> Table:
    """The costliest functions, by their own time."""
    profile = cProfile.Profile()
    with workloads.begin_commit() as run:
        run(count // 10)
        profile.enable()
        run(count)
        profile.disable()
    table = Table("own time", "calls", "function", title="Of a read-modify-write, profiled")
    for one in costliest(profile, count, COSTLIEST):
        table.add_row(f"{one.micros:.2f} µs", f"{one.calls:g}", one.name)
    return table


if __name__ == "__main__":
    sys.exit(main())
