"""The same histories as an independent checker judges them: adya, a program written in Rust.

``python -m tests.histories.independent PROGRAM`` asks it about all histories and writes down what
it answers, one history a line: its verdict of each model in hexadecimal, a set bit for a valid one.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scalar_tx.histories import LEVELS, Outcome, write_history
from tests.histories.weak_databases import drawn_history

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_tx.histories import Transaction

VERDICTS = Path(__file__).with_name("adya-verdicts.txt")
MODELS = [name for name, level in LEVELS.items() if not level.own]
LISTS = 6000  # seeds from 0 on are of lists,
REGISTERS = 4000  # the ones behind them of registers, the assumptions in turn
BATCH = 500  # files to one run

# What is assumed of registers, as the words of the other checker and as ours.
ASSUMPTIONS: Sequence[tuple[tuple[str, ...], dict[str, Any]]] = (
    (("--wfr-keys",), {"wfr": True}),
    ((), {"wfr": False}),
    (("--wfr-keys", "--linearizable-keys"), {"linearizable_keys": True}),
    (("--wfr-keys", "--sequential-keys"), {"sequential_keys": True}),
)


def is_of_lists(seed: int) -> bool:
    return seed < LISTS


def history_of(seed: int) -> list[Transaction]:
    return drawn_history(seed, registers=not is_of_lists(seed))


def assumption(seed: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    return ((), {}) if is_of_lists(seed) else ASSUMPTIONS[seed % len(ASSUMPTIONS)]


def as_told(seed: int) -> list[Transaction]:
    """The history as it is put to the other checker.

    Of registers it leaves out every transaction with an unknown outcome. One whose write was read
    did commit, so it is told as committed, by a process of its own, at the end.
    """
    history = history_of(seed)
    if is_of_lists(seed):
        return history
    read = {
        (key, value)
        for one in history
        if one.outcome is Outcome.OK
        for kind, key, value in one.operations
        if kind == "r"
    }
    end = max(one.completed or 0 for one in history)
    told = []
    for number, one in enumerate(history):
        writes = [each for each in one.operations if each[0] == "w"]
        last = {key: value for _, key, value in writes}
        if one.outcome is Outcome.INFO and not read.isdisjoint(last.items()):
            told.append(
                dataclasses.replace(
                    one,
                    outcome=Outcome.OK,
                    operations=writes,
                    completed=end + 1 + number,
                    process=1000 + number,
                )
            )
        else:
            told.append(one)
    return told


def ask(program: Path, seeds: Sequence[int]) -> dict[int, int]:
    """What the other checker answers, as bits by the order of MODELS."""
    found = dict.fromkeys(seeds, 0)
    with tempfile.TemporaryDirectory() as folder:
        files: dict[tuple[bool, tuple[str, ...]], list[Path]] = {}
        for seed in seeds:
            file = Path(folder, f"{seed}.jsonl")
            file.write_text("".join(write_history(as_told(seed))), encoding="utf-8")
            files.setdefault((is_of_lists(seed), assumption(seed)[0]), []).append(file)
        for (lists, flags), those in files.items():
            model = "list-append" if lists else "rw-register"
            for bit, name in enumerate(MODELS):
                for start in range(0, len(those), BATCH):
                    question = ["check", "-m", model, "-c", name, *flags]
                    batch = map(str, those[start : start + BATCH])
                    for file, word in _answers([str(program), *question, *batch]):
                        found[int(file.stem)] |= (word != "false") << bit
    return found


def _answers(command: Sequence[str]) -> Iterable[tuple[Path, str]]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in {0, 1, 2}, done.stderr
    for line in done.stdout.splitlines():
        file, tab, word = line.partition("\t")
        if tab and file.endswith(".jsonl") and word in {"true", "false", "unknown"}:
            yield Path(file), word


def recorded() -> dict[int, int]:
    """What it answered when it was last asked."""
    lines = VERDICTS.read_text(encoding="utf-8").split()
    return {seed: int(line, 16) for seed, line in enumerate(lines)}


def main() -> None:
    found = ask(Path(sys.argv[1]), range(LISTS + REGISTERS))
    VERDICTS.write_text("".join(f"{found[seed]:04x}\n" for seed in sorted(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
