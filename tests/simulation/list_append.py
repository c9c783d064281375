"""Lists that only grow, by elements that are never used twice.

Whoever reads a list learns which appends came before, so that a history can be judged: every list
ever read is the beginning of the final one, every committed append is in it once, and the order of
all transactions has no cycle.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.cycles import edges, find_cycle
from tests.simulation.history import Program
from tests.simulation.workload import make_table, transactional, whole

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from scalar_tx.model.record import Record
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from tests.simulation.history import Attempt, WatchedTransaction
    from tests.simulation.world import World

LISTS: Final = transactional(
    "lists.lists", (("shelf", "TEXT"), ("name", "INT"), ("elements", "TEXT")), "shelf", "name"
)
SHELF: Final = "s"


def elements_of(record: Record | None) -> tuple[int, ...]:
    """The elements of a list; a missing list is empty."""
    return () if record is None else parsed(record["elements"])


def parsed(text: Value) -> tuple[int, ...]:
    """A column's text as elements; NULL and nothing are an empty list."""
    return tuple(map(int, str(text).split(","))) if text else ()


class ListAppend:
    """The lists as a workload."""

    name = "list-append"

    def __init__(self, dice: random.Random) -> None:
        self._lists = dice.randint(2, 4)
        self._there_from_the_start = dice.randint(0, self._lists)
        self._numbers = itertools.count(1)
        self._elements = itertools.count(1)

    def tables(self) -> Sequence[Table]:
        """One table, one partition."""
        return (LISTS,)

    def load(self, world: World) -> None:
        """Some lists are there, empty; others begin with their first element."""
        rows: list[Row] = [
            {"shelf": SHELF, "name": name, "elements": ""}
            for name in range(self._there_from_the_start)
        ]
        make_table(world, LISTS, rows)

    def program(self, dice: random.Random) -> Program:
        """Up to four reads, appends and scans, of which some read the first lists only."""
        names = ("read", "append", "scan", "first")
        kinds = dice.choices(names, weights=(30, 42, 18, 10), k=dice.randint(1, 4))
        steps = [(kind, dice.randrange(self._lists)) for kind in kinds]

        async def body(tx: WatchedTransaction) -> None:
            own: dict[int, tuple[int, ...]] = {}
            for kind, name in steps:
                if kind == "scan":
                    await self._scan(tx, own, None)
                elif kind == "first":
                    await self._scan(tx, own, name + 1)
                elif kind == "read":
                    await self._read(tx, name, own)
                else:
                    await self._append(tx, name, own)

        kinds_shown = " ".join(kind if kind == "scan" else f"{kind} {name}" for kind, name in steps)
        return Program(f"{next(self._numbers)}: {kinds_shown}", body, "append" not in kinds)

    async def _read(
        self, tx: WatchedTransaction, name: int, own: dict[int, tuple[int, ...]]
    ) -> tuple[int, ...]:
        found = elements_of(await tx.get(LISTS.name, shelf=SHELF, name=name))
        self._note(tx, name, found, own)
        return found

    async def _scan(
        self, tx: WatchedTransaction, own: dict[int, tuple[int, ...]], limit: int | None
    ) -> None:
        found = await tx.scan(LISTS.name, {"shelf": SHELF}, limit=limit)
        records = {whole(record, "name"): record for record in found}
        names = range(self._lists)
        if limit is not None and len(found) == limit:
            names = range(max(records) + 1)  # what comes behind was not looked at
        for name in names:
            self._note(tx, name, elements_of(records.get(name)), own)

    async def _append(
        self, tx: WatchedTransaction, name: int, own: dict[int, tuple[int, ...]]
    ) -> None:
        found = await self._read(tx, name, own)
        element = next(self._elements)
        text = ",".join(map(str, (*found, element)))
        await tx.upsert(LISTS.name, shelf=SHELF, name=name, elements=text)
        own[name] = (*own.get(name, ()), element)
        tx.attempt.appends.append((str(name), element))

    def _note(
        self,
        tx: WatchedTransaction,
        name: int,
        found: tuple[int, ...],
        own: dict[int, tuple[int, ...]],
    ) -> None:
        mine = own.get(name, ())
        if mine and found[-len(mine) :] != mine:
            wrong = tx.attempt.notes.setdefault("wrong", [])
            wrong.append(f"list {name} read as {found} does not end with the own {mine}")
        foreign = found[: len(found) - len(mine)]
        tx.attempt.reads.append((str(name), foreign))

    def lone_program(self, number: int) -> Program:
        """An append to every list."""

        async def append_all(tx: WatchedTransaction) -> None:
            own: dict[int, tuple[int, ...]] = {}
            for name in range(self._lists):
                await self._append(tx, name, own)

        return Program(f"lone {number}", append_all)

    async def look(self, tx: WatchedTransaction) -> object:
        """All lists."""
        return [(r["name"], elements_of(r)) for r in await tx.scan(LISTS.name, {"shelf": SHELF})]

    def judge(self, world: World, history: Sequence[Attempt]) -> list[str]:
        """The final lists against what was appended, read and reported."""
        final = {str(key[1]): parsed(row["elements"]) for key, row in world.rows(LISTS).items()}
        wrong = self._counted_once(final)
        committed = []
        for attempt in history:
            wrong += attempt.notes.get("wrong", [])
            wrong += _misread(attempt, final)
            is_there = [e in final.get(name, ()) for name, e in attempt.appends]
            if any(is_there) and not all(is_there):
                wrong.append(f"half present: {attempt}: {attempt.appends}")
            present = any(is_there)
            if present != world.decided(attempt.id):
                wrong.append(f"decision and lists disagree: {attempt}: {attempt.appends}")
            if attempt.told is TransactionState.ABORTED and present:
                wrong.append(f"reported failed, but present: {attempt}: {attempt.appends}")
            if attempt.told is TransactionState.COMMITTED and attempt.appends and not present:
                wrong.append(f"acknowledged, but lost: {attempt}: {attempt.appends}")
            if present or attempt.told is TransactionState.COMMITTED:
                committed.append(attempt)
        versions = _wrong_versions(world, committed, self._there_from_the_start)
        cycle = find_cycle(edges(committed, final))
        return wrong + versions + ([f"cycle: {cycle}"] if cycle else [])

    def _counted_once(self, final: dict[str, tuple[int, ...]]) -> list[str]:
        every = [element for elements in final.values() for element in elements]
        return [] if len(every) == len(set(every)) else [f"an element is there twice: {final}"]


def _misread(attempt: Attempt, final: dict[str, tuple[int, ...]]) -> list[str]:
    wrong = [
        f"{attempt} read list {name} as {seen}; it is {final.get(name, ())} in the end"
        for name, seen in attempt.reads
        if final.get(name, ())[: len(seen)] != seen
    ]
    if attempt.isolation is Isolation.SERIALIZABLE and attempt.told is TransactionState.COMMITTED:
        first: dict[str, tuple[int, ...]] = {}
        wrong += [
            f"{attempt} read list {name} as {seen} and as {first[name]}"
            for name, seen in attempt.reads
            if first.setdefault(name, seen) != seen
        ]
    return wrong


def _wrong_versions(
    world: World, committed: Sequence[Attempt], there_from_the_start: int
) -> list[str]:
    writers = {str(name): 1 for name in range(there_from_the_start)}
    for attempt in committed:
        for name in {name for name, _ in attempt.appends}:
            writers[name] = writers.get(name, 0) + 1
    versions = {str(key[1]): row["tx_version"] for key, row in world.rows(LISTS).items()}
    if versions == writers:
        return []
    return [f"the versions are {versions}, by the committed writers {writers}"]
