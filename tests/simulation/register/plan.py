"""What does a seed draw for its world?

How many nodes, clients, registers and operations, and which trouble: none, one kind of it, or all.
One kind at a time reaches deeper than all at once, where little gets done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.simulation.parts.messages import NO_LOSSES, Cut, MessageRates
from tests.simulation.parts.processes import SAFE, Hazards

if TYPE_CHECKING:
    from tests.simulation.parts.dice import Dice

TROUBLES: Final = {
    "calm": 8.0,
    "messages": 18.0,
    "partitions": 14.0,
    "crashes": 18.0,
    "pauses": 10.0,
    "disks": 8.0,
    "clients": 10.0,
    "everything": 14.0,
}
NO_OPERATION: Final = ""  # the simplest there is


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed has drawn. Times are in seconds."""

    trouble: str
    nodes: int
    clients: int
    operations: int  # of each client
    registers: int
    writes: float  # how many of the operations are writes, rather than reads
    pace: float
    patience: float  # of a client, for each round of questions
    rests: tuple[float, ...]  # of a client, between two operations
    rates: MessageRates
    nodes_hazards: Hazards
    clients_hazards: Hazards
    downtimes: tuple[float, ...]
    blackouts: tuple[float, ...]  # when all nodes lose their power at once
    failing_syncs: tuple[tuple[str, float, float], ...]  # which node's, from when on, until when

    def __str__(self) -> str:
        rates = self.rates
        return (
            f"{self.nodes} nodes, {self.clients} clients x {self.operations} operations, "
            f"{self.registers} registers, {self.writes:g} of them writes, patience "
            f"{self.patience:g} s, pace {self.pace:g} s\n  messages lost {rates.lost:.3f}, late "
            f"{rates.late:.3f}, twice {rates.twice:.3f}; {'; '.join(map(str, rates.cuts))}\n"
            f"  nodes: {self.nodes_hazards}\n  clients: {self.clients_hazards}\n"
            f"  failing syncs: {self.failing_syncs}, blackouts: {self.blackouts}"
        )

    @classmethod
    def draw(cls, dice: Dice) -> Plan:
        """Draw a world."""
        trouble = dice.weighted(TROUBLES)
        nodes = 5 if dice.chance(0.2) else 3
        clients = dice.between(2, 4)
        operations = dice.between(2, 5)
        pace = dice.pick((0.001, 0.0003, 0.004))
        length = 60 * clients * operations * pace  # about what the operations take

        def concerns(name: str) -> bool:
            return trouble in {name, "everything"}

        strength = dice.pick((0.1, 0.3, 0.7))

        def rate() -> float:
            return strength * dice.random() if concerns("messages") else 0.0

        lost, late, twice = rate(), rate(), rate()
        addresses = [node_address(number) for number in range(nodes)]
        cuts = _cuts(dice, nodes, clients, length) if concerns("partitions") else ()
        rates = MessageRates(lost, late, twice, cuts=cuts)
        failing = []
        if concerns("disks"):
            for _ in range(dice.between(1, 2)):
                begin = dice.random() * length
                failing.append((dice.pick(addresses), begin, begin + dice.random() * length))
        blackouts: tuple[float, ...] = ()
        if concerns("crashes") or concerns("disks"):
            blackouts = tuple(dice.random() * length for _ in range(dice.between(0, 2)))
        pauses = (0.05, 0.3, 2.0)
        return cls(
            trouble=trouble,
            nodes=nodes,
            clients=clients,
            operations=operations,
            registers=dice.between(2, 3),
            writes=dice.pick((0.5, 0.3, 0.7)),
            pace=pace,
            patience=dice.pick((0.5, 0.1, 2.0)),
            rests=dice.pick(((0.0,), (0.0, 0.1), (0.0, 0.02, 1.0))),
            rates=rates if lost or late or twice or cuts else NO_LOSSES,
            nodes_hazards=Hazards(
                crash=dice.pick((0.01, 0.03, 0.08)) if concerns("crashes") else 0.0,
                pause=dice.pick((0.01, 0.04)) if concerns("pauses") else 0.0,
                pauses=pauses,
            ),
            clients_hazards=Hazards(crash=0.01, pause=0.01, pauses=pauses)
            if concerns("clients")
            else SAFE,
            downtimes=dice.pick(((0.02,), (0.02, 0.3), (0.3, 3.0))),
            blackouts=blackouts,
            failing_syncs=tuple(failing),
        )

    def draw_operation(self, dice: Dice) -> tuple[str, int]:
        """What kind of operation, and on which register."""
        kinds = {NO_OPERATION: 0.1, "r": 1.0 - self.writes, "w": self.writes}
        # Most mistakes show where everybody is at one register.
        registers = {0: 2.0} | dict.fromkeys(range(1, self.registers), 1.0)
        return dice.weighted(kinds), dice.weighted(registers)


def node_address(number: int) -> str:
    """Where a node lives, in all its lives."""
    return f"n{number}"


def client_address(number: int) -> str:
    """Where a client lives, in all its lives."""
    return f"c{number}"


def _cuts(dice: Dice, nodes: int, clients: int, length: float) -> tuple[Cut, ...]:
    everybody = [
        *(node_address(number) for number in range(nodes)),
        *(client_address(number) for number in range(clients)),
    ]
    cuts = []
    for _ in range(dice.between(1, 3)):
        inside = frozenset(one for one in everybody if dice.chance(0.4))
        begin = dice.random() * length
        seconds = dice.pick((0.1, 0.4, 1.0)) * length
        ways = dice.pick(("both", "in", "out"))
        if inside:
            cuts.append(Cut(inside, begin, begin + seconds, ways))
    return tuple(cuts)
