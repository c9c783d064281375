"""How is it shown that kill -9 loses nothing? In batches: kill, let the dead expire, judge.

A batch kills writers under load, and servers where there are any, the last writers all at once and
the reader with them; waits until the dead may be recovered; lets new writers loose on what was
left, so that several recover at once; has a fresh process read everything; and judges what is
stored. The database goes on into the next batch. In the end the histories are judged.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.recover import LIFETIME_MS
from tests.chaos.figures import Figures
from tests.chaos.fleet import ROOT, Crew, Fleet, draw_moment, spawn
from tests.chaos.histories import judge_histories
from tests.chaos.journal import Entry, commits_told, entries
from tests.chaos.judge import TOTAL, Verdict, judge
from tests.chaos.lists import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.chaos.moments import Moment
    from tests.chaos.places import Place
    from tests.chaos.trouble import Trouble

EXPIRY_S: Final = LIFETIME_MS / 1000 + 0.05
LONGEST_READING_S: Final = 600.0
UNDECIDED: Final = ("unknown", None)


@dataclass
class Result:
    """A campaign's end: what was wrong, and what happened."""

    verdict: Verdict = field(default_factory=Verdict)
    figures: Figures = field(default_factory=Figures)


def _silent(_: str) -> None:
    return None


class Campaign:
    """One database and what is done to it. The seed draws the plan; the machine deals the timing.

    ``folder`` holds what is told of it: journals, recordings and, in the end, histories.
    """

    def __init__(
        self,
        folder: Path,
        place: Place,
        seed: int,
        *,
        crew: Crew | None = None,
        trouble: Trouble | None = None,
        writer_fault: str = "none",
        settler_fault: str = "none",
        draw: Callable[[random.Random], Moment | None] = draw_moment,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self._folder = folder
        self._place = place
        self._dice = random.Random(seed)
        self._crew = crew or Crew()
        self._trouble = trouble
        self._settler_fault = settler_fault
        self._say = say
        self._result = Result()
        self._asked: set[str] = set()
        self._readers = 0
        self._seen: dict[str, list[dict[str, Any]]] = {}
        self._fleet = Fleet(place, folder, self._dice, self._crew, fault=writer_fault, draw=draw)

    def kill(self, kills: int, batch: int) -> Result:
        """Kill so many writers, ``batch`` of them at a time."""
        numbers = [min(batch, kills - done) for done in range(0, kills, batch)]
        return self._run(
            (lambda deaths, number=number: deaths >= number)  # type: ignore[misc]  # bound now
            for number in numbers
        )

    def commit(self, commits: int, hits: int, batches: int) -> Result:
        """Go on until so many commits were told and servers had so many troubles."""
        trouble = self._trouble
        assert trouble is not None
        trouble.commits = self._commits_told

        def enough(share: float) -> bool:
            trouble.check()
            done = self._commits_told() >= share * commits
            return done and len(trouble.hits) >= share * hits

        return self._run(
            (lambda _, share=(number + 1) / batches: enough(share))  # type: ignore[misc]  # bound now
            for number in range(batches)
        )

    def _run(self, batches: Iterable[Callable[[int], bool]]) -> Result:
        """End at the first batch that is wrong."""
        begun = time.monotonic()
        result = self._result
        try:
            for enough in batches:
                self._batch(enough)
                if not result.verdict:
                    break
        finally:
            self._fleet.close()
        told = self._entries()
        checked = judge_histories(result.verdict, self._folder, told.values(), self._seen)
        figures = result.figures
        figures.dependencies = sum(one.dependencies for one in checked.values())
        figures.hits = [] if self._trouble is None else self._trouble.hits
        figures.tell_of(list(told.values()), self._place.stored().decisions)
        figures.replies_lost = len((self._folder / "lost").read_text().splitlines())
        figures.seconds = time.monotonic() - begun
        return result

    def _batch(self, enough: Callable[[int], bool]) -> None:
        trouble: AbstractContextManager[object] = self._trouble or nullcontext()
        self._readers += 1
        reader = spawn(
            "reader",
            *(self._place.target, self._folder),
            *("--name", f"r{self._readers}", "--seed", self._dice.randrange(2**31)),
        )
        figures = self._result.figures
        try:
            with trouble:
                figures.kills += self._fleet.kill(enough)
        finally:
            reader.kill()
            reader.communicate()
        if self._trouble is not None:
            figures.left += self._place.stored().unsettled()
        # The dead prepared nothing after this moment.
        time.sleep(EXPIRY_S)
        self._fleet.run(self._crew.aftermath)
        states = self._read_everything()
        self._result.verdict = judge(self._place.stored(), self._entries(), self._seen, states)
        self._read_readers_notes()
        self._say(f"{len(figures.kills)} kills, {self._commits_told()} commits")

    def _commits_told(self) -> int:
        return sum(map(commits_told, self._fleet.journals()))

    def _entries(self) -> dict[str, Entry]:
        return {entry.tx_id: entry for path in self._fleet.journals() for entry in entries(path)}

    def _read_everything(self) -> dict[str, str]:
        told = self._entries()
        new = sorted(set(told) - self._asked)
        self._asked.update(new)
        asked = {
            "ids": sorted(told),
            "new": new,
            "undecided": [tx_id for tx_id in new if told[tx_id].outcome in UNDECIDED],
            "parts": sorted({part for one in told.values() for part in parts_of(one.work.deeds)}),
        }
        command = ["-m", "tests.chaos.settler", self._place.target, "--fault", self._settler_fault]
        answer = subprocess.run(
            [sys.executable, *command],
            check=True,
            cwd=ROOT,
            input=json.dumps(asked),
            stdout=subprocess.PIPE,
            text=True,
            timeout=LONGEST_READING_S,
        )
        given = json.loads(answer.stdout)
        self._seen = given["rows"]
        states: dict[str, str] = given["states"]
        return states

    def _read_readers_notes(self) -> None:
        figures = self._result.figures
        notes = (self._folder / "reader").read_text().splitlines()
        figures.readers_totals = notes.count("read")
        figures.readers_conflicts = notes.count("conflict")
        for line in notes:
            if line.startswith("wrong"):
                self._result.verdict.add(TOTAL, f"a reader saw: {line}")
