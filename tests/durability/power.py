"""What is left of a database when the power fails, at every step of a workload?"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.storage.sqlite.connections import FileConnections
from tests.durability.clock import WRITING_MS, connect
from tests.durability.driver import DriverConnection
from tests.durability.judge import Verdict, judge
from tests.durability.ledger import SET_UP, Teller, set_up
from tests.durability.tape import Tape, Told
from tests.durability.vfs import Recorder, opener

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

FILE: Final = "ledger.db"
CHECKPOINT_PAGES: Final = 20  # so that a short workload meets checkpoints


@dataclass(frozen=True, slots=True)
class Setting:
    """How the file is opened; None: as the library does by itself."""

    journal: str
    synchronous: str | None = None
    every_step: bool = True  # of each commit

    def parameters(self) -> str:
        own = f"journal_mode={self.journal}&busy_timeout=0"
        return own if self.synchronous is None else f"{own}&synchronous={self.synchronous}"

    @property
    def options(self) -> str:
        """The same for a command line."""
        own = f"--journal {self.journal}"
        if self.synchronous is not None:
            own += f" --synchronous {self.synchronous}"
        return own if self.every_step else f"{own} --one-write"

    def command(self, seed: int, works: int) -> str:
        """What shows a position of this workload again."""
        return f"python -m tests.durability power {self.options} --seed {seed} --works {works}"


@dataclass(slots=True)
class Figures:
    """What was found at the positions, and what the power failures took."""

    positions: int = 0
    in_doubt: int = 0  # positions at which a commit was on its way
    settled: int = 0  # records that were found prepared
    lossy: dict[int, Verdict] = field(default_factory=dict)  # what was committed is lost, no more
    wrong: dict[int, Verdict] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)

    def lines(self, command: str) -> list[str]:
        """What was wrong, lost commits included, each with the command that shows it again."""
        found = sorted((self.lossy | self.wrong).items())
        return [
            f"{command} --position {position}: {'; '.join(verdict.lines())}"
            for position, verdict in found
        ]


@contextmanager
def recorded(tape: Tape) -> Iterator[Recorder]:
    """FileConnections are opened on recorded files; none may be left open."""
    recorder = Recorder(tape)
    try:
        with pytest.MonkeyPatch.context() as patch:
            opening = staticmethod(opener(checkpoint_pages=CHECKPOINT_PAGES))
            patch.setattr(FileConnections, "open_file", opening)
            yield recorder
        assert not DriverConnection.all_open, "connections were leaked"
    finally:
        DriverConnection.all_open.clear()
        recorder.unregister()


def workload(folder: Path, setting: Setting, seed: int, works: int) -> Tape:
    """The tape of a run: tables are made, and the file is closed and opened twice on the way."""
    tape = Tape()
    file = folder / FILE
    with recorded(tape):
        teller = Teller(tape, seed)
        part = works // 3
        for first in range(1, works, part):
            with connect(
                file,
                setting.parameters(),
                WRITING_MS,
                f"{seed} {first}",
                every_step=setting.every_step,
            ) as db:
                if first == 1:
                    set_up(db)
                    tape.tell(SET_UP, Told.DONE)
                teller.run(db, first, part)
        assert not teller.unknown
    return tape


def positions_of(tape: Tape, most: int, seed: int) -> list[int]:
    """All positions of a tape, or as many as that of them, spread over it."""
    everywhere = range(len(tape.steps) + 1)
    if len(everywhere) <= most:
        return list(everywhere)
    return sorted(random.Random(seed).sample(everywhere, most))


def cut_power(folder: Path, tape: Tape, positions: Collection[int], seed: int) -> Figures:
    """Judge what is left when the power fails behind each of these steps."""
    figures = Figures()
    wanted = set(positions)
    for position, disk in tape.play(random.Random(f"failed syncs {seed}")):
        if position not in wanted:
            continue
        dice = random.Random(f"{seed} {position}")
        known = tape.known_at(position)
        place = folder / str(position)
        place.mkdir()
        for name, data in disk.remains(dice, figures.taken).items():
            (place / name).write_bytes(data)
        verdict = judge(place / FILE, known, seed)
        shutil.rmtree(place)
        figures.positions += 1
        figures.in_doubt += Told.BEGUN in known.values()
        figures.settled += verdict.settled
        if verdict.lost and not verdict.problems:
            figures.lossy[position] = verdict
        elif not verdict.good:
            figures.wrong[position] = verdict
    return figures
