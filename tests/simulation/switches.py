"""Which options of the protocol does a run switch on?

Each by dice of its own, so that one more changes nothing of what a seed draws for the others. Where
a bug is planted only the option is on that the bug lies in: the run shall need no luck to meet it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.simulation.bugs import (
    clean_up,
    finish_later,
    group_commit,
    one_phase,
    reads_together,
    unread,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.simulation.parts.dice import Chance
    from tests.simulation.plan import Plan

SOME_CLEANING: Final = 0.5


@dataclass(frozen=True, slots=True)
class Switch:
    """One option: how often a seed switches it on, and as what; 0 is off."""

    name: str  # as the plan has it
    bugs: Collection[str]  # those that are met only with it
    often: float = 0.4
    values: tuple[int, ...] = (1,)

    def drawn(self, chance: Chance, bug: str | None) -> int:
        """What a seed has drawn."""
        dice = chance.dice(self.name)
        value = dice.pick(self.values)
        on = dice.chance(self.often) if bug is None else bug in self.bugs
        return value if on else 0


SWITCHES: Final = (
    Switch("one_phase", one_phase.BUGS),
    Switch("group", group_commit.BUGS, 0.25, (1, 2, 2, 3, 20)),
    Switch("later", finish_later.BUGS, 0.3, (2, 4, 100)),
    Switch("write_sets", clean_up.BUGS),
    Switch("batches", reads_together.OF_BATCHES),
    Switch("joins_indexes", reads_together.OF_INDEXES),
    Switch("overwrites", unread.BUGS),
)
NAMES: Final = tuple(switch.name for switch in SWITCHES)


def switched(
    plan: Plan, chance: Chance, *, bug: str | None, chosen: Mapping[str, int], in_parts: bool
) -> Plan:
    """The plan with what the seed, the planted bug or the caller has switched on."""
    drawn = {one.name: chosen.get(one.name, one.drawn(chance, bug)) for one in SWITCHES}
    if in_parts:
        drawn["write_sets"] = 0  # parts don't tell
    plan = replace(
        plan,
        one_phase=bool(drawn["one_phase"]),
        group=drawn["group"],
        later=drawn["later"],
        write_sets=bool(drawn["write_sets"]),
        batches=bool(drawn["batches"]),
        joins_indexes=bool(drawn["joins_indexes"]),
    )
    if drawn["overwrites"] and not (plan.write_sets or in_parts):
        # Not where decisions are removed: then the version replaced has to be known.
        plan = replace(plan, overwrites=True, one_phase=True, cleaning=0.0)
    if plan.write_sets and not plan.cleaning:
        plan = replace(plan, cleaning=SOME_CLEANING)  # what they are for
    if plan.group:  # whose members are transactions of one process
        plan = replace(plan, workers=3, programs=1)
    return plan
