"""Which version of a list follows which, and who depends on whom?

Elements are appended once each, so that whoever reads a list learns the order of all appends before
(Kingsbury and Alvaro, "Elle" (2020), 4.2). The longest read is the order of a list's versions; an
append that nobody saw comes after all that was seen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories.history import Outcome
from scalar_tx.histories.levels import RW, WR, WW

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.history import Transaction

NOBODY: Final = -1
UNSEEN: Final = -2  # those whose appends nobody saw

# For each length of a list: who wrote what it ends with, and who wrote what comes next.
Neighbours = tuple["Sequence[Any]", list[int], list[int]]


class Lists:
    """The orders of all lists, and what of them is out of the ordinary."""

    def __init__(
        self,
        transactions: Sequence[Transaction],
        final: Mapping[Hashable, Sequence[Any]] | None,
    ) -> None:
        self.transactions = transactions
        self.writers: dict[Hashable, dict[Any, int]] = {}
        self.present = [transaction.outcome is Outcome.OK for transaction in transactions]
        self.longest: dict[Hashable, Sequence[Any]] = dict(final) if final else {}
        self.neighbours: dict[Hashable, Neighbours] = {}
        self.unseen: dict[Hashable, list[int]] = {}  # who appended what is in no read
        self.repeated: set[Hashable] = set()  # lists in which an element is there twice
        self.dirty: set[Hashable] = set()  # lists that hold elements of failed transactions
        self.torn: dict[Hashable, dict[Any, int]] = {}  # elements that are no writer's last
        # Reads that are no beginning of their list, and all of lists that are out of the ordinary.
        self.mismatched: dict[Hashable, list[tuple[int, Sequence[Any]]]] = {}
        self.notable: list[tuple[int, Hashable, Sequence[Any]]] = []
        self._reads: list[tuple[int, Hashable, Any]] = []
        self._places: dict[Hashable, dict[Any, int]] = {}
        self._uncertain = False
        self._failures = False
        self._take_in()
        if self._uncertain:
            self._find_present()
        for key in self.longest.keys() | self.writers.keys():
            self._order(key)

    def _take_in(self) -> None:
        """Note who wrote what, and the longest read of each list."""
        writers, longest = self.writers, self.longest
        lengths = {key: len(elements) for key, elements in longest.items()}
        reads = self._reads
        for index, transaction in enumerate(self.transactions):
            ok = self.present[index]
            if not ok:
                self._uncertain = self._uncertain or transaction.outcome is Outcome.INFO
                self._failures = self._failures or transaction.outcome is Outcome.FAIL
            for kind, key, value in transaction.operations:
                if kind == "append":
                    owners = writers.get(key)
                    if owners is None:
                        writers[key] = {value: index}
                    elif value in owners:
                        raise _appended_twice(transaction, key, value)
                    else:
                        owners[value] = index
                elif kind != "r":
                    raise _no_list_operation(transaction, kind)
                elif ok:
                    reads.append((index, key, value))
                    if value and len(value) > lengths.get(key, 0):
                        longest[key] = value
                        lengths[key] = len(value)

    def _find_present(self) -> None:
        """An unknown outcome counts as committed if somebody saw one of the writes.

        What it read counts from then on, too.
        """
        unknown: dict[Hashable, dict[Any, int]] = {}
        for index, transaction in enumerate(self.transactions):
            if transaction.outcome is Outcome.INFO:
                for kind, key, value in transaction.operations:
                    if kind == "append":
                        unknown.setdefault(key, {})[value] = index
        waiting = [(key, value) for _, key, value in self._reads if value and key in unknown]
        waiting += self.longest.items()
        while waiting:
            key, value = waiting.pop()
            if len(value) > len(self.longest.get(key, ())):
                self.longest[key] = value
            there = unknown.get(key, {})
            if there.keys().isdisjoint(value):
                continue
            for element in there.keys() & set(value):
                index = there.pop(element)
                if not self.present[index]:
                    self.present[index] = True
                    for kind, other, read in self.transactions[index].operations:
                        if kind == "r" and read:
                            self._reads.append((index, other, read))
                            waiting.append((other, read))

    def _order(self, key: Hashable) -> None:
        """Find out who comes before and after each length of a list."""
        order = self.longest.get(key, ())
        if order and len(set(order)) != len(order):
            self.repeated.add(key)
            order = tuple(dict.fromkeys(order))
        writers = self.writers.get(key, {})
        owners: list[Any] = [writers.get(element) for element in order]
        if len(set(writers.values())) != len(writers):
            self.torn[key] = {
                element: owner
                for (element, owner), (_, after) in pairwise(writers.items())
                if owner == after
            }
        if len(order) - owners.count(None) < len(writers):
            there = set(order)
            unseen = {
                owner: None
                for element, owner in writers.items()
                if element not in there and self.present[owner]
            }
            if unseen:
                self.unseen[key] = list(unseen)
        last = UNSEEN if key in self.unseen else NOBODY
        if self._failures and self._is_dirty(owners):
            self.dirty.add(key)
        if key in self.dirty or None in owners:
            before, after = self._with_gaps(owners, last)
        else:
            before, after = [NOBODY, *owners], [*owners, last]
        self.neighbours[key] = (order, before, after)

    def _is_dirty(self, owners: Sequence[int | None]) -> bool:
        return any(owner is not None and not self.present[owner] for owner in owners)

    def _with_gaps(self, owners: Sequence[int | None], last: int) -> tuple[list[int], list[int]]:
        """The same where nobody is known to have written some elements, or a failed one has.

        An element of an unknown writer was there before, or is another program's: the order goes on
        behind it. One of a failed transaction should not exist; nothing is concluded through it.
        """
        before, after = [NOBODY], [last]
        for into, those in ((before, owners), (after, owners[::-1])):
            for owner in those:
                if owner is None:
                    into.append(into[-1])
                else:
                    into.append(owner if self.present[owner] else NOBODY)
        return before, after[::-1]

    def edges(self, kinds: int, strong: Sequence[bool] | None) -> list[Edge]:
        """Who depends on whom, by which list.

        ``strong`` says whose ``rw`` edges count; None: everybody's. Reads that deserve a second
        look are noted on the way.
        """
        edges = self._edges(kinds, strong)
        if self._settle_ties():
            edges = self._edges(kinds, strong)
        return edges if kinds & WR else [edge for edge in edges if edge[2] & kinds]

    def _edges(self, kinds: int, strong: Sequence[bool] | None) -> list[Edge]:
        edges = self._edges_of_writes()
        neighbours = self.neighbours
        self.notable.clear()
        self.mismatched.clear()
        special = self.repeated | self.dirty | self.torn.keys()
        for index, key, value in self._reads:
            if key not in neighbours:
                continue  # an empty list that nobody ever appended to
            order, before, after = neighbours[key]
            length = len(value) if value else 0
            if length:
                if key in special:
                    self.notable.append((index, key, value))
                if order[:length] != value:
                    length = self._place(index, key, value, edges)
                    if length < 0:
                        continue
                one = before[length]
                if one >= 0 and one != index:
                    edges.append((one, index, WR, key))
            if kinds & RW and (strong is None or strong[index]):
                other = after[length]
                if other == UNSEEN:
                    self._before_unseen(index, key, edges)
                elif other >= 0 and other != index:
                    edges.append((index, other, RW, key))
        return edges

    def _edges_of_writes(self) -> list[Edge]:
        edges: list[Edge] = []
        for key, (_, before, after) in self.neighbours.items():
            for one, other in zip(before, after, strict=True):
                if one != other and one >= 0 and other >= 0:
                    edges.append((one, other, WW, key))
        for key, unseen in self.unseen.items():
            one = self.neighbours[key][1][-1]
            if one >= 0:
                edges += [(one, other, WW, key) for other in unseen if other != one]
        return edges

    def _before_unseen(self, index: int, key: Hashable, edges: list[Edge]) -> None:
        """Who reads all that is known of a list comes before the appends that nobody saw."""
        edges += [(index, one, RW, key) for one in self.unseen[key] if one != index]

    @property
    def reads_with_value(self) -> int:
        """How many reads found something."""
        return sum(1 for _, _, value in self._reads if value)

    def place(self, key: Hashable, element: Any) -> int:
        """How long the list is that ends with an element; -1: it is not in the order."""
        places = self._places.get(key)
        if places is None:
            order = self.neighbours[key][0]
            places = self._places[key] = {one: at for at, one in enumerate(order, 1)}
        return places.get(element, -1)

    def _place(self, index: int, key: Hashable, value: Sequence[Any], edges: list[Edge]) -> int:
        """Where a read ends that may be no beginning of its list's order; -1: nowhere in it.

        Even then it depends on whoever wrote its last element.
        """
        if tuple(self.longest.get(key, ())[: len(value)]) != tuple(value):
            self.mismatched.setdefault(key, []).append((index, value))
            if key not in self.repeated and key not in self.dirty and key not in self.torn:
                self.notable.append((index, key, value))
        length = self.place(key, value[-1])
        if length < 0:
            writer = self.writers.get(key, {}).get(value[-1], index)
            if writer != index and self.present[writer]:
                edges.append((writer, index, WR, key))
        return length

    def _settle_ties(self) -> bool:
        """Choose among the longest reads where they contradict each other; is the choice new?

        The one whose elements were appended last counts, whoever read it.
        """
        changed = False
        for key, reads in self.mismatched.items():
            rank = {element: at for at, element in enumerate(self.writers.get(key, {}))}
            length = len(self.longest[key])
            longest = [value for _, value in reads if len(value) == length]
            best = max(
                [self.longest[key], *longest], key=lambda value: [rank.get(e, -1) for e in value]
            )
            if best is not self.longest[key]:
                changed = True
                self.longest[key] = best
                for kept in (self.unseen, self.torn, self._places):
                    kept.pop(key, None)
                self.repeated.discard(key)
                self.dirty.discard(key)
                self._order(key)
        return changed


def _appended_twice(transaction: Transaction, key: Hashable, value: Any) -> InvalidOperationError:
    return InvalidOperationError(
        f"{transaction} appends {value!r} to {key!r}, which was appended there before",
        advice="Append each element to a list only once; else nobody can tell who was read",
        code="STX-3081",
    )


def _no_list_operation(transaction: Transaction, kind: object) -> InvalidOperationError:
    return InvalidOperationError(
        f"{transaction} has an operation {kind!r}, which no list has",
        advice="Lists have 'append' and 'r'; check a history of 'w' and 'r' as registers",
        code="STX-3080",
    )
