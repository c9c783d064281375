"""What does each isolation level forbid?

Two families, told apart by how they are written. In capitals are this library's own levels
(Consensus Commit specification 3.10): its SNAPSHOT is a read-committed snapshot, which allows read
skew and write skew, and its SERIALIZABLE holds in real time too. In small letters are the models of
the literature: Adya, "Weak Consistency" (1999), 3.2 and 4; Bailis and others, "Highly Available
Transactions" (2013); Cerone and others, "A Framework for Transactional Consistency Models" (2015).

The cycles that a level forbids follow from the edges that it counts. ``ww``: wrote the version
before the other's. ``wr``: wrote what the other read. ``rw``: read what the other replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.isolation import Isolation

WW: Final = 1
WR: Final = 2
RW: Final = 4
PROCESS: Final = 8  # the same process committed the other one earlier
REALTIME: Final = 16  # ended before the other began

KIND_NAMES: Final = {WW: "ww", WR: "wr", RW: "rw", PROCESS: "process", REALTIME: "real time"}


@dataclass(frozen=True, slots=True)
class Level:
    """Which edges may form no cycle, and which anomalies that are no cycles are forbidden.

    ``adjacent``: whether a cycle counts in which two ``rw`` edges follow each other. Snapshot
    isolation allows just these (Cerone and others, theorem 10).
    """

    name: str
    edges: int
    forbids: frozenset[str]
    adjacent: bool = True
    own: bool = False  # of this library: transactions may say that they ran at another one


_ANY: Final = frozenset({"duplicate-elements", "cyclic-versions", "lost-write"})
_COMMITTED: Final = _ANY | {"G1a", "G1b", "incompatible-order", "dirty-update", "future-read"}
_REPEATABLE: Final = _COMMITTED | {"lost-update"}
_ATOMIC: Final = _REPEATABLE | {"internal", "non-repeatable-read"}
_OWN_ATOMIC: Final = _ATOMIC | {"OTV"}

READ_COMMITTED: Final = Level("READ_COMMITTED", WW | WR, _REPEATABLE | {"internal"}, own=True)
SNAPSHOT: Final = Level("SNAPSHOT", WW | WR, _OWN_ATOMIC, own=True)
SERIALIZABLE: Final = Level("SERIALIZABLE", WW | WR | RW | REALTIME, _OWN_ATOMIC, own=True)


def _literature() -> list[Level]:
    ladder = (
        ("read-uncommitted", WW, _ANY, True),
        ("read-committed", WW | WR, _COMMITTED, True),
        ("snapshot-isolation", WW | WR | RW, _ATOMIC, False),
        ("serializable", WW | WR | RW, _ATOMIC, True),
    )
    found = [Level("repeatable-read", WW | WR | RW, _REPEATABLE)]
    for name, edges, forbids, adjacent in ladder:
        strict = "strict-serializable" if name == "serializable" else f"strong-{name}"
        found += [
            Level(name, edges, forbids, adjacent),
            Level(f"strong-session-{name}", edges | PROCESS, forbids, adjacent),
            Level(strict, edges | REALTIME, forbids, adjacent),
        ]
    return found


LEVELS: Final = {
    level.name: level for level in (READ_COMMITTED, SNAPSHOT, SERIALIZABLE, *_literature())
}


def level_of(wanted: Level | Isolation | str) -> Level:
    """The level that is meant; InvalidOperationError for a name that is none.

    >>> level_of(Isolation.SNAPSHOT) is level_of("SNAPSHOT") is SNAPSHOT
    True
    """
    if isinstance(wanted, Level):
        return wanted
    name = wanted.value if isinstance(wanted, Isolation) else wanted
    level = LEVELS.get(name)
    if level is None:
        raise InvalidOperationError(
            f"{wanted!r} is no level that a history can be checked for",
            advice=f"Use one of {', '.join(LEVELS)}; capitals matter",
            code="STX-3021",
        )
    return level
