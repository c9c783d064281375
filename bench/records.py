"""What is run beside the Java library: ``ycsb-f-1``, and what a run of it reports.

A transaction reads one of 1,000 records and writes its text of 1,000 characters anew. The record is
drawn once and kept until its transaction is committed, however often that conflicts.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE: Final = "ycsb.usertable"
KEY: Final = "ycsb_key"
PAYLOAD: Final = "payload"
COLUMNS: Final = {KEY: "INT", PAYLOAD: "TEXT"}
RECORDS: Final = 1000
SIZE: Final = 1000
# A payload is a piece of this text: drawing a character at a time would cost more than to write it.
TEXT: Final = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=20 * SIZE))


def payload(dice: random.Random) -> str:
    """A new text for a record."""
    start = dice.randrange(len(TEXT) - SIZE)
    return TEXT[start : start + SIZE]


@dataclass(frozen=True)
class Report:
    """What some clients did: ``committed`` within the time that counts, ``all`` with the warm-up.

    ``refused``: the storage could not, nothing was done. ``cpu_seconds``: of the clients' process.
    """

    all: int
    committed: int
    conflicts: int
    refused: int
    unknown: int
    cpu_seconds: float


def together(reports: Iterable[Report]) -> Report:
    """The sums."""
    columns = zip(*(vars(report).values() for report in reports), strict=True)
    return Report(*map(sum, columns))
