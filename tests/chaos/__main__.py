"""The whole campaign, as ``make chaos`` runs it: 200 kills, about five minutes.

python -m tests.chaos --kills 200 --seed 7
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.campaign import Campaign, Result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--batch", type=int, default=20, help="kills before each check")
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for file and journals")
    wanted = parser.parse_args()
    seed = random.randrange(10**6) if wanted.seed is None else wanted.seed
    screen = Console()
    screen.print(f"kill -9 of 3 writers on one SQLite file, seed {seed}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = wanted.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = Campaign(folder, seed, say=screen.print).run(wanted.kills, wanted.batch)
    show(screen, result)
    too_little = result.figures.too_little(wanted.kills)
    for line in (*result.verdict.lines(), *too_little):
        screen.print(line, style="bold red", markup=False)
    sys.exit(1 if result.verdict.findings or too_little else 0)


def show(screen: Console, result: Result) -> None:
    """What happened, and at which moments writers died."""
    table = Table(show_header=False)
    for name, value in result.figures.table(result.verdict):
        table.add_row(name, value)
    screen.print(table)
    moments = Table("killed", "times", title="moments")
    for moment, times in result.figures.moments().most_common():
        moments.add_row(moment, str(times))
    screen.print(moments)


if __name__ == "__main__":
    main()
