"""What does a seed draw for its world?

How many processes, how wrong their clocks are, which faults there are and how many, which storages
and what one atomic write of theirs may span, which isolation levels are used, who removes decision
rows. Some worlds are calm, others have a single kind of trouble, others all of it; many are small,
since most mistakes need two or three transactions, and small ones are quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import AtomicityUnit
from tests.simulation.parts.network import FaultRates, Outage
from tests.simulation.parts.processes import SAFE, Hazards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.parts.dice import Dice

COORDINATOR_NAME: Final = "coordinator.state"
MIXED: Final = (Isolation.SERIALIZABLE, Isolation.SNAPSHOT, Isolation.READ_COMMITTED)
LEVELS: Final = {MIXED[:1]: 60.0, MIXED[1:2]: 8.0, MIXED[2:]: 7.0, MIXED: 25.0}
SKEWS_MS: Final = (0, 0, -4_000, 4_000, -18_000, 18_000)
LONGEST_SKEW_S: Final = 18 + 2 * 20  # first skew, and the jumps that a run is likely to see


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed has drawn."""

    processes: int
    workers: int  # in each process
    programs: int  # in each worker
    levels: tuple[Isolation, ...]
    unit: AtomicityUnit
    fetch_size: int
    pace: float
    rates: FaultRates
    hazards: Hazards
    skews_ms: tuple[int, ...]
    moments: bool  # can a storage be read as it was at one moment?
    storages: int  # 1, or 2 with every other table in the second
    index_lag_s: float  # how late, at most, an index learns of a change; 0: it never is
    cleaning: float  # how likely a decision row is removed once it is not needed
    one_phase: bool = False  # do commits leave out the steps that they can do without?
    group: int = 0  # how many transactions of a process may share a decision row; 0: none do
    later: int = 0  # how many records may be finished, or undone, after commit has ended
    write_sets: bool = False  # do decisions tell what was written?
    batches: bool = False  # are several records read in one call?
    joins_indexes: bool = False  # does one index read find values and previous values?
    overwrites: bool = False  # are records written over that nobody has read?

    def __str__(self) -> str:
        return (
            f"{self.processes} processes x {self.workers} workers x {self.programs} programs, "
            f"{'/'.join(level.value for level in self.levels)}, {self.storages} storages, "
            f"unit {self.unit.name}, page {self.fetch_size}, {'' if self.moments else 'no '}moments"
            f", index lag {self.index_lag_s:g} s, cleaning {self.cleaning:g}, "
            f"{'one phase, ' if self.one_phase else ''}"
            f"{f'groups of {self.group}, ' if self.group else ''}"
            f"{f'{self.later} records later, ' if self.later else ''}"
            f"{'write sets, ' if self.write_sets else ''}"
            f"{'batches, ' if self.batches else ''}"
            f"{'joint indexes, ' if self.joins_indexes else ''}"
            f"{'overwrites, ' if self.overwrites else ''}"
            f"skews {self.skews_ms} ms\n  {self.rates}\n  {self.hazards}"
        )

    @classmethod
    def draw(cls, dice: Dice, levels: Sequence[Isolation] = ()) -> Plan:
        """Draw a world; ``levels`` are used instead of drawn ones if given."""
        drawn = dice.weighted(LEVELS)
        strength = dice.weighted({0.0: 20, 0.04: 45, 0.15: 35})

        def rate() -> float:
            return strength * dice.random() if dice.chance(0.5) else 0.0

        small = not dice.chance(0.55)
        processes = 2 if small else dice.between(2, 3)
        workers = 1 if small else dice.between(1, 2)
        programs = dice.between(1, 2) if small or processes == 3 else 2
        pace = dice.pick((0.0002, 0.001, 0.005))
        lost_before, lost_after, late, busy, unavailable = (rate() for _ in range(5))
        outages = []
        if strength and dice.chance(0.25):
            begin = dice.random() * 300 * pace
            length = dice.pick((0.3, 1.0, 2.0, 6.0))
            place = dice.pick((COORDINATOR_NAME, COORDINATOR_NAME, ""))
            outages.append(Outage(place, begin, begin + length, dice.chance(0.5)))
        hazards = SAFE
        if strength and dice.chance(0.6):
            hazards = Hazards(
                crash=dice.pick((0.0, 0.004, 0.01)),
                pause=dice.pick((0.0, 0.003, 0.008)),
                jump=dice.pick((0.0, 0.0, 0.003)),
            )
        lag = dice.pick((0.01, 0.3, 5.0)) if dice.chance(0.25) else 0.0
        return cls(
            processes=processes,
            workers=workers,
            programs=programs,
            levels=tuple(levels) or drawn,
            unit=dice.pick((AtomicityUnit.STORAGE, AtomicityUnit.PARTITION, AtomicityUnit.RECORD)),
            fetch_size=dice.pick((100, 2, 3)),
            pace=pace,
            rates=FaultRates(lost_before, lost_after, late, busy, unavailable, tuple(outages)),
            hazards=hazards,
            skews_ms=tuple(dice.pick(SKEWS_MS) if strength else 0 for _ in range(processes)),
            moments=dice.chance(0.5) and not lag,
            storages=2 if dice.chance(0.3) else 1,
            index_lag_s=lag,
            cleaning=dice.pick((0.3, 1.0)) if dice.chance(0.4) else 0.0,
        )
