"""How long does it take to judge a history? ``python -m bench.checker`` prints it.

100,000 transactions on lists, from the file to the verdict, beside the independent checker adya
where that is installed (``--adya PROGRAM``, else from the path or the checkout's .cache); and small
histories in process, as a simulator asks about them hundreds of times a second. The two programs
take turns.
"""

from __future__ import annotations

import argparse
import gc
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.import_time import ROOT
from scalar_tx.histories import Transaction, check_lists, write_history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEYS = 8
APPENDS_TO_A_KEY = 32
SMALL = 15
SMALL_ROUNDS = 50


def drawn(count: int, *, clients: int, seed: int = 1) -> list[Transaction]:
    """A strictly serializable history; keys retire, so that lists stay short."""
    dice = random.Random(seed)
    lists: dict[int, tuple[int, ...]] = {}
    keys = list(range(KEYS))
    fresh = KEYS
    element = 0
    ends = [0.0] * clients
    history = []
    for number in range(count):
        operations: list[tuple[str, int, object]] = []
        for _ in range(dice.randint(1, 4)):
            at = min(int(dice.expovariate(0.5)), KEYS - 1)
            key = keys[at]
            if dice.random() < 0.5:
                operations.append(("r", key, lists.get(key, ())))
                continue
            element += 1
            lists[key] = (*lists.get(key, ()), element)
            operations.append(("append", key, element))
            if len(lists[key]) == APPENDS_TO_A_KEY:
                keys[at] = fresh
                fresh += 1
        # It takes effect at its number; what it runs beside begins before and ends behind that.
        process = min(range(clients), key=ends.__getitem__)
        begun = max(ends[process] + 0.01, number - clients * dice.random())
        ends[process] = max(begun, number) + clients * dice.random() / 2 + 0.01
        history.append(
            Transaction(number, operations, process=process, invoked=begun, completed=ends[process])
        )
    return history


def program(wanted: str | None) -> str | None:
    """Where the independent checker is, if anywhere."""
    kept = ROOT / ".cache" / "adya" / "bin" / "adya"
    return wanted or shutil.which("adya") or (str(kept) if kept.exists() else None)


def seconds(command: Sequence[str]) -> float:
    """How long a program takes; it must find the history valid."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # what we were given
    return time.perf_counter() - begun


def small_milliseconds(level: str) -> list[float]:
    """How long a small history takes, round by round."""
    history = drawn(SMALL, clients=4)
    found = []
    for _ in range(SMALL_ROUNDS):
        gc.collect()
        begun = time.perf_counter()
        for _ in range(SMALL_ROUNDS):
            assert check_lists(history, level).valid
        found.append(1000 * (time.perf_counter() - begun) / SMALL_ROUNDS)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.checker")
    parser.add_argument("--count", type=int, default=100_000, help="transactions")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--adya", metavar="PROGRAM")
    wanted = parser.parse_args()
    screen = Console()
    table = Table("what", "median", "least", "most", title="Checking histories")

    def row(name: str, values: Sequence[float], shown: Callable[[float], str]) -> None:
        table.add_row(name, *map(shown, (statistics.median(values), min(values), max(values))))

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "history.jsonl"))
        history = drawn(wanted.count, clients=wanted.clients)
        Path(file).write_text("".join(write_history(history)), encoding="utf-8")
        commands = {"scalar-tx check": [sys.executable, "-m", "scalar_tx", "check", file]}
        other = program(wanted.adya)
        if other is not None:
            commands["adya check"] = [other, "check", "-c", "strict-serializable", file]
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(wanted.rounds):
            for name, command in commands.items():
                taken[name].append(seconds(command))
        for name, values in taken.items():
            row(f"{name}, {wanted.count:,} transactions", values, lambda each: f"{each:.2f} s")
    for level in ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED"):
        name = f"check_lists, {SMALL} transactions, {level}"
        row(name, small_milliseconds(level), lambda each: f"{each:.3f} ms")
    screen.print(table)


if __name__ == "__main__":
    main()
