"""How is it shown that kill -9 loses nothing? In batches: kill, let the dead expire, judge.

A batch kills writers under load, the last of them all at once and the reader with them; waits until
the dead may be recovered; lets new writers loose on what was left, so that several recover at once;
has a fresh process read everything; and judges the file. The file goes on into the next batch.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.recover import LIFETIME_MS
from tests.chaos import bank, raw_file
from tests.chaos.figures import Figures
from tests.chaos.fleet import ROOT, Fleet, draw_moment, spawn
from tests.chaos.journal import Entry, entries
from tests.chaos.judge import TOTAL, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.moments import Moment

EXPIRY_S: Final = LIFETIME_MS / 1000 + 0.05
AFTERMATH_S: Final = 1.0
LONGEST_READING_S: Final = 120.0


@dataclass
class Result:
    """A campaign's end: what was wrong, and what happened."""

    verdict: Verdict = field(default_factory=Verdict)
    figures: Figures = field(default_factory=Figures)


def _silent(_: str) -> None:
    return None


class Campaign:
    """One file and what is done to it. The seed draws the plan; the machine deals the timing."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        writers: int = 3,
        writer_fault: str = "none",
        settler_fault: str = "none",
        draw: Callable[[random.Random], Moment | None] = draw_moment,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self._file = folder / "chaos.db"
        self._reader_notes = folder / "reader"
        self._dice = random.Random(seed)
        self._settler_fault = settler_fault
        self._say = say
        self._result = Result()
        self._asked: set[str] = set()
        bank.create(self._file)
        self._fleet = Fleet(self._file, self._dice, size=writers, fault=writer_fault, draw=draw)

    def run(self, kills: int, batch: int) -> Result:
        """Kill so many, ``batch`` of them at a time; end at the first batch that is wrong."""
        begun = time.monotonic()
        result = self._result
        try:
            while result.verdict and len(result.figures.kills) < kills:
                number = min(batch, kills - len(result.figures.kills))
                self._batch(number)
                self._say(f"{len(result.figures.kills)} of {kills} kills")
        finally:
            self._fleet.close()
        result.figures.tell_of(self._entries().values(), raw_file.decisions(self._file))
        result.figures.seconds = time.monotonic() - begun
        return result

    def _batch(self, number: int) -> None:
        reader = spawn(
            "reader", self._file, self._reader_notes, "--seed", self._dice.randrange(2**31)
        )
        try:
            self._result.figures.kills += self._fleet.kill(number)
        finally:
            reader.kill()
            reader.communicate()
        # The dead prepared nothing after this moment.
        time.sleep(EXPIRY_S)
        self._fleet.run(AFTERMATH_S)
        seen, states = self._read_everything()
        self._result.verdict = judge(self._file, self._entries(), seen, states)
        self._read_readers_notes()

    def _entries(self) -> dict[str, Entry]:
        return {entry.tx_id: entry for path in self._fleet.journals() for entry in entries(path)}

    def _read_everything(self) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
        new = sorted(set(self._entries()) - self._asked)
        self._asked.update(new)
        command = ["-m", "tests.chaos.settler", str(self._file), "--fault", self._settler_fault]
        answer = subprocess.run(
            [sys.executable, *command],
            check=True,
            cwd=ROOT,
            input=json.dumps(new),
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_READING_S,
        )
        told = json.loads(answer.stdout)
        return told["rows"], told["states"]

    def _read_readers_notes(self) -> None:
        figures = self._result.figures
        notes = self._reader_notes.read_text().splitlines()
        figures.readers_totals = notes.count("read")
        figures.readers_conflicts = notes.count("conflict")
        for line in notes:
            if line.startswith("wrong"):
                self._result.verdict.add(TOTAL, f"a reader saw: {line}")
