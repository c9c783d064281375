"""Do all rows of one table decode and obey the rules, and do its indexes find them?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cli.output import shown, shown_duration, shown_key
from scalar_tx.cli.raw_rows import all_rows
from scalar_tx.cli.row_rules import broken_rules
from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.metadata import BEFORE
from scalar_tx.consensus_commit.scan_pages import page_sizes
from scalar_tx.errors import SchemaError
from scalar_tx.record_situation import judge
from scalar_tx.storage.interface import IndexSource, ReadKind, ScanRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.connection import Parts
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row, Value

    Keys = set[tuple[Value, ...]]

_MOST_PROBLEMS_SHOWN: Final = 20
_MOST_INDEX_VALUES: Final = 1000  # a column; each costs a read


@dataclass(slots=True)
class TableReport:
    """What was found in one table. ``count`` problems, of which the first are in ``problems``."""

    table: str
    rows: int = 0
    unsettled: int = 0
    count: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Was no problem found?"""
        return self.count == 0

    def add(self, problem: str) -> None:
        """Count a problem, and keep it while there are few."""
        self.count += 1
        if len(self.problems) < _MOST_PROBLEMS_SHOWN:
            self.problems.append(problem)

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "table": self.table,
            "rows": self.rows,
            "unsettled": self.unsettled,
            "problem_count": self.count,
            "problems": self.problems,
            "notes": self.notes,
        }


class TableCheck:
    """One pass over a table, then one over the values of its indexes."""

    def __init__(
        self,
        parts: Parts,
        table: TransactionalTable,
        aborted: set[str],
        count: Callable[[int], None],
    ) -> None:
        self._parts = parts
        self._table = table
        self._aborted = aborted
        self._count = count
        self._report = TableReport(table.name)
        keys = set(table.key_columns)
        # column -> value -> the keys of the rows that hold it
        self._values: dict[str, dict[Value, Keys]] = {
            name: {} for name in table.stored.schema.secondary_index if name not in keys
        }
        self._left_out: set[str] = set()

    async def run(self) -> TableReport:
        """Check everything."""
        self._check_twins()
        await self._check_rows()
        await self._check_indexes()
        return self._report

    def _check_twins(self) -> None:
        if not self._parts.context.options.before_index_check:
            return
        for column in self._table.user.secondary_index:
            if not self._table.has_before_index(column):
                self._report.add(
                    f"{column} is indexed, {BEFORE}{column} is not: run scalar-tx schema repair"
                )

    async def _check_rows(self) -> None:
        pages = all_rows(self._parts, self._table.stored)
        last = "before any row was read"
        try:
            while (page := await pages.next_page()) is not None:
                for row in page:
                    await self._check_row(row)
                last = f"after the row {self._place(self._table.stored.key_of(page[-1]))}"
                self._count(self._report.rows)
        except SchemaError as error:
            # The place of the next page is behind this row, which can't be read.
            self._report.add(f"a row does not decode: {error.message}")
            self._report.notes.append(f"Reading stopped {last}; later rows were not checked.")

    async def _check_row(self, row: Row) -> None:
        self._report.rows += 1
        key = self._table.stored.key_of(row)
        broken = list(broken_rules(self._table, row, self._aborted))
        for rule in broken:
            self._report.add(f"{self._place(key)}: {rule}")
        if not broken and not record.is_committed(row):
            await self._add_unsettled(key, row)
        for column, held in self._values.items():
            value = row[column]
            if value is None:
                continue
            if value in held or len(held) < _MOST_INDEX_VALUES:
                held.setdefault(value, set()).add(key)
            else:
                self._left_out.add(column)

    async def _add_unsettled(self, key: tuple[Value, ...], row: Row) -> None:
        situation = await judge(self._parts, self._table, key, row)
        decision = situation.decision
        said = "undecided" if decision is None else decision.state.value.lower()
        alive = ", may be alive" if situation.alive else ""
        self._report.unsettled += 1
        self._report.add(
            f"{self._place(key)}: {situation.state} by {situation.writer} for "
            f"{shown_duration(situation.age_ms)}, {said}{alive}"
        )

    async def _check_indexes(self) -> None:
        info = self._parts.storage.info(self._table.name)
        if ReadKind.INDEX not in info.linearizable:
            self._report.notes.append("Indexes of this storage lag behind; they were not checked.")
            return
        for column, held in self._values.items():
            for value, keys in held.items():
                found = await self._by_index(column, value)
                for key in keys ^ found:
                    await self._check_difference(column, value, key)
        for column in sorted(self._left_out):
            self._report.notes.append(
                f"Of the index on {column} the first {_MOST_INDEX_VALUES:,} values were checked."
            )

    async def _by_index(self, column: str, value: Value) -> Keys:
        sizes = page_sizes(self._parts.context.options)
        source = IndexSource(column, value)
        request = ScanRequest(self._table.stored, source, None, None, sizes.first, sizes.largest)
        pages = self._parts.storage.scan(request)
        found: Keys = set()
        while (page := await pages.next_page()) is not None:
            found.update(self._table.stored.key_of(row) for row in page)
        return found

    async def _check_difference(self, column: str, value: Value, key: tuple[Value, ...]) -> None:
        """Look again: a program may have written the record between the two reads."""
        row = await self._parts.storage.get(self._table.stored, key)
        holds = row is not None and row[column] == value
        if holds != (key in await self._by_index(column, value)):
            again = await self._parts.storage.get(self._table.stored, key)
            if again == row:
                what = "does not find it" if holds else "finds it wrongly"
                self._report.add(
                    f"{self._place(key)}: the index on {column} {what} by {shown(value)}"
                )

    def _place(self, key: tuple[Value, ...]) -> str:
        return shown_key(self._table.key_mapping(key))
