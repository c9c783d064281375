"""Is every anomaly found, by its name, at exactly the levels that forbid it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.histories import LEVELS, check_lists, check_registers
from tests.histories import by_hand as hand
from tests.histories.by_hand import failed, tx, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.histories import Transaction


@dataclass(frozen=True)
class Case:
    """A history with an anomaly, one that only looks like it, and who forbids the first."""

    name: str
    forbidden_at: frozenset[str]
    bad: Sequence[Transaction]
    good: Sequence[Transaction]
    how: Mapping[str, Any] | None = None  # arguments of the check
    how_good: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return self.name


FORK = (tx(2, "x+2"), tx(4, "y+4"))
LISTS = [
    Case(
        "G0",
        hand.EVERY,
        [tx(1, "x+1 y+3"), tx(2, "x+2 y+4"), tx(3, "x:12 y:43")],
        [tx(1, "x+1 y+3"), tx(2, "x+2 y+4"), tx(3, "x:12 y:34")],
    ),
    Case(
        "G1a",
        hand.FROM_COMMITTED,
        [failed(1, "x+1"), tx(2, "x:1")],
        [unknown(1, "x+1"), tx(2, "x:1")],
    ),
    Case(
        "dirty-update",
        hand.FROM_COMMITTED,
        [failed(1, "x+1"), tx(2, "x+2"), tx(3, "x:12")],
        [failed(1, "x+1"), tx(2, "x+2"), tx(3, "x:2")],
    ),
    Case(
        "G1b",
        hand.FROM_COMMITTED,
        [tx(1, "x+1 x+2"), tx(2, "x:1")],
        [tx(1, "x+1 x:1 x+2"), tx(2, "x:12")],
    ),
    Case(
        "G1c",
        hand.FROM_COMMITTED,
        [tx(1, "x+1 y:2"), tx(2, "y+2 x:1")],
        [tx(1, "x+1 y:"), tx(2, "y+2 x:1")],
    ),
    Case(
        "future-read",
        hand.FROM_COMMITTED,
        [tx(1, "x:1 x+1")],
        [tx(1, "x: x+1 x:1")],
    ),
    Case(
        "incompatible-order",
        hand.FROM_COMMITTED,
        [tx(1, "x+1"), tx(2, "x+2"), tx(3, "x:12"), tx(4, "x:21")],
        [tx(1, "x+1"), tx(2, "x+2"), tx(3, "x:12"), tx(4, "x:1")],
    ),
    Case(
        "duplicate-elements",
        hand.EVERY,
        [tx(1, "x+1"), tx(2, "x:11")],
        [tx(1, "x+1"), tx(2, "x:1")],
    ),
    Case(
        "lost-update",
        hand.FROM_REPEATABLE,
        [tx(1, "x: x+1"), tx(2, "x: x+2"), tx(3, "x:12")],
        [tx(1, "x: x+1"), tx(2, "x:1 x+2"), tx(3, "x:12")],
    ),
    Case(
        "internal",
        hand.FROM_ATOMIC,
        [tx(1, "x+1 x:")],
        [tx(1, "x+1 x:1")],
    ),
    Case(
        "non-repeatable-read",
        hand.FROM_ATOMIC - {"READ_COMMITTED"},
        [tx(1, "x+1"), tx(2, "x: x:1")],
        [tx(1, "x+1"), tx(2, "x:1 x:1")],
    ),
    Case(
        "OTV",
        frozenset({"SNAPSHOT", "SERIALIZABLE"}),
        [tx(1, "x+1 y+2"), tx(2, "x:1 y:")],
        [tx(1, "x+1 y+2"), tx(2, "x:1 y:2")],
    ),
    Case(
        "lost-write",
        hand.EVERY,
        [tx(1, "x+1"), tx(2, "x+2")],
        [tx(1, "x+1"), tx(2, "x+2")],
        {"final": {"x": (2,)}},
        {"final": {"x": (2, 1)}},
    ),
    Case(
        "G-single",
        hand.READ_SKEW,
        [tx(1, "x+1 y+2"), tx(2, "y: x:1")],
        [tx(1, "x+1 y+2"), tx(2, "y:2 x:1")],
    ),
    Case(
        "G-nonadjacent",
        hand.READ_SKEW,
        [tx(1, "x: y:4"), *FORK, tx(3, "x:2 y:")],
        [tx(1, "x: y:4"), *FORK, tx(3, "x:2 y:4")],
    ),
    Case(
        "G2",
        hand.WRITE_SKEW,
        [tx(1, "x: y+1"), tx(2, "y: x+2")],
        [tx(1, "x:2 y+1"), tx(2, "y: x+2")],
    ),
]
EARLY, LATE, THROUGHOUT = (0, 1), (2, 3), (0, 9)
IN_REAL_TIME = [
    Case(
        "G0-realtime",
        hand.STRONG,
        [tx(1, "x+1", at=EARLY), tx(2, "x+2", at=LATE), tx(3, "x:21", at=(4, 5))],
        [tx(1, "x+1", at=EARLY), tx(2, "x+2", at=(1, 3)), tx(3, "x:21", at=(4, 5))],
    ),
    Case(
        "G1c-realtime",
        hand.STRONG_COMMITTED,
        [tx(1, "x:1", at=EARLY), tx(2, "x+1", at=LATE)],
        [tx(1, "x:1", at=EARLY), tx(2, "x+1", at=(1, 3))],
    ),
    Case(
        "G-single-realtime",
        hand.STRONG_SI,
        [tx(1, "x+1", at=EARLY), tx(2, "x:", at=LATE)],
        [tx(1, "x+1", at=EARLY), tx(2, "x:", at=(0.5, 3))],
    ),
    Case(
        "G-nonadjacent-realtime",
        hand.STRONG_SI,
        [
            tx(4, "y+4", at=EARLY),
            tx(1, "x:", at=LATE),
            tx(2, "x+2", at=THROUGHOUT),
            tx(3, "x:2 y:", at=THROUGHOUT),
        ],
        [
            tx(4, "y+4", at=EARLY),
            tx(1, "x:", at=(1, 3)),
            tx(2, "x+2", at=THROUGHOUT),
            tx(3, "x:2 y:", at=THROUGHOUT),
        ],
    ),
    Case(
        "G2-realtime",
        hand.STRICT,
        [tx(3, "y+3", at=EARLY), tx(1, "x:", at=LATE), tx(2, "y: x+2", at=THROUGHOUT)],
        [tx(3, "y+3", at=EARLY), tx(1, "x:", at=(1, 3)), tx(2, "y: x+2", at=THROUGHOUT)],
    ),
]
SESSION_SI = frozenset({"strong-session-snapshot-isolation", "strong-session-serializable"})
BY_PROCESS = [
    Case(
        "G0-process",
        hand.SESSION,
        [tx(1, "x+1", process=7), tx(2, "x+2", process=7), tx(3, "x:21")],
        [tx(1, "x+1", process=7), tx(2, "x+2", process=8), tx(3, "x:21")],
    ),
    Case(
        "G1c-process",
        SESSION_SI | {"strong-session-read-committed"},
        [tx(1, "x:1", process=7), tx(2, "x+1", process=7)],
        [tx(1, "x:1", process=7), tx(2, "x+1", process=8)],
    ),
    Case(
        "G-single-process",
        SESSION_SI,
        [tx(1, "x+1", process=7), tx(2, "x:", process=7)],
        [tx(1, "x+1", process=7), tx(2, "x:", process=8)],
    ),
    Case(
        "G-nonadjacent-process",
        SESSION_SI,
        [tx(4, "y+4", process=7), tx(1, "x:", process=7), tx(2, "x+2"), tx(3, "x:2 y:")],
        [tx(4, "y+4", process=7), tx(1, "x:", process=8), tx(2, "x+2"), tx(3, "x:2 y:")],
    ),
    Case(
        "G2-process",
        frozenset({"strong-session-serializable"}),
        [tx(3, "y+3", process=7), tx(1, "x:", process=7), tx(2, "y: x+2")],
        [tx(3, "y+3", process=7), tx(1, "x:", process=8), tx(2, "y: x+2")],
    ),
]
REGISTERS = [
    Case(
        "G0",
        hand.EVERY,
        [tx(1, "x=1 y=1"), tx(2, "x?1 x=2 y=2"), tx(3, "y?2 y=3"), tx(4, "x=4")],
        [tx(1, "x=1 y=1"), tx(2, "x?1 x=2 y=2"), tx(3, "y?2 y=3"), tx(4, "x=4")],
        {"final": {"x": 2, "y": 1}},
        {"final": {"x": 4, "y": 3}},
    ),
    Case(
        "G1a",
        hand.FROM_COMMITTED,
        [failed(1, "x=1"), tx(2, "x?1")],
        [unknown(1, "x=1"), tx(2, "x?1")],
    ),
    Case(
        "G1b",
        hand.FROM_COMMITTED,
        [tx(1, "x=1 x=2"), tx(2, "x?1")],
        [tx(1, "x=1 x=2"), tx(2, "x?2")],
    ),
    Case(
        "G1c",
        hand.FROM_COMMITTED,
        [tx(1, "x=1 y?2"), tx(2, "y=2 x?1")],
        [tx(1, "x=1 y?"), tx(2, "y=2 x?1")],
    ),
    Case(
        "lost-update",
        hand.FROM_REPEATABLE,
        [tx(1, "x=1"), tx(2, "x?1 x=2"), tx(3, "x?1 x=3")],
        [tx(1, "x=1"), tx(2, "x?1 x=2"), tx(3, "x?2 x=3")],
    ),
    Case(
        "internal",
        hand.FROM_ATOMIC,
        [tx(1, "x=1 x?")],
        [tx(1, "x=1 x?1")],
    ),
    Case(
        "non-repeatable-read",
        hand.FROM_ATOMIC - {"READ_COMMITTED"},
        [tx(1, "x=1"), tx(2, "x? x?1")],
        [tx(1, "x=1"), tx(2, "x?1 x?1")],
    ),
    Case(
        "OTV",
        frozenset({"SNAPSHOT", "SERIALIZABLE"}),
        [tx(0, "y=1"), tx(1, "x=1 y?1 y=2"), tx(3, "y?2 y=3"), tx(2, "x?1 y?1")],
        [tx(0, "y=1"), tx(1, "x=1 y?1 y=2"), tx(3, "y?2 y=3"), tx(2, "x?1 y?3")],
    ),
    Case(
        "G-single",
        hand.READ_SKEW,
        [tx(1, "x=1 y=2"), tx(2, "y? x?1")],
        [tx(1, "x=1 y=2"), tx(2, "y?2 x?1")],
    ),
    Case(
        "G2",
        hand.WRITE_SKEW,
        [tx(1, "x? y=1"), tx(2, "y? x=2")],
        [tx(1, "x?2 y=1"), tx(2, "y? x=2")],
    ),
    Case(
        "cyclic-versions",
        hand.EVERY,
        [tx(1, "x=1", at=EARLY), tx(2, "x?", at=LATE)],
        [tx(1, "x=1", at=EARLY), tx(2, "x?", at=(1, 3))],
        {"linearizable_keys": True},
        {"linearizable_keys": True},
    ),
    Case(
        "cyclic-versions",
        hand.EVERY,
        [tx(1, "x=1", process=7), tx(2, "x?", process=7)],
        [tx(1, "x=1", process=7), tx(2, "x?", process=8)],
        {"sequential_keys": True},
        {"sequential_keys": True},
    ),
]


@pytest.mark.parametrize("case", [*LISTS, *IN_REAL_TIME, *BY_PROCESS], ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_lists(case: Case, level: str) -> None:
    verdict = check_lists(case.bad, level, **(case.how or {}))
    assert (case.name in verdict.names) == (level in case.forbidden_at), verdict
    assert case.name not in check_lists(case.good, level, **(case.how_good or {})).names


@pytest.mark.parametrize("case", REGISTERS, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_registers(case: Case, level: str) -> None:
    verdict = check_registers(case.bad, level, **(case.how or {}))
    assert (case.name in verdict.names) == (level in case.forbidden_at), verdict
    assert case.name not in check_registers(case.good, level, **(case.how_good or {})).names


@pytest.mark.parametrize("case", [*LISTS, *IN_REAL_TIME], ids=str)
def test_a_near_miss_is_valid_at_every_level(case: Case) -> None:
    how = case.how_good or {}
    at = [level for level in LEVELS if not check_lists(case.good, level, **how).valid]
    assert at == [], [check_lists(case.good, level, **how) for level in at]


def test_where_the_order_of_reads_makes_it_an_observed_transaction_that_vanishes() -> None:
    writer = tx(1, "x+1 y+2")
    assert check_lists([writer, tx(2, "y: x:1")], "SNAPSHOT").valid
    assert check_lists([writer, tx(2, "x:1 y:")], "SNAPSHOT").names == ["OTV"]
