"""How many storage calls does a transaction make, of which kinds, in how many latencies?

The kinds are those of Consensus Commit specification 12.2: R a read (of a pre-read too), P a batch
of prepares, V a read of the validation, C an insert into the coordinator table, M a batch that
finishes records, W one that writes records in their final form. Calls off the critical path
(recovery's) are counted like the others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.protocol.watched_storage import Call
    from tests.protocol.world import Tx, World

_KINDS = {
    "prepare": "P",
    "commit-state": "C",
    "abort-state": "C",
    "commit": "M",
    "rollback": "M",
    "final": "W",
}


@dataclass(frozen=True)
class Counts:
    """What a transaction cost."""

    calls: str  # such as "2R 1P 1C 1M", in the order of first use
    steps: int


def counted(world: World, work: Callable[[Tx], None], begin: Callable[[], Tx]) -> Counts:
    """Do work in a transaction, commit it, and count."""
    tx = begin()
    world.storage.calls.clear()
    world.runtime.steps = 0
    work(tx)
    before_commit = len(world.storage.calls)
    tx.commit()
    return Counts(in_kinds(world.storage.calls, before_commit), world.runtime.steps)


def in_kinds(calls: Sequence[Call], before_commit: int) -> str:
    """Count calls by kind; a decision that takes records along is one C.

    A read after the prepares, or of a commit that writes nothing, validates.
    """
    writes = any(call.step in {"prepare", "commit-state", "final"} for call in calls)
    found: Counter[str] = Counter()
    prepared = False
    for number, call in enumerate(calls):
        prepared = prepared or call.step == "prepare"
        if call.step == "read":
            validates = number >= before_commit and (prepared or not writes)
            found["V" if validates else "R"] += 1
        elif call.step == "read-state":
            found["R"] += 1
        else:
            found[_KINDS[call.step]] += 1
    return " ".join(f"{count}{kind}" for kind, count in found.items())
