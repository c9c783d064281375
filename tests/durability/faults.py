"""What do callers meet when the disk is full or fails, at every operation of a workload?

One operation fails, or all from one on, until the disk is healthy again. Whatever a caller is told
must be so: on the file as the machine goes on showing it, and on what a power failure leaves of it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import scalar_tx
from tests.durability.clock import WRITING_MS, connect, let_pass
from tests.durability.driver import DriverConnection
from tests.durability.judge import judge
from tests.durability.ledger import SET_UP, Teller, Work, set_up
from tests.durability.power import FILE, Setting, recorded
from tests.durability.tape import Opened, Synced, Tape, Told, Written
from tests.durability.vfs import FAULTS, NO_FAULT, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES: Final = tuple(name for faults in FAULTS.values() for name in faults)
WITH_FAULT: Final = (6, 3)  # the first transaction under the fault, and how many
AFTERWARDS: Final = (10, 2)
EVER: Final = 1_000_000
WRITE_FAULTS: Final = tuple(FAULTS["write"])
IN_TURN: Final = (*((name, 1) for name in WRITE_FAULTS), ("write error", EVER))
LIFETIME_S: Final = 16.0
EXTRA: Final = "ledger.extra"


@dataclass(slots=True)
class Figures:
    """What the runs met. ``wrong``: what was found after a fault, written name:first:times."""

    runs: int = 0
    hit: int = 0
    judged: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    failed_checkpoints: int = 0  # SQLite passes over them: the commit stands
    dropped: int = 0  # writes that a failed sync has dropped for good
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def lines(self, setting: Setting, seed: int) -> list[str]:
        """What was wrong, each with the command that shows it again."""
        command = f"python -m tests.durability fault {setting.options} --seed {seed} --fault"
        return [f"{command} '{name}': {'; '.join(found)}" for name, found in self.wrong.items()]


class Stage:
    """A database that was set up while all was well, copied for each run."""

    def __init__(self, folder: Path, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.seed = seed
        self._folder = folder
        self._data: dict[str, bytes] = {}
        self._set_up()
        self.operations = self._count()

    def _set_up(self) -> None:
        place = self._place("set-up")
        with recorded(Tape()), self._connect(place) as db:
            set_up(db)
            Teller(Tape(), self.seed).run(db, 1, 3)
        self._data = {file.name: file.read_bytes() for file in place.iterdir()}
        shutil.rmtree(place)

    def _count(self) -> dict[str, int]:
        """Of how many operations each fault could strike one."""
        counted: dict[str, int] = {}
        for name in NAMES:
            fault = Fault(name, EVER, 0)
            self.run(fault, Figures())
            counted[name] = fault.seen
        return counted

    def faults(self) -> Iterator[Fault]:
        """A fault at every operation: once, and from there on.

        Every write meets a disk that is full from there on, and one of the other faults in turn.
        """
        for name, count in self.operations.items():
            for first in range(count):
                if name not in WRITE_FAULTS:
                    yield Fault(name, first, 1)
                if name not in WRITE_FAULTS or name == "disk full":
                    yield Fault(name, first, EVER)
        for first in range(self.operations["disk full"]):
            name, times = IN_TURN[first % len(IN_TURN)]
            yield Fault(name, first, times)

    def _place(self, name: str) -> Path:
        place = self._folder / name
        place.mkdir(parents=True)
        return place

    def _connect(self, place: Path) -> scalar_tx.TransactionManager:
        ids = f"{place.name} {self.seed}"  # no id may be used twice
        setting = self.setting
        return connect(
            place / FILE,
            setting.parameters(),
            WRITING_MS,
            ids,
            every_step=setting.every_step,
        )

    def run(self, fault: Fault, figures: Figures) -> None:
        """One run with one fault."""
        place = self._place("run")
        tape = self._tape(place)
        wrong: list[str] = []
        checkpoints = DriverConnection.failed_checkpoints
        with recorded(tape) as recorder, self._connect(place) as db:
            teller = Teller(tape, self.seed)
            recorder.fault = fault
            teller.run(db, *WITH_FAULT)
            self._make_table(db, teller)
            recorder.fault = NO_FAULT
            self._heal(db, teller, figures)
            healed = len(tape.steps)
            self._go_on(db, teller, wrong)
        figures.failed_checkpoints += DriverConnection.failed_checkpoints - checkpoints
        figures.runs += 1
        figures.hit += fault.hits > 0
        for error in teller.errors:
            figures.errors[type(error).__name__] += 1
            if not error.code.startswith("STX-") or not error.advice:
                wrong.append(f"an error without code or advice: {error!r}")
        wrong += self._judged(place, tape, healed, figures)
        if wrong:
            figures.wrong[f"{fault.name}:{fault.first}:{fault.times}"] = wrong
        shutil.rmtree(place)

    def _tape(self, place: Path) -> Tape:
        """The files as they were set up, on the disk for good."""
        tape = Tape()
        for number, (name, data) in enumerate(self._data.items(), start=1):
            (place / name).write_bytes(data)
            tape.steps += [Opened(-number, name), Written(-number, 0, data), Synced(-number, True)]
        for number in (SET_UP, 1, 2, 3):
            tape.tell(number, Told.DONE)
        return tape

    @staticmethod
    def _make_table(db: scalar_tx.TransactionManager, teller: Teller) -> None:
        try:
            db.admin.create_table(EXTRA, columns={"id": "INT"}, partition_key=["id"])
        except scalar_tx.ScalarTxError as error:
            teller.errors.append(error)

    @staticmethod
    def _heal(db: scalar_tx.TransactionManager, teller: Teller, figures: Figures) -> None:
        """Settle what nobody could tell, and let what is left behind expire."""
        unknown = set(teller.unknown)
        teller.settle(db)
        for number in unknown:
            figures.settled[teller.known[number].name] += 1
        let_pass(db, LIFETIME_S)

    def _go_on(self, db: scalar_tx.TransactionManager, teller: Teller, wrong: list[str]) -> None:
        """The same manager works as if nothing had been."""
        db.admin.create_table(
            EXTRA, columns={"id": "INT"}, partition_key=["id"], if_not_exists=True
        )
        db.insert(EXTRA, {"id": 1})
        teller.run(db, *AFTERWARDS)
        first, count = AFTERWARDS
        wrong += [
            f"with a healthy disk {number} ended {teller.known[number].name}"
            for number in range(first, first + count)
            if Work.numbered(self.seed, number).ending == "commit"
            and teller.known[number] is not Told.DONE
        ]

    def _judged(self, place: Path, tape: Tape, healed: int, figures: Figures) -> list[str]:
        """The file as the machine shows it; then without power, at all that was told."""
        figures.judged += 1
        lines = judge(place / FILE, tape.known_at(len(tape.steps)), self.seed).lines()
        lost_power_at = {healed, len(tape.steps)}
        # What was told behind a sync that failed must not rest on what that sync has dropped.
        failed = (n for n, s in enumerate(tape.steps, 1) if isinstance(s, Synced) and s.failed)
        since = next(failed, None)
        if since is not None:
            lost_power_at |= {step for step, _, _ in tape.told if step >= since}
        wrong = [f"as it is: {line}" for line in lines]
        for position, disk in tape.play(random.Random(self.seed)):
            if position not in lost_power_at or not position:
                continue
            left = self._place("left")
            known = tape.known_at(position)
            for name, data in disk.remains(random.Random(position)).items():
                (left / name).write_bytes(data)
            if known:
                figures.judged += 1
                lines = judge(left / FILE, known, self.seed).lines()
                wrong += [f"without power after step {position}: {line}" for line in lines]
            shutil.rmtree(left)
        figures.dropped += disk.counts["writes lost"] + disk.counts["writes torn"]
        return wrong
