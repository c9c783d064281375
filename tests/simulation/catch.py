"""``python -m tests.simulation.catch``: after how many schedules is each planted bug caught?

Prints the table of docs/how-we-test.md: the check that noticed it, and the schedules until then.
The seeds are tried in order and nobody helps with a workload.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from typing import Final, NamedTuple

from tests.simulation.planted import PLANTED
from tests.simulation.schedule import Schedules

MOST: Final = 100_000


class Caught(NamedTuple):
    """One bug, and the first schedule in which something was wrong; 0: none was."""

    bug: str
    schedules: int
    workload: str
    checks: str


def catch(bug: str, most: int = MOST) -> Caught:
    """Try seeds until the bug is noticed."""
    schedules = Schedules(bug=bug)
    for seed in range(most):
        report = schedules.seed(seed)
        if report.wrong:
            return Caught(bug, seed + 1, report.kind, ", ".join(sorted(report.checks)))
    return Caught(bug, 0, "", f"not noticed in {most} schedules")


def main(arguments: list[str] | None = None) -> int:
    """0: all were caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.catch", description=__doc__)
    parser.add_argument("bugs", nargs="*", metavar="BUG", help="these only")
    given = parser.parse_args(arguments)
    missed = 0
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        for found in pool.imap(catch, given.bugs or list(PLANTED)):
            missed += not found.schedules
            place = f"{found.schedules:,} ({found.workload})" if found.schedules else "never"
            print(f"| {found.bug} | {place} | {found.checks} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
