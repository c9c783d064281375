"""The small workloads: which records does a transaction read and write?

1,000 records with an INT key and a text of 1,000 printable characters, in each of two namespaces,
which lie in different storages where there are two. Keys are drawn with replacement, before the
first attempt, and stay until the transaction is committed, however often that conflicts. A text
begins with the letter of the side that wrote it.
"""

from __future__ import annotations

import bisect
import itertools
import random
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx import Transaction
    from scalar_tx.model.types import Row

NAMESPACES: Final = ("ycsb", "ycsb_second")
TABLES: Final = tuple(f"{namespace}.usertable" for namespace in NAMESPACES)
KEY: Final = "ycsb_key"
PAYLOAD: Final = "payload"
COLUMNS: Final = {KEY: "INT", PAYLOAD: "TEXT"}
RECORDS: Final = 1000
SIZE: Final = 1000
THETA: Final = 0.9
MARKS: Final = {"java": "j", "ours": "o", "loaded": "l"}
# A text is a piece of this one: drawing a character at a time would cost more than to write it.
TEXT: Final = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=20 * SIZE))


@dataclass(frozen=True)
class Kind:
    """What one transaction does, once for each of its keys."""

    keys: int
    reads: bool = True
    writes: bool = True
    tables: int = 1  # over how many its keys go round
    zipf: bool = False


KINDS: Final = {
    "ycsb-c-2": Kind(2, writes=False),
    "ycsb-f-1": Kind(1),
    "ycsb-f-4": Kind(4),
    "ycsb-upsert-1": Kind(1, reads=False),
    "ycsb-f-1-zipf": Kind(1, zipf=True),
    "multi-f-1": Kind(2, tables=2),
}


def payload(dice: random.Random, side: str) -> str:
    """A new text for a record."""
    start = dice.randrange(len(TEXT) - SIZE)
    return MARKS[side] + TEXT[start : start + SIZE - 1]


def rows(dice: random.Random) -> Iterator[Row]:
    """The records of one table before anything happens."""
    return ({KEY: key, PAYLOAD: payload(dice, "loaded")} for key in range(RECORDS))


def zipf_shares(records: int, theta: float) -> list[float]:
    """Up to which number between 0 and 1 each record is drawn: record i by (i + 1) ** -theta."""
    sums = list(itertools.accumulate((number + 1) ** -theta for number in range(records)))
    return [one / sums[-1] for one in sums]


@dataclass(frozen=True)
class Step:
    """One record of a transaction; ``text`` None: it is only read."""

    table: str
    key: int
    text: str | None


def draws(name: str, records: int = RECORDS) -> Callable[[random.Random], list[Step]]:
    """What draws the records of one transaction after the other, of so many in a table."""
    kind = KINDS[name]
    shares = zipf_shares(records, THETA) if kind.zipf else []

    def key(dice: random.Random) -> int:
        return bisect.bisect_right(shares, dice.random()) if shares else dice.randrange(records)

    def drawn(dice: random.Random) -> list[Step]:
        return [
            Step(
                TABLES[number % kind.tables],
                key(dice),
                payload(dice, "ours") if kind.writes else None,
            )
            for number in range(kind.keys)
        ]

    return drawn


def change(tx: Transaction, steps: list[Step], *, reads: bool) -> None:
    """The transaction, record by record."""
    for step in steps:
        key = {KEY: step.key}
        if reads:
            record = tx.get(step.table, key)
            assert record is not None
            assert len(str(record[PAYLOAD])) == SIZE
        if step.text is None:
            continue
        if reads:
            tx.update(step.table, key, {PAYLOAD: step.text})
        else:
            tx.upsert(step.table, {KEY: step.key, PAYLOAD: step.text})
