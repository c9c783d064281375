"""Mistakes in reading several records in one call, two indexes at once, and no more than asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from scalar_tx.consensus_commit.cursor import ScanCursor
from scalar_tx.consensus_commit.read import Reader
from scalar_tx.consensus_commit.scan import ScanTrace
from scalar_tx.consensus_commit.validate import Validation
from scalar_tx.runtime.interface import Outcome
from tests.simulation.simulated_storage import SimulatedStorage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.look_again import PointCheck
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer, BatchReads, BatchStorage
    from tests.simulation.bugs.bug import Bug, Patches


def _rows_shifted_by_one() -> Patches:
    right = SimulatedStorage.get_many

    async def get_many(
        self: SimulatedStorage, wanted: Sequence[tuple[Table, tuple[Value, ...]]]
    ) -> list[Answer]:
        answers = await right(self, wanted)
        return [*answers[1:], answers[0]]

    return [(SimulatedStorage, "get_many", get_many)]


def _undecided_taken_as_it_is() -> Patches:
    async def together(
        self: Reader, wanted: Sequence[tuple[TransactionalTable, tuple[Value, ...]]]
    ) -> list[Outcome[Row | None]]:
        storage = cast("BatchStorage", self.context.storage)
        answers = await storage.get_many([(table.stored, key) for table, key in wanted])
        return [
            Outcome(error=answer)
            if isinstance(answer, Exception)
            else Outcome(self._kept(table, (table.name, key), answer))
            for (table, key), answer in zip(wanted, answers, strict=True)
        ]

    return [(Reader, "together", together)]


def _validated_where_something_is_found() -> Patches:
    async def check_points(
        self: Validation, reads: BatchReads, checks: Sequence[PointCheck]
    ) -> None:
        records = [(check.table.stored, check.record_id[1]) for check in checks]
        for check, answer in zip(checks, await reads.get_many(records), strict=True):
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                self._compare(check.table, check.record_id, answer)

    return [(Validation, "check_points", check_points)]


def _previous_values_dropped() -> Patches:
    right = ScanTrace._take

    async def take(self: ScanTrace, row: Row) -> None:
        source: Any = self.plan.source
        if not self.plan.is_leaving(row) or row[source.column] == source.value:
            await right(self, row)

    return [(ScanTrace, "_take", take)]


def _found_both_ways_dropped() -> Patches:
    """Of two index reads each row is wanted once; whoever both would find is taken for a double."""
    right = ScanTrace._take

    async def take(self: ScanTrace, row: Row) -> None:
        source: Any = self.plan.source
        if not self.plan.is_leaving(row) or row[source.column] != source.value:
            await right(self, row)

    return [(ScanTrace, "_take", take)]


def _undecided_rows_counted() -> Patches:
    """Rows that turn out not to be there take up places of the limit."""
    keep, read_page = ScanTrace._keep, ScanCursor._read_page

    def counted(self: ScanTrace, key: tuple[Value, ...], row: Row | None) -> None:
        before = len(self.rows)
        keep(self, key, row)
        if len(self.rows) == before:
            self.__dict__["dropped"] = self.__dict__.get("dropped", 0) + 1

    async def page(self: ScanCursor) -> list[Row]:
        found = await read_page(self)
        dropped = self._rows._trace.__dict__.get("dropped", 0)
        return found if self._left is None else found[: max(0, len(found) - dropped)]

    return [(ScanTrace, "_keep", counted), (ScanCursor, "_read_page", page)]


OF_BATCHES: Final[Mapping[str, Bug]] = {
    "rows of a batch shifted by one": _rows_shifted_by_one,
    "undecided member of a batch taken as it is": _undecided_taken_as_it_is,
    "batch validated where something is found": _validated_where_something_is_found,
}
OF_INDEXES: Final[Mapping[str, Bug]] = {
    "joint index read drops previous values": _previous_values_dropped,
    "joint index read drops what is found both ways": _found_both_ways_dropped,
}
OF_LIMITS: Final[Mapping[str, Bug]] = {
    "undecided rows count towards a limit": _undecided_rows_counted,
}
