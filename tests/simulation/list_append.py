"""Lists that only grow, by elements that are never used twice.

Whoever reads a list learns which appends came before, so that a history can be judged by the
checker: every list ever read is the beginning of the final one, every committed append is in it
once, and the order of all transactions has no cycle. Lists are read by key, by scans of a partition
and of the whole table, with limits, in both directions, before and after own appends; a list that
nobody has made is absent. Every other list is in a second table, perhaps in another storage.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.state import TransactionState
from tests.simulation.checked import anomalies
from tests.simulation.history import Program
from tests.simulation.judgement import HALF, TOLD, VERSIONS, Wrong
from tests.simulation.workload import make_table, transactional, whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence

    from scalar_tx.model.record import Record
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from tests.simulation.history import Attempt, WatchedTransaction
    from tests.simulation.parts.dice import Dice
    from tests.simulation.world import World

_COLUMNS: Final = (("shelf", "TEXT"), ("name", "INT"), ("elements", "TEXT"))
TABLES: Final = (
    transactional("lists.even", _COLUMNS, "shelf", "name"),
    transactional("lists.odd", _COLUMNS, "shelf", "name"),
)
SHELF: Final = "s"
KINDS: Final = {
    "read": 28,
    "append": 42,
    "scan": 8,
    "first": 7,
    "last": 5,
    "everything": 5,
    "some": 5,
}

Step = tuple[str, int]


def elements_of(record: Record | None) -> tuple[int, ...]:
    """The elements of a list; a missing list is empty."""
    return () if record is None else parsed(record["elements"])


def parsed(text: Value) -> tuple[int, ...]:
    """A column's text as elements; NULL and nothing are an empty list."""
    return tuple(map(int, str(text).split(","))) if text else ()


class ListAppend:
    """The lists as a workload."""

    name = "list-append"

    def __init__(self, dice: Dice) -> None:
        self._lists = dice.between(2, 5)
        self._there_from_the_start = dice.between(0, self._lists)
        self._numbers = itertools.count(1)
        self._elements = itertools.count(1)

    def tables(self) -> Sequence[Table]:
        """Two tables, one partition in each."""
        return TABLES

    def load(self, world: World) -> None:
        """Some lists are there, empty; others begin with their first element."""
        for table in TABLES:
            rows: list[Row] = [
                {"shelf": SHELF, "name": name, "elements": ""}
                for name in range(self._there_from_the_start)
                if _table(name) is table
            ]
            make_table(world, table, rows)

    def program(self, dice: Dice) -> Program:
        """Up to four reads, appends and scans."""
        steps = [(dice.weighted(KINDS), dice.below(self._lists)) for _ in range(dice.between(1, 4))]
        ways: dict[str, Callable[[WatchedTransaction, int], Awaitable[object]]] = {
            "read": self._read,
            "append": self._append,
            "scan": self._scan,
            "first": self._first,
            "last": self._last,
            "everything": self._everything,
            "some": self._some,
        }

        async def body(tx: WatchedTransaction) -> None:
            for kind, name in steps:
                await ways[kind](tx, name)

        shown = " ".join(f"{kind} {name}" for kind, name in steps)
        only_reads = all(kind != "append" for kind, _ in steps)
        return Program(f"{next(self._numbers)}: {shown}", body, only_reads)

    async def _read(self, tx: WatchedTransaction, name: int) -> tuple[int, ...]:
        found = elements_of(await tx.get(_table(name).name, shelf=SHELF, name=name))
        tx.attempt.operations.append(("r", name, found))
        return found

    async def _append(self, tx: WatchedTransaction, name: int) -> None:
        found = await self._read(tx, name)
        element = next(self._elements)
        text = ",".join(map(str, (*found, element)))
        await tx.upsert(_table(name).name, shelf=SHELF, name=name, elements=text)
        tx.attempt.operations.append(("append", name, element))
        tx.attempt.appends.append((name, element))

    async def _scan(self, tx: WatchedTransaction, name: int) -> None:
        """A whole partition: lists that are not in it are absent."""
        found = await tx.scan(_table(name).name, {"shelf": SHELF})
        self._note_all(tx, found, self._mates(name))

    async def _first(self, tx: WatchedTransaction, name: int) -> None:
        """Up to so many lists from the start on."""
        limit = 1 + name // 2
        found = await tx.scan(_table(name).name, {"shelf": SHELF}, limit=limit)
        last = whole(found[-1], "name") if len(found) == limit else self._lists
        self._note_all(tx, found, (mate for mate in self._mates(name) if mate <= last))

    async def _last(self, tx: WatchedTransaction, name: int) -> None:
        """Up to so many lists from the end on."""
        limit = 1 + name // 2
        found = await tx.scan(_table(name).name, {"shelf": SHELF}, limit=limit, order_by=["-name"])
        first = whole(found[-1], "name") if len(found) == limit else 0
        self._note_all(tx, found, (mate for mate in self._mates(name) if mate >= first))

    async def _everything(self, tx: WatchedTransaction, name: int) -> None:
        """A whole table: lists that are not in it are absent."""
        self._note_all(tx, await tx.scan_all(_table(name).name), self._mates(name))

    async def _some(self, tx: WatchedTransaction, name: int) -> None:
        """Up to so many lists of a table, in no promised order; fewer are all there are."""
        limit = 1 + name // 2
        found = await tx.scan_all(_table(name).name, limit=limit)
        if len(found) < limit:
            self._note_all(tx, found, self._mates(name))
        else:
            self._note_all(tx, found, [whole(record, "name") for record in found])

    def _mates(self, name: int) -> Iterable[int]:
        """All lists in the table of one."""
        return range(name % 2, self._lists, 2)

    def _note_all(
        self, tx: WatchedTransaction, found: Sequence[Record], looked_at: Iterable[int]
    ) -> None:
        """Note what a scan has read in the order in which it did, then what was not there."""
        records = {whole(record, "name"): record for record in found}
        note = tx.attempt.operations.append
        for name, record in records.items():
            note(("scanned", name, elements_of(record)))
        for name in looked_at:
            if name not in records:
                note(("missed", name, ()))

    def lone_program(self, number: int) -> Program:
        """An append to every list."""

        async def append_all(tx: WatchedTransaction) -> None:
            for name in range(self._lists):
                await self._append(tx, name)

        return Program(f"lone {number}", append_all)

    async def look(self, tx: WatchedTransaction) -> object:
        """All lists."""
        return [
            (r["name"], elements_of(r))
            for table in TABLES
            for r in await tx.scan(table.name, {"shelf": SHELF})
        ]

    def judge(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """The final lists against what was appended, read and reported."""
        rows: dict[Any, Row] = {
            key[1]: row for table in TABLES for key, row in world.rows(table).items()
        }
        final: dict[Hashable, tuple[int, ...]] = {
            name: parsed(row["elements"]) for name, row in rows.items()
        }
        wrong: list[Wrong] = []
        writers = dict.fromkeys(range(self._there_from_the_start), 1)
        for attempt in history:
            is_there = [e in final.get(name, ()) for name, e in attempt.appends]
            present = any(is_there)
            if present and not all(is_there):
                wrong.append(Wrong(HALF, f"{attempt}: {attempt.appends}"))
            if attempt.appends and present != world.decided(attempt.id):
                text = f"decision and lists disagree: {attempt}: {attempt.appends}"
                wrong.append(Wrong(HALF, text))
            if attempt.told is TransactionState.ABORTED and present:
                text = f"reported failed, but present: {attempt}: {attempt.appends}"
                wrong.append(Wrong(TOLD, text))
            if attempt.told is TransactionState.COMMITTED and attempt.appends and not present:
                text = f"acknowledged, but lost: {attempt}: {attempt.appends}"
                wrong.append(Wrong(TOLD, text))
            if present:
                for name in {name for name, _ in attempt.appends}:
                    writers[name] = writers.get(name, 0) + 1
        versions = {name: row["tx_version"] for name, row in rows.items()}
        if versions != writers:
            text = f"the versions are {versions}, by the committed writers {writers}"
            wrong.append(Wrong(VERSIONS, text))
        return wrong + anomalies(history, final)


def _table(name: int) -> Table:
    return TABLES[name % 2]
