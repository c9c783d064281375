"""How are seeds run, and one of them replayed, from a command line?

The arguments and the output that the runs of every protocol have in common.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tests.simulation.parts.dice import Chance
from tests.simulation.parts.many import Summary, run_many
from tests.simulation.parts.shrink import shrink

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.parts.many import Floors
    from tests.simulation.parts.report import Report, Run

SCHEDULES_A_LINE: Final = 5000  # of progress, where it can't be overwritten


def parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """Understands what all protocols have in common; add what one has of its own."""
    common = argparse.ArgumentParser(prog=program, description=description)
    common.add_argument("--seeds", type=int, default=200, help="how many (200)")
    common.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    common.add_argument("--replay", type=int, metavar="SEED", help="print one seed's steps")
    common.add_argument("--whole", action="store_true", help="replay without leaving anything out")
    return common


def carry_out(
    given: argparse.Namespace,
    run: Run,
    floors: Floors | None,
    replay_seed: Callable[[int], int],
) -> int:
    """0: nothing is wrong; 1: something is; 2: too little was met to tell.

    ``floors`` is None where so little is tried that averages say nothing.
    """
    if given.replay is not None:
        return replay_seed(given.replay)
    total = run_and_show(run, range(given.first, given.first + given.seeds))
    print(figures(total))
    if total.failed:
        seed, _ = min(total.failed)
        return replay_seed(seed)
    few = [] if floors is None else total.vacuous(floors)
    for line in few:
        print(f"too seldom: {line}")
    return 2 if few else 0


def replay(seed: int, run: Run, program: str, *, whole: bool = False) -> int:
    """Run one seed again and print what happened, then what is wrong.

    Of a seed that fails only what its failure needs is shown, unless the whole is asked for.
    """
    report = run(Chance(seed), trace=True)
    needed = ""
    if report.wrong and not whole:
        report, needed = shrunk(seed, run)
    print("\n".join(report.lines))
    return tell(seed, report, run, program, needed)


def tell(seed: int, report: Report, run: Run, program: str, needed: str) -> int:
    """Print what came of a run and how to see it again; 1 if something is wrong.

    ``run`` printed after ``program`` is the command line of its kind of runs.
    """
    print(f"\nseed {seed}, {report.kind}: {report.about}")
    print("\n".join(["history:", *(f"  {line}" for line in report.history)]))
    if not report.wrong:
        print("nothing is wrong")
        return 0
    print("\n".join(["WRONG:", *(f"  {line}" for line in report.wrong)]))
    if needed:
        print(needed)
    print(f"to see this again: python -m {program} --replay {seed} {run}".rstrip())
    return 1


def run_and_show(run: Run, seeds: range) -> Summary:
    """Run seeds on all processors and show how far they are."""
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

        return run_many(run, seeds, progress=show)


def figures(total: Summary) -> str:
    """What was run and met, for a reader."""
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


def shrunk(seed: int, run: Run) -> tuple[Report, str]:
    """What a failing seed's failure needs, and how much that is in words."""
    console = Console(stderr=True)
    with console.status("") as status:

        def show(runs: int, left: int) -> None:
            status.update(f"leaving out what is not needed: {runs} runs, {left} numbers left")

        found = shrink(run, seed, progress=show)
    words = (
        f"what is shown was left of it after {found.runs} runs: {found.numbers} of "
        f"{found.numbers_before} numbers; add --whole to see all of it"
    )
    return found.report, words
