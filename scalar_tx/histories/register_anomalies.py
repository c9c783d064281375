"""What went wrong with registers that needs no cycle of transactions to be seen?"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scalar_tx.histories.history import Outcome
from scalar_tx.histories.words import shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from scalar_tx.histories.history import Transaction
    from scalar_tx.histories.levels import Level
    from scalar_tx.histories.list_anomalies import Found
    from scalar_tx.histories.registers import Registers


class RegisterAnomalies:
    """The anomalies of single reads, of single transactions and of pairs of updates."""

    def __init__(self, registers: Registers, level_at: Sequence[Level]) -> None:
        self._registers = registers
        self._transactions = registers.transactions
        self._level_at = level_at
        self._updates: dict[tuple[Hashable, Any], list[int]] = defaultdict(list)

    def found(self) -> Iterator[Found]:
        """Every anomaly, whether or not a level forbids it."""
        for index, transaction in enumerate(self._transactions):
            if transaction.outcome is Outcome.OK:
                yield from self._reads(index, transaction)
                yield from self._inside(index, transaction)
                if "OTV" in self._level_at[index].forbids and len(transaction.operations) > 1:
                    yield from self._vanished(index, transaction)
        for (key, value), updaters in self._updates.items():
            if len(updaters) > 1:
                names = " and ".join(str(self._transactions[index]) for index in updaters)
                text = f"{names} each read {shown(key)} = {shown(value)} and then wrote it"
                yield "lost-update", tuple(updaters), text
        for key, source, values in self._registers.cyclic:
            text = (
                f"if {source} decides, the versions {', '.join(map(shown, values))} of "
                f"{shown(key)} each come before the others"
            )
            index = next(iter(self._users(key)))
            yield "cyclic-versions", (index,), text

    def final_state(self, final: Mapping[Hashable, Any]) -> Iterator[Found]:
        """What the last state should not have."""
        for key, value in final.items():
            owner = self._registers.failed.get((key, value))
            if owner is not None:
                name = self._transactions[owner]
                text = f"{name} failed, and {shown(key)} is its {shown(value)} in the end"
                yield "G1a", (owner,), text

    def _users(self, key: Hashable) -> Iterator[int]:
        for index, external in enumerate(self._registers.externals):
            if key in external.writes or key in external.reads:
                yield index

    def _reads(self, index: int, transaction: Transaction) -> Iterator[Found]:
        registers = self._registers
        for kind, key, value in transaction.operations:
            if kind != "r" or value is None:
                continue
            owner = registers.failed.get((key, value))
            if owner is not None:
                writer = self._transactions[owner]
                text = (
                    f"{transaction} read {shown(key)} = {shown(value)}, which {writer} wrote; "
                    f"{writer} failed (aborted read)"
                )
                yield "G1a", (index, owner), text
            owner = registers.intermediate.get((key, value), index)
            if owner != index:
                text = (
                    f"{transaction} read {shown(key)} = {shown(value)}, which "
                    f"{self._transactions[owner]} itself replaced (intermediate read)"
                )
                yield "G1b", (index, owner), text

    def _inside(self, index: int, transaction: Transaction) -> Iterator[Found]:
        """Does a transaction see its own writes, and nothing of others that changes meanwhile?"""
        expected: dict[Hashable, Any] = {}
        own: set[Hashable] = set()
        based_on: dict[Hashable, Any] = {}
        level = self._level_at[index]
        # Where reads need not repeat, a write rests on the last one before it.
        last_counts = level.own and "non-repeatable-read" not in level.forbids
        for kind, key, value in transaction.operations:
            if kind == "w":
                if key in based_on:
                    read = based_on.pop(key)
                    if key not in own and not (read is None and key in self._registers.deleted):
                        self._updates[key, read].append(index)
                expected[key] = value
                own.add(key)
                continue
            if key in expected and value != expected[key]:
                text = f"{transaction} read {shown(key)} = {shown(value)}, although it had itself "
                if key in own:
                    text += f"written {shown(expected[key])}"
                    yield "internal", (index,), text
                else:
                    text += f"read {shown(expected[key])} before"
                    yield "non-repeatable-read", (index,), text
            expected[key] = value
            if key not in own and (last_counts or key not in based_on):
                based_on[key] = value

    def _vanished(self, index: int, transaction: Transaction) -> Iterator[Found]:
        """Has it seen something of another one, and then missed the rest?"""
        registers = self._registers
        observed: dict[int, Hashable] = {}
        for key, value in registers.externals[index].reads.items():
            if value is None and key in registers.deleted:
                continue
            for owner, seen in observed.items():
                written = registers.externals[owner].writes
                if key in written and registers.follows(key, value, written[key]):
                    other = self._transactions[owner]
                    text = (
                        f"{transaction} saw in {shown(seen)} what {other} wrote, and then read "
                        f"{shown(key)} = {shown(value)}, which {other} had replaced by "
                        f"{shown(written[key])} (observed transaction vanishes)"
                    )
                    yield "OTV", (index, owner), text
            writer = registers.writers.get((key, value))
            if writer is not None and writer != index:
                observed.setdefault(writer, key)
