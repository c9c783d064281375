"""What does the library itself cost? ``make bench`` prints it; nothing here can fail a test.

python -m bench             the table
python -m bench --profile   the ten costliest functions of a read-modify-write too
python -m bench beside-java the Java library and ours in turns, on real servers (Java, Maven)
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench import calibration, workloads
from bench.import_time import ROOT, import_time
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


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["beside-java"]:
        from bench import beside_java  # needs the servers of the tests

        beside_java.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m bench", epilog="python -m bench beside-java --help: beside the Java library"
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
    stats: Any = pstats.Stats(profile)
    costliest = sorted(stats.stats.items(), key=lambda item: item[1][2], reverse=True)
    for (file, line, function), (_, calls, own, *_) in costliest[:COSTLIEST]:
        path = Path(file)
        place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        name = function if file == "~" else f"{place}:{line} {function}"
        table.add_row(f"{1e6 * own / count:.2f} µs", f"{calls / count:g}", name)
    return table


if __name__ == "__main__":
    main()
