"""``python -m tests.simulation``: runs seeds, or replays one of them step by step."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from tests.simulation.many import Summary, run_many, with_bug
from tests.simulation.planted import PLANTED
from tests.simulation.schedule import WORKLOADS, run_seed

SCHEDULES_A_LINE: Final = 5000  # of progress, where it can't be overwritten


def main(arguments: list[str] | None = None) -> int:
    """0: nothing is wrong; 1: something is; 2: too little was met to tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (200)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed (0)")
    parser.add_argument("--workload", choices=list(WORKLOADS), help="this one only")
    parser.add_argument("--replay", type=int, help="print one seed's steps")
    parser.add_argument("--plant", choices=list(PLANTED), help="with this bug in the protocol")
    given = parser.parse_args(arguments)
    if given.replay is not None:
        return replay(given.replay, given.workload, given.plant)
    seeds = range(given.first, given.first + given.seeds)
    total = run_many(seeds, workload=given.workload, bug=given.plant, progress=_show_progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(_figures(total))
    if total.failed:
        seed, _ = min(total.failed)
        return replay(seed, given.workload, given.plant)
    few = [] if given.workload else total.vacuous()
    for line in few:
        print(f"too seldom: {line}")
    return 2 if few else 0


def replay(seed: int, workload: str | None, bug: str | None) -> int:
    """Run one seed again and print what happened, then what is wrong."""
    with with_bug(bug):
        report = run_seed(seed, workload=workload, trace=True)
    print("\n".join(report.lines))
    print(f"\nseed {seed}, {report.workload}: {report.plan}")
    print("\n".join(["transactions:", *(f"  {line}" for line in report.history)]))
    if not report.wrong:
        print("nothing is wrong")
        return 0
    print("\n".join(["WRONG:", *(f"  {line}" for line in report.wrong)]))
    words = ["python -m tests.simulation --replay", str(seed)]
    words += ["--workload", workload] if workload else []
    words += ["--plant", f"'{bug}'"] if bug else []
    print(f"to see this again: {' '.join(words)}")
    return 1


def _show_progress(total: Summary, seconds: float) -> None:
    line = f"{total.schedules} schedules, {total.schedules / seconds:.0f}/s"
    if sys.stderr.isatty():
        print(f"\r{line}", end="", file=sys.stderr, flush=True)
    elif total.schedules % SCHEDULES_A_LINE == 0:
        print(line, file=sys.stderr, flush=True)


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
