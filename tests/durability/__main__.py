"""Shows one finding of the durability tests again.

    python -m tests.durability power --journal wal --seed 1 --works 24 --position 136
    python -m tests.durability fault --journal wal --seed 1 --fault 'sync error:2:1000000'

Ends with 1 if there is something wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.durability import faults, power
from tests.durability.vfs import Fault


def main() -> int:
    parser = argparse.ArgumentParser(description="Show a finding of the durability tests again.")
    parser.add_argument("what", choices=["power", "fault"])
    parser.add_argument("--journal", required=True)
    parser.add_argument("--synchronous")
    parser.add_argument("--one-write", action="store_true", help="commits leave steps out")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--works", type=int, default=24, help="transactions before the power fails")
    parser.add_argument("--position", type=int, default=0, help="the step behind which it fails")
    parser.add_argument("--fault", default="", help="name:first operation:how many fail")
    wanted = parser.parse_args()
    setting = power.Setting(wanted.journal, wanted.synchronous, every_step=not wanted.one_write)
    with tempfile.TemporaryDirectory() as name:
        if wanted.what == "power":
            lines = show_power(Path(name), setting, wanted)
        else:
            lines = show_fault(Path(name), setting, wanted)
    print("\n".join(lines) or "nothing is wrong")
    return 1 if lines else 0


def show_power(folder: Path, setting: power.Setting, wanted: argparse.Namespace) -> list[str]:
    tape = power.workload(folder, setting, wanted.seed, wanted.works)
    for step in tape.steps[max(0, wanted.position - 12) : wanted.position]:
        print(f"{step!s:.120}")
    print(f"known: { {n: what.name for n, what in tape.known_at(wanted.position).items()} }")
    figures = power.cut_power(folder, tape, [wanted.position], wanted.seed)
    print(f"taken: {dict(figures.taken)}")
    return figures.lines(setting.command(wanted.seed, wanted.works))


def show_fault(folder: Path, setting: power.Setting, wanted: argparse.Namespace) -> list[str]:
    name, first, times = wanted.fault.split(":")
    figures = faults.Figures()
    faults.Stage(folder, setting, wanted.seed).run(Fault(name, int(first), int(times)), figures)
    print(f"errors: {dict(figures.errors)}, settled: {dict(figures.settled)}")
    return figures.lines(setting, wanted.seed)


if __name__ == "__main__":
    sys.exit(main())
