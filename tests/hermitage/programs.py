"""Which anomalies are tried, by which transactions, and which level allows them?

The programs are those of Martin Kleppmann's Hermitage, with its names, its table ``test (id,
value)`` and its two rows, 1 -> 10 and 2 -> 20. Hermitage writes down one order of the statements;
here only the order within each transaction counts, and every interleaving of their storage calls
is tried. Its ``value % 3 = 0`` and ``value % 5 = 0`` are written as conditions that choose the same
of the values that occur.

What each level allows is Consensus Commit specification 3.10 and 11.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from tests.hermitage.operations import (
    Result,
    Rows,
    Script,
    abort,
    delete_where,
    get,
    insert,
    scan,
    update,
    update_where,
)

if TYPE_CHECKING:
    from tests.hermitage.operations import Read

VALUE: Final = column("value")


@dataclass(frozen=True, slots=True)
class Ending:
    """How all transactions of a program ended, by name, and the rows they left."""

    results: tuple[tuple[str, Result], ...]
    rows: Rows

    def reads(self, name: str) -> tuple[Read, ...]:
        """What a transaction read, whether it was committed or not."""
        return dict(self.results)[name].reads

    def names_committed(self) -> list[str]:
        """Whoever is committed."""
        return [name for name, result in self.results if result.committed]

    def committed(self, *names: str) -> bool:
        """Are all of these committed?"""
        return set(names) <= set(self.names_committed())


Anomaly: TypeAlias = Callable[[Ending], bool]

NO_LEVEL: Final[frozenset[Isolation]] = frozenset()
READ_COMMITTED: Final = frozenset({Isolation.READ_COMMITTED})
BELOW_SERIALIZABLE: Final = frozenset({Isolation.READ_COMMITTED, Isolation.SNAPSHOT})


@dataclass(frozen=True)
class Program:
    """One anomaly and the transactions between which it could happen.

    ``anomaly`` says whether it did; except for dirty reads, which nobody may do, only what
    committed transactions read counts. ``allowed``: the levels that do not promise to prevent it.
    """

    name: str
    title: str
    transactions: Mapping[str, Script]
    anomaly: Anomaly
    allowed: frozenset[Isolation]
    aborts: frozenset[str] = frozenset()  # the transactions that end by an abort of their own


G0: Final = Program(
    "G0",
    "write cycle (dirty write)",
    {
        "T1": [update(1, 11), update(2, 21)],
        "T2": [update(1, 12), update(2, 22)],
    },
    lambda end: end.rows in {((1, 11), (2, 22)), ((1, 12), (2, 21))},
    NO_LEVEL,
)

G1A: Final = Program(
    "G1a",
    "aborted read",
    {
        "T1": [update(1, 101), abort()],
        "T2": [scan(), scan()],
    },
    lambda end: any(_holds(read, 1, 101) for read in end.reads("T2")),
    NO_LEVEL,
    aborts=frozenset({"T1"}),
)

G1B: Final = Program(
    "G1b",
    "intermediate read",
    {
        "T1": [update(1, 101), update(1, 11)],
        "T2": [scan(), scan()],
    },
    lambda end: any(_holds(read, 1, 101) for read in end.reads("T2")),
    NO_LEVEL,
)

G1C: Final = Program(
    "G1c",
    "circular information flow",
    {
        "T1": [update(1, 11), get(2)],
        "T2": [update(2, 22), get(1)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == (22,) and end.reads("T2") == (11,),
    NO_LEVEL,
)


def _vanishes(end: Ending) -> bool:
    # Hermitage's T3 reads both records twice. A repeated read is answered by what the transaction
    # remembers, at SNAPSHOT too, so the first reads tell whether a writer that was seen in one
    # record is missing in the other.
    if not end.committed("T3"):
        return False
    written: dict[str, tuple[Read, Read]] = {"T1": (11, 19), "T2": (12, 18)}
    writers = [name for name in written if end.committed(name)]
    writers.sort(key=lambda name: (1, written[name][0]) in end.rows)  # the last one's stays
    versions: list[tuple[Read, Read]] = [(10, 20), *(written[name] for name in writers)]
    first, second = end.reads("T3")
    return [of for of, _ in versions].index(first) > [of for _, of in versions].index(second)


OTV: Final = Program(
    "OTV",
    "observed transaction vanishes",
    {
        "T1": [update(1, 11), update(2, 19)],
        "T2": [update(1, 12), update(2, 18)],
        "T3": [get(1), get(2)],
    },
    _vanishes,
    READ_COMMITTED,
)

PMP: Final = Program(
    "PMP",
    "predicate-many-preceders, different scans",
    {
        "T1": [scan(VALUE == 30), scan(VALUE >= 30)],
        "T2": [insert(3, 30)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == ((), ((3, 30),)),
    BELOW_SERIALIZABLE,
)

PMP_WRITE: Final = Program(
    "PMP-write",
    "predicate-many-preceders, write predicate",
    {
        "T1": [update_where(None, lambda value: value + 10)],
        "T2": [delete_where(VALUE == 20), scan(VALUE == 20)],
    },
    # 1 -> 20 is there although everything with 20 was deleted.
    lambda end: end.committed("T1", "T2") and _holds(end.reads("T2")[1], 1, 20),
    READ_COMMITTED,
)

P4: Final = Program(
    "P4",
    "lost update",
    {
        "T1": [get(1), update(1, 11)],
        "T2": [get(1), update(1, 11)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == end.reads("T2") == (10,),
    NO_LEVEL,
)

G_SINGLE: Final = Program(
    "G-single",
    "read skew",
    {
        "T1": [get(1), get(2)],
        "T2": [get(1), get(2), update(1, 12), update(2, 18)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == (10, 18),
    BELOW_SERIALIZABLE,
)

G_SINGLE_PREDICATE: Final = Program(
    "G-single-predicate",
    "read skew, predicates",
    {
        "T1": [scan(VALUE != 12), scan(VALUE == 12)],
        "T2": [update_where(VALUE == 10, lambda _: 12)],
    },
    lambda end: (
        end.committed("T1", "T2")
        and _holds(end.reads("T1")[0], 1, 10)
        and _holds(end.reads("T1")[1], 1, 12)
    ),
    BELOW_SERIALIZABLE,
)

G_SINGLE_WRITE: Final = Program(
    "G-single-write",
    "read skew, write predicate",
    {
        "T1": [get(1), delete_where(VALUE == 20)],
        "T2": [scan(), update(1, 12), update(2, 18)],
    },
    # T1 saw 1 as it was before T2, and found nothing to delete since 2 had been changed by T2.
    lambda end: end.committed("T1", "T2") and end.reads("T1") == (10, ()),
    BELOW_SERIALIZABLE,
)

G2_ITEM: Final = Program(
    "G2-item",
    "write skew",
    {
        "T1": [get(1), get(2), update(1, 11)],
        "T2": [get(1), get(2), update(2, 21)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == end.reads("T2") == (10, 20),
    BELOW_SERIALIZABLE,
)

G2: Final = Program(
    "G2",
    "write skew, predicates",
    {
        "T1": [scan(VALUE >= 30), insert(3, 30)],
        "T2": [scan(VALUE >= 30), insert(4, 42)],
    },
    lambda end: end.committed("T1", "T2") and end.reads("T1") == end.reads("T2") == ((),),
    BELOW_SERIALIZABLE,
)

G2_TWO_EDGES: Final = Program(
    "G2-two-edges",
    "read-only anomaly",
    {
        "T1": [scan(), update(1, 0)],
        "T2": [update_where(VALUE == 20, lambda value: value + 5)],
        "T3": [scan()],
    },
    # T3 saw T2 and not T1, so T2 comes before T1, and T1 did not see T2.
    lambda end: (
        end.committed("T1", "T2", "T3")
        and end.reads("T1") == (((1, 10), (2, 20)),)
        and end.reads("T3") == (((1, 10), (2, 25)),)
    ),
    BELOW_SERIALIZABLE,
)

HERMITAGE: Final = (
    G0,
    G1A,
    G1B,
    G1C,
    OTV,
    PMP,
    PMP_WRITE,
    P4,
    G_SINGLE,
    G_SINGLE_PREDICATE,
    G_SINGLE_WRITE,
    G2_ITEM,
    G2,
    G2_TWO_EDGES,
)

# Not a program of Hermitage's own: its G-single covers two records, this one the same record twice.
NON_REPEATABLE: Final = Program(
    "P2",
    "non-repeatable read",
    {
        "T1": [get(1), get(1), scan(VALUE < 20), scan(VALUE < 20)],
        "T2": [update(1, 12)],
    },
    lambda end: (
        end.committed("T1", "T2")
        and (end.reads("T1")[0] != end.reads("T1")[1] or end.reads("T1")[2] != end.reads("T1")[3])
    ),
    READ_COMMITTED,
)

PROGRAMS: Final = (*HERMITAGE, NON_REPEATABLE)


def _holds(read: Read, number: int, value: int) -> bool:
    return isinstance(read, tuple) and (number, value) in read
