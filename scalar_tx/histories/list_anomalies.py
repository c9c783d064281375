"""What went wrong with lists that needs no cycle to be seen?"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scalar_tx.histories.history import Outcome
from scalar_tx.histories.lists import NOBODY
from scalar_tx.histories.words import shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from scalar_tx.histories.history import Transaction
    from scalar_tx.histories.levels import Level
    from scalar_tx.histories.lists import Lists

# Name, transactions (by index) and text of what was found.
Found = tuple[str, "tuple[int, ...]", str]


class ListAnomalies:
    """The anomalies of single reads, of single transactions and of pairs of updates."""

    def __init__(self, lists: Lists, level_at: Sequence[Level]) -> None:
        self._lists = lists
        self._transactions = lists.transactions
        self._level_at = level_at
        self._updates: dict[tuple[Hashable, Any], list[int]] = defaultdict(list)

    def found(self) -> Iterator[Found]:
        """Every anomaly that the level of the transaction concerned forbids."""
        lists = self._lists
        if lists.notable:
            for index, key, value in lists.notable:
                yield from self._of_read(index, key, value)
        for key, reads in lists.mismatched.items():
            yield self._incompatible(key, reads)
        for key in lists.dirty:
            yield from self._dirty_updates(key)
        for index, transaction in enumerate(self._transactions):
            operations = transaction.operations
            if len(operations) > 1 and transaction.outcome is Outcome.OK:
                if len({key for _, key, _ in operations}) != len(operations):
                    yield from self._inside(index, transaction)
                if "OTV" in self._level_at[index].forbids:
                    yield from self._vanished(index, transaction)
        for (key, state), updaters in self._updates.items():
            if len(updaters) > 1:
                yield self._lost_update(key, state, updaters)

    def final_state(self, final: Mapping[Hashable, Sequence[Any]]) -> Iterator[Found]:
        """What the last state lacks or has and should not."""
        for key, writers in self._lists.writers.items():
            there = set(final.get(key, ()))
            for element, owner in writers.items():
                name = self._transactions[owner]
                outcome = name.outcome
                if outcome is Outcome.OK and element not in there:
                    text = f"{name} appended {shown(element)} to {shown(key)}; it is not there now"
                    yield "lost-write", (owner,), text
                elif outcome is Outcome.FAIL and element in there:
                    text = f"{name} failed, and its {shown(element)} is in {shown(key)} in the end"
                    yield "G1a", (owner,), text

    def _of_read(self, index: int, key: Hashable, value: Sequence[Any]) -> Iterator[Found]:
        lists = self._lists
        reader = self._transactions[index]
        writers = lists.writers.get(key, {})
        if key in lists.dirty or key in lists.mismatched:
            for element in value:
                owner = writers.get(element, NOBODY)
                if owner >= 0 and self._transactions[owner].outcome is Outcome.FAIL:
                    writer = self._transactions[owner]
                    text = (
                        f"{reader} read {shown(element)} in {shown(key)}, "
                        f"which {writer} appended; {writer} failed (aborted read)"
                    )
                    yield "G1a", (index, owner), text
        last = value[-1]
        owner = lists.torn.get(key, {}).get(last, index)
        if owner != index:
            text = (
                f"{reader} read {shown(key)} as {shown(value)}, before "
                f"{self._transactions[owner]} appended more to it (intermediate read)"
            )
            yield "G1b", (index, owner), text
        if key in lists.repeated and len(set(value)) != len(value):
            text = f"{reader} read {shown(key)} as {shown(value)}, with an element twice"
            yield "duplicate-elements", (index,), text

    def _incompatible(self, key: Hashable, reads: Sequence[tuple[int, Sequence[Any]]]) -> Found:
        index, value = reads[0]
        longest = self._lists.longest[key]
        text = (
            f"{self._transactions[index]} read {shown(key)} as {shown(value)}, and others as "
            f"{shown(longest)}: neither is the beginning of the other"
        )
        return "incompatible-order", (index,), text

    def _dirty_updates(self, key: Hashable) -> Iterator[Found]:
        failed = NOBODY
        for element in self._lists.neighbours[key][0]:
            owner = self._lists.writers.get(key, {}).get(element)
            if owner is None:
                failed = NOBODY
                continue
            outcome = self._transactions[owner].outcome
            if outcome is Outcome.FAIL:
                failed = owner
            elif outcome is Outcome.OK:
                if failed >= 0:
                    writer, loser = self._transactions[owner], self._transactions[failed]
                    text = (
                        f"{writer} appended {shown(element)} to {shown(key)} behind what {loser} "
                        f"left there; {loser} failed"
                    )
                    yield "dirty-update", (owner, failed), text
                failed = NOBODY

    def _inside(self, index: int, transaction: Transaction) -> Iterator[Found]:
        """Does a transaction see its own writes, and nothing of others that changes meanwhile?"""
        expected: dict[Hashable, list[Any]] = {}  # as last read, with the own appends since
        own: dict[Hashable, list[Any]] = {}
        based_on: dict[Hashable, Any] = {}
        seen: dict[Hashable, list[Any]] = {}
        level = self._level_at[index]
        # Where reads need not repeat, a write rests on the last one before it.
        last_counts = level.own and "non-repeatable-read" not in level.forbids
        for kind, key, value in transaction.operations:
            if kind == "append":
                if key in expected:
                    if value in seen[key]:
                        text = f"{transaction} read {shown(value)} in {shown(key)}, then wrote it"
                        yield "future-read", (index,), text
                    if key not in own:
                        self._updates[key, based_on[key]].append(index)
                    expected[key].append(value)
                own.setdefault(key, []).append(value)
                continue
            read = list(value or ())
            mine = own.get(key)
            if mine and read[-len(mine) :] != mine:
                text = (
                    f"{transaction} read {shown(key)} as {shown(read)}, although it had itself "
                    f"appended {shown(mine)}"
                )
                yield "internal", (index,), text
            elif key in expected and read != expected[key]:
                text = (
                    f"{transaction} read {shown(key)} as {shown(read)}, although by its own "
                    f"earlier read it was {shown(expected[key])}"
                )
                yield "non-repeatable-read", (index,), text
            expected[key] = read
            seen.setdefault(key, []).extend(read)
            if last_counts or key not in based_on:
                based_on[key] = self._state(key, read)

    def _state(self, key: Hashable, read: list[Any]) -> Any:
        """What tells a version from others: its length, where all reads agree."""
        return tuple(read) if key in self._lists.mismatched else len(read)

    def _lost_update(self, key: Hashable, state: Any, updaters: Sequence[int]) -> Found:
        length = len(state) if isinstance(state, tuple) else state
        read = state if isinstance(state, tuple) else self._lists.longest.get(key, ())[:length]
        names = " and ".join(str(self._transactions[index]) for index in updaters)
        text = f"{names} each read {shown(key)} as {shown(read)} and then appended to it"
        return "lost-update", tuple(updaters), text

    def _vanished(self, index: int, transaction: Transaction) -> Iterator[Found]:
        """Has it seen something of another one, and then missed the rest?"""
        lists = self._lists
        observed: dict[int, Hashable] = {}
        met: set[Hashable] = set()
        for kind, key, value in transaction.operations:
            if kind != "r" or key not in lists.neighbours:
                met.add(key)
                continue
            _, before, _ = lists.neighbours[key]
            length = lists.place(key, value[-1]) if value else 0
            if length < 0:
                continue
            if key not in met and observed:
                later = {*before[length + 1 :], *lists.unseen.get(key, ())}
                for owner in later & observed.keys():
                    other = self._transactions[owner]
                    if owner in before[: length + 1]:
                        continue  # an intermediate read, which has its own name
                    text = (
                        f"{transaction} saw in {shown(observed[owner])} what {other} wrote, and "
                        f"then read {shown(key)} as {shown(value or [])}, without {other}'s "
                        f"appends (observed transaction vanishes)"
                    )
                    yield "OTV", (index, owner), text
            met.add(key)
            for owner in before[1 : length + 1]:
                if owner not in (NOBODY, index):
                    observed.setdefault(owner, key)
