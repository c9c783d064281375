"""``python -m tests.simulation``: runs seeds, or replays one of them as a script."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from scalar_tx.model.isolation import Isolation
from tests.simulation.floors import FLOORS
from tests.simulation.parts.many import Summary, run_many
from tests.simulation.planted import PLANTED
from tests.simulation.replay import replay
from tests.simulation.schedule import WORKLOADS, Schedules

SCHEDULES_A_LINE: Final = 5000  # of progress, where it can't be overwritten


def main(arguments: list[str] | None = None) -> int:
    """0: nothing is wrong; 1: something is; 2: too little was met to tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (200)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    parser.add_argument("--workload", choices=list(WORKLOADS), help="this one only")
    parser.add_argument(
        "--level",
        type=Isolation.parse,
        action="append",
        default=[],
        help="SERIALIZABLE, SNAPSHOT or READ_COMMITTED only; several are mixed",
    )
    parser.add_argument("--plant", choices=list(PLANTED), help="with this bug in the protocol")
    parser.add_argument("--replay", type=int, metavar="SEED", help="show one seed")
    parser.add_argument("--whole", action="store_true", help="replay without leaving anything out")
    parser.add_argument("--trace", action="store_true", help="show every step, not a script")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the script of a failure")
    given = parser.parse_args(arguments)
    schedules = Schedules(given.workload, tuple(given.level), given.plant)
    if given.replay is not None:
        return replay(
            given.replay, schedules, whole=given.whole, trace=given.trace, save=given.save
        )
    seeds = range(given.first, given.first + given.seeds)
    total = _run(schedules, seeds)
    print(_figures(total))
    if total.failed:
        seed, _ = min(total.failed)
        return replay(seed, schedules, whole=given.whole, trace=given.trace, save=given.save)
    few = [] if given.workload or given.level else total.vacuous(FLOORS)
    for line in few:
        print(f"too seldom: {line}")
    return 2 if few else 0


def _run(schedules: Schedules, seeds: range) -> Summary:
    console = Console(stderr=True)
    with Progress(
        TextColumn("schedules"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=len(seeds), rate=0.0)

        def show(total: Summary, seconds: float) -> None:
            rate = total.schedules / seconds
            progress.update(task, completed=total.schedules, rate=rate)
            if not console.is_terminal and total.schedules % SCHEDULES_A_LINE == 0:
                print(f"{total.schedules} schedules, {rate:.0f}/s", file=sys.stderr, flush=True)

        return run_many(schedules, seeds, progress=show)


def _figures(total: Summary) -> str:
    lines = [
        f"{total.schedules} schedules ({len(total.digests)} distinct), {len(total.failed)} wrong",
        f"{total.seconds:.1f} s: {total.schedules / total.seconds:.0f} schedules/s",
        f"{total.schedules / total.processor_seconds:.0f} schedules a second of processor time",
    ]
    lines += [
        f"  {count:>10}  {what}  ({count / total.schedules:.2f} a schedule)"
        for what, count in sorted(total.counts.items())
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
