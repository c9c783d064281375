"""Is everything in the bank as it was promised?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.cli.demo.bank import OPENING_BALANCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class Verdict:
    """The figures of the tour, and every promise that was broken."""

    processes: int
    attempted: int
    committed: int
    retried: int
    given_up: int
    failed: int
    killed: int
    recovered: int
    total_expected: int
    total_found: int
    broken: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Was every promise kept?"""
        return not self.broken

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "processes": self.processes,
            "attempted": self.attempted,
            "committed": self.committed,
            "retried": self.retried,
            "given_up": self.given_up,
            "failed": self.failed,
            "killed": self.killed,
            "recovered_records": self.recovered,
            "total_expected": self.total_expected,
            "total_found": self.total_found,
            "exact": self.total_expected == self.total_found,
            "broken_promises": self.broken,
        }


def broken_promises(
    balances: Mapping[int, int],
    ledger: Sequence[Mapping[str, Any]],
    acknowledged: Sequence[str],
    undone: str,
    unsure: Sequence[str] = (),
) -> list[str]:
    """What is wrong with the accounts and the ledger of transfers.

    ``acknowledged`` are the transfers that processes were told to be committed, ``undone`` the one
    that was killed before its decision, ``unsure`` those that an error of the storage ended.
    """
    broken = []
    booked = {row["id"] for row in ledger}
    told = set(acknowledged)
    if lost := sorted(told - booked):
        broken.append(f"{len(lost)} acknowledged transfers are lost, the first is {lost[0]}")
    if undone in booked:
        broken.append(f"the transfer {undone} is there, although it was killed before its decision")
    if surplus := sorted(booked - told - {undone, *unsure}):
        broken.append(f"{len(surplus)} transfers are there that nobody was told of: {surplus[0]}")
    expected = dict.fromkeys(balances, OPENING_BALANCE)
    for row in ledger:
        expected[row["source"]] -= row["amount"]
        expected[row["target"]] += row["amount"]
    wrong = [number for number in balances if balances[number] != expected[number]]
    if wrong:
        broken.append(f"accounts disagree with the ledger: {', '.join(map(str, wrong))}")
    total = OPENING_BALANCE * len(balances)
    if sum(balances.values()) != total:
        broken.append(f"the accounts sum to {sum(balances.values()):,} and not to {total:,}")
    return broken
