"""Mistakes in finishing records behind their commits."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.finish_later import FinishLater, Unfinished
from scalar_tx.consensus_commit.recover import Recovery, Resolved
from scalar_tx.model.conditions import if_exists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _known_by_record_alone() -> Patches:
    def of(self: FinishLater, record_id: RecordId, writer: str) -> Unfinished | None:
        return self._of_record.get(record_id)

    return [(FinishLater, "of", of)]


def _handed_over_before_the_decision() -> Patches:
    right = Commit._decide_and_finish

    async def decide_and_finish(self: Commit) -> None:
        await self._records.roll_forward(self._context.runtime.now_ms())
        await right(self)

    return [(Commit, "_decide_and_finish", decide_and_finish)]


def _finished_whoever_wrote_them() -> Patches:
    right = FinishLater._write_group

    async def write_group(
        self: FinishLater, group: Sequence[StorageMutation], whose: dict[RecordId, Unfinished]
    ) -> None:
        bare = [dataclasses.replace(one, condition=if_exists) for one in group]  # type: ignore[arg-type]  # of any
        await right(self, bare, whose)

    return [(FinishLater, "_write_group", write_group)]


def _undone_record_read_as_committed() -> Patches:
    right = Recovery._left_by_us

    def left_by_us(self: Recovery, table: Any, key: Any, row: Any) -> Resolved | None:
        known = right(self, table, key, row)
        if known is None or not known.rolled_back:
            return known
        value = record.after_image(table, row, self._runtime.now_ms())
        return Resolved(value, rolled_back=False, settling=known.settling)

    return [(Recovery, "_left_by_us", left_by_us)]


BUGS: Final[Mapping[str, Bug]] = {
    "left records known by record alone": _known_by_record_alone,
    "records handed over before the decision": _handed_over_before_the_decision,
    "records finished later whoever wrote them": _finished_whoever_wrote_them,
    "record to be undone read as committed": _undone_record_read_as_committed,
}
