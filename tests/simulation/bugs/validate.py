"""Mistakes in validating reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.commit import Commit
from scalar_tx.consensus_commit.scan import ScanTrace
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.consensus_commit.validate import Validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.consensus_commit.scan_pages import PageSizes
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Reads
    from tests.simulation.bugs.bug import Bug, Patches


def _no_validation() -> Patches:
    async def run(self: Validation) -> None:
        return None

    return [(Validation, "run", run)]


def _validation_before_prepare() -> Patches:
    prepare = Commit.prepare
    validate_now = Commit.validate

    async def validated_prepare(self: Commit) -> None:
        if self._isolation.value == "SERIALIZABLE":
            await validate_now(self)
        await prepare(self)

    async def nothing(self: Commit) -> None:
        return None

    return [(Commit, "prepare", validated_prepare), (Commit, "validate", nothing)]


def _doomed_reads_handed_on() -> Patches:
    async def confirm_reads(self: TransactionSteps) -> None:
        return None

    return [(TransactionSteps, "confirm_reads", confirm_reads)]


def _prepared_records_not_compared_with_scans() -> Patches:
    def contradicts(self: ScanTrace, key: tuple[Value, ...], replaced: Row | None) -> bool:
        return False

    return [(ScanTrace, "contradicts", contradicts)]


def _scans_not_validated() -> Patches:
    async def check_scan(self: Validation, reads: Reads, trace: ScanTrace) -> None:
        return None

    return [(Validation, "check_scan", check_scan)]


def _scans_validated_by_their_limit() -> Patches:
    """As many rows are read again as were read; own ones among them push others out of sight."""

    async def check_ordered(
        self: Validation, reads: Reads, trace: ScanTrace, sizes: PageSizes
    ) -> None:
        table = trace.plan.table
        found: list[Row] = []
        pages = reads.scan(trace.plan.request(sizes))
        while len(found) < len(trace.rows) and (page := await pages.next_page()) is not None:
            found += [row for row in page if self._is_own(trace, row) or trace.plan.wants(row)]
        await pages.close()
        now = [row for row in found[: len(trace.rows)] if not self._is_own(trace, row)]
        then = [row for row in trace.rows if not self._has_prepared(trace, row)]
        for row, before in zip(now, then, strict=False):
            same = self._key(table, row) == self._key(table, before)
            if not same or row["tx_id"] != before["tx_id"]:
                raise self._changed(table, self._key(table, before), row)

    return [(Validation, "_check_ordered", check_ordered)]


def _scans_validated_merged() -> Patches:
    """What the caller saw, own writes included, bears no writers' ids: keys are all there is."""

    async def check_ordered(
        self: Validation, reads: Reads, trace: ScanTrace, sizes: PageSizes
    ) -> None:
        table = trace.plan.table
        found: list[Row] = []
        pages = reads.scan(trace.plan.request(sizes))
        while (page := await pages.next_page()) is not None:
            found += [row for row in page if self._is_own(trace, row) or trace.plan.wants(row)]
        await pages.close()
        now = [self._key(table, row) for row in found if not self._is_own(trace, row)]
        then = [self._key(table, r) for r in trace.rows if not self._has_prepared(trace, r)]
        if (now if trace.ended else now[: len(then)]) != then:
            raise self._changed(table, (now or then)[0], None)

    return [(Validation, "_check_ordered", check_ordered)]


BUGS: Final[Mapping[str, Bug]] = {
    "no validation": _no_validation,
    "validation before prepare": _validation_before_prepare,
    "doomed reads handed on": _doomed_reads_handed_on,
    "prepared records not compared with scans": _prepared_records_not_compared_with_scans,
    "scans not validated": _scans_not_validated,
    "scans validated by their limit": _scans_validated_by_their_limit,
    "scans validated merged with own writes": _scans_validated_merged,
}
