"""Which version of a register follows which, and who depends on whom?

A write hides what was there before, so that less is known than of lists. What is known: nothing at
all comes before every value; a value that a transaction read comes before the one it then wrote
(``wfr``: writes follow reads); and if the keys are assumed to behave so one by one, versions follow
real time or the order of a process (Kingsbury and Alvaro, "Elle" (2020), 4.3). Each value is
written only once to a key. A write of None is a deletion.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories.graph import components
from scalar_tx.histories.history import Outcome
from scalar_tx.histories.levels import RW, WR, WW
from scalar_tx.histories.version_sources import process_versions, real_time_versions
from scalar_tx.histories.words import shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.history import Transaction
    from scalar_tx.histories.version_sources import Versions


@dataclass(frozen=True, slots=True)
class Deletion:
    """The version that a transaction leaves by deleting."""

    by: int

    def __repr__(self) -> str:
        return "nothing (deleted)"


@dataclass(slots=True)
class Externals:
    """What of a transaction others can see: the first reads before own writes, the last writes."""

    reads: dict[Hashable, Any]
    writes: dict[Hashable, Any]

    def first(self, key: Hashable) -> Any:
        """The version of a key that the transaction met first."""
        return self.reads[key] if key in self.reads else self.writes[key]

    def last(self, key: Hashable) -> Any:
        """The version of a key that the transaction left."""
        return self.writes[key] if key in self.writes else self.reads[key]


class Registers:
    """The versions of all registers, as far as their order is known."""

    def __init__(
        self,
        transactions: Sequence[Transaction],
        *,
        wfr: bool,
        linearizable_keys: bool,
        sequential_keys: bool,
        final: Mapping[Hashable, Any] | None,
    ) -> None:
        self.transactions = transactions
        self.present = [transaction.outcome is Outcome.OK for transaction in transactions]
        self.failed: dict[tuple[Hashable, Any], int] = {}
        self.intermediate: dict[tuple[Hashable, Any], int] = {}
        self.deleted: set[Hashable] = set()  # keys of which None may mean two things
        self.writers: dict[tuple[Hashable, Any], int] = {}
        self.cyclic: list[tuple[Hashable, str, list[Any]]] = []  # key, source, versions
        self.following: dict[Hashable, dict[Any, set[Any]]] = defaultdict(dict)
        self.externals = [self._external(index) for index in range(len(transactions))]
        if Outcome.INFO in {transaction.outcome for transaction in transactions}:
            self._find_present(final or {})
        self.reads_with_value = sum(
            value is not None
            for index, external in enumerate(self.externals)
            if self.present[index]
            for value in external.reads.values()
        )
        self._add("the beginning", self._after_nothing())
        if wfr or linearizable_keys or sequential_keys:
            self._add("writes follow reads", self._writes_after_reads())
        if sequential_keys:
            versions = process_versions(transactions, self.present, self.externals)
            self._add("the order of processes", versions)
        if linearizable_keys:
            versions = real_time_versions(transactions, self.present, self.externals)
            self._add("real time", versions)
        if final:
            self._add("the final state", self._before_final(final))
        self._shorten()

    def _external(self, index: int) -> Externals:
        """Sort out one transaction's operations, and note what must not be read."""
        transaction = self.transactions[index]
        known = transaction.outcome is Outcome.OK
        reads: dict[Hashable, Any] = {}
        writes: dict[Hashable, Any] = {}
        for kind, key, value in transaction.operations:
            if kind == "w":
                if key in writes and writes[key] is not None:
                    self.intermediate[key, writes[key]] = index
                writes[key] = value
                if value is None:
                    self.deleted.add(key)
                elif transaction.outcome is Outcome.FAIL:
                    self.failed[key, value] = index
            elif kind != "r":
                raise InvalidOperationError(
                    f"{transaction} has an operation {kind!r}, which no register has",
                    advice="Registers have 'w' and 'r'; check a history of 'append' as lists",
                    code="STX-3080",
                )
            elif key not in writes and key not in reads and (known or value is not None):
                reads[key] = value
        for key, value in writes.items():
            if value is None:
                writes[key] = Deletion(index)
            elif (
                transaction.outcome is not Outcome.FAIL
                and self.writers.setdefault((key, value), index) != index
            ):
                raise InvalidOperationError(
                    f"{transaction} writes {value!r} to {key!r}, as another one did before",
                    advice="Write each value to a register only once; else nobody can tell "
                    "which write was read",
                    code="STX-3081",
                )
        return Externals(reads, writes)

    def _find_present(self, final: Mapping[Hashable, Any]) -> None:
        """An unknown outcome counts as committed if somebody read one of the writes."""
        reads = [
            item
            for index, external in enumerate(self.externals)
            if self.present[index]
            for item in external.reads.items()
        ]
        reads += final.items()
        while reads:
            item = reads.pop()
            index = self.writers.get(item)
            if index is not None and not self.present[index]:
                self.present[index] = True
                reads += self.externals[index].reads.items()

    def _writes_after_reads(self) -> Versions:
        return [
            (key, external.reads[key], value)
            for index, external in enumerate(self.externals)
            if self.present[index]
            for key, value in external.writes.items()
            if external.reads.get(key) is not None
        ]

    def _before_final(self, final: Mapping[Hashable, Any]) -> Versions:
        return [
            (key, value, final[key])
            for key, value in self.writers
            if final.get(key) is not None and value != final[key]
        ]

    def _add(self, source: str, versions: Versions) -> None:
        """Take in more of the order; a key in which it would go round is reported and left out."""
        more: dict[Hashable, list[tuple[Any, Any]]] = defaultdict(list)
        for key, before, after in versions:
            if before != after:
                more[key].append((before, after))
        for key, pairs in more.items():
            merged = {value: set(those) for value, those in self.following[key].items()}
            for before, after in pairs:
                merged.setdefault(before, set()).add(after)
            numbers: dict[Any, int] = {}
            edges: list[Edge] = [
                (
                    numbers.setdefault(before, len(numbers)),
                    numbers.setdefault(after, len(numbers)),
                    WW,
                    None,
                )
                for before, those in merged.items()
                for after in those
            ]
            groups = components(range(len(numbers)), edges)
            if groups:
                values = list(numbers)
                self.cyclic.append((key, source, [values[number] for number in groups[0]]))
            else:
                self.following[key] = merged

    def _after_nothing(self) -> Versions:
        """None comes before every version that was written or read."""
        known = {
            (key, value) for external in self.externals for key, value in external.writes.items()
        } | {
            (key, value)
            for index, external in enumerate(self.externals)
            if self.present[index]
            for key, value in external.reads.items()
            if value is not None
        }
        return [(key, None, value) for key, value in known]

    def _shorten(self) -> None:
        """Leave None only before the versions that no other known writer's version leads to.

        The way through the other writer says the same.
        """
        for key, following in self.following.items():
            if None in following:
                for before, those in following.items():
                    if before is not None and self._writer(key, before) >= 0:
                        following[None] = following[None] - those

    def _writer(self, key: Hashable, value: Any) -> int:
        """Who is known to have committed that version; -1: nobody."""
        if isinstance(value, Deletion):
            return value.by if self.present[value.by] else -1
        index = self.writers.get((key, value), -1)
        return index if index >= 0 and self.present[index] else -1

    def edges(self, kinds: int, strong: Sequence[bool] | None) -> list[Edge]:
        """Who depends on whom, by which register; ``strong``: whose ``rw`` edges count."""
        edges: list[Edge] = []
        readers: dict[tuple[Hashable, Any], list[int]] = defaultdict(list)
        for index, external in enumerate(self.externals):
            if not self.present[index]:
                continue
            counts = strong is None or strong[index]
            for key, value in external.reads.items():
                if value is not None:
                    writer = self._writer(key, value)
                    if writer >= 0 and writer != index:
                        edges.append((writer, index, WR, key))
                elif key in self.deleted:
                    continue
                if counts:
                    readers[key, value].append(index)
        for key, following in self.following.items():
            for before, those in following.items():
                one = -1 if before is None else self._writer(key, before)
                reading = readers.get((key, before), ())
                for other in {self._writer(key, after) for after in those} - {-1}:
                    if one not in (-1, other):
                        edges.append((one, other, WW, key))
                    edges += [(each, other, RW, key) for each in reading if each != other]
        return [edge for edge in edges if edge[2] & kinds]

    def follows(self, key: Hashable, before: Any, after: Any) -> bool:
        """Is one version known to come after another?"""
        following = self.following.get(key, {})
        waiting, met = [before], {before}
        while waiting:
            for value in following.get(waiting.pop(), ()):
                if value == after:
                    return True
                if value not in met:
                    met.add(value)
                    waiting.append(value)
        return False

    def why(self, edge: Edge) -> str:
        """The reason of an edge in a sentence."""
        before, after, kind, key = edge
        one, other = self.transactions[before], self.transactions[after]
        register = shown(key)
        if kind == WR:
            value = shown(self.externals[after].reads[key])
            return f"{other} read {register} = {value}, which {one} wrote"
        written = shown(self.externals[after].writes[key])
        if kind == WW:
            value = shown(self.externals[before].writes[key])
            return f"{one} wrote {register} = {value}, which {other} replaced by {written}"
        value = shown(self.externals[before].reads[key])
        return f"{one} read {register} = {value}, which {other} replaced by {written}"
