"""Which of a transaction's reads are done again together, which at one moment, and which last?

Absence bears no id: a record may have come and gone since. What was absent is therefore looked at
in one moment where the storage has such a thing, and in any case before the records that were
there: these bear ids, so finding them unchanged later tells that they were so at that moment too.
Elsewhere one absence is certain and several are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from scalar_tx.consensus_commit.batch_reads import requests_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan import ScanTrace
    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.consensus_commit.validate import Validation
    from scalar_tx.storage.interface import BatchReads, Reads, Storage, StorageInfo


class PointCheck:
    """Of one record."""

    __slots__ = ("_validation", "of_absence", "record_id", "table")

    def __init__(
        self,
        validation: Validation,
        table: TransactionalTable,
        record_id: RecordId,
        *,
        of_absence: bool,
    ) -> None:
        self._validation = validation
        self.record_id = record_id
        self.table = table
        self.of_absence = of_absence

    async def __call__(self, reads: Reads) -> None:
        """Look at it again."""
        await self._validation.check_point(reads, self.table, self.record_id)


class ScanCheck:
    """Of what one scan found."""

    __slots__ = ("_trace", "_validation", "of_absence", "table")
    record_id = None  # it is of no single record

    def __init__(self, validation: Validation, trace: ScanTrace) -> None:
        self._validation = validation
        self._trace = trace
        self.table = trace.plan.table
        self.of_absence = True  # of everything between its rows

    async def __call__(self, reads: Reads) -> None:
        """Scan again."""
        await self._validation.check_scan(reads, self._trace)


Check: TypeAlias = PointCheck | ScanCheck


class _PointChecks:
    """Of several records of one storage, read together."""

    __slots__ = ("_validation", "checks")

    def __init__(self, validation: Validation, checks: Sequence[PointCheck]) -> None:
        self._validation = validation
        self.checks = checks

    async def __call__(self, reads: Reads) -> None:
        await self._validation.check_points(cast("BatchReads", reads), self.checks)


@dataclass(frozen=True)
class Group:
    """Checks of one storage that begin at the same time."""

    info: StorageInfo
    checks: Sequence[Check]
    validation: Validation
    at_one_moment: bool = False

    @property
    def table(self) -> str:
        """One of the storage's."""
        return self.checks[0].table.name

    @property
    def parts(self) -> Sequence[Check | _PointChecks]:
        """The checks, those of records as one where the storage reads in batches."""
        points = [check for check in self.checks if isinstance(check, PointCheck)]
        if not self.info.batches or len(points) < 2:
            return self.checks
        scans = [check for check in self.checks if not isinstance(check, PointCheck)]
        return [_PointChecks(self.validation, points), *scans]

    @property
    def requests(self) -> int:
        """How many requests they are, each scan taken for one page."""
        return sum(
            requests_of(self.info, len(part.checks)) if isinstance(part, _PointChecks) else 1
            for part in self.parts
        )


def look_again(
    storage: Storage, validation: Validation, checks: Sequence[Check]
) -> tuple[list[Group], list[Group]]:
    """What is done first, and what once that has ended."""
    by_storage: dict[str, tuple[StorageInfo, list[Check]]] = {}
    for check in checks:
        info = storage.info(check.table.name)
        by_storage.setdefault(info.name, (info, []))[1].append(check)
    absent: list[Group] = []
    there: list[Group] = []
    for info, own in by_storage.values():
        of_absence = [check for check in own if check.of_absence]
        present = [check for check in own if not check.of_absence]
        at_one_moment = info.moments and _takes_several_reads(info, of_absence)
        if len(by_storage) == 1 and (at_one_moment or _is_one_batch(info, own)):
            of_absence, present = own, []
        if of_absence:
            absent.append(Group(info, of_absence, validation, at_one_moment))
        if present:
            there.append(Group(info, present, validation))
    return absent, there


def _takes_several_reads(info: StorageInfo, checks: Sequence[Check]) -> bool:
    """One read is of one moment by itself, so is a batch of one table; a scan may be several."""
    if len(checks) == 1:
        return isinstance(checks[0], ScanCheck)
    return bool(checks) and not _is_one_batch(info, checks)


def _is_one_batch(info: StorageInfo, checks: Sequence[Check]) -> bool:
    """Are all of them read by one call, at one moment?"""
    if not (info.moments and info.batches):
        return False
    scans = [check for check in checks if isinstance(check, ScanCheck)]
    return not scans and len({check.table.name for check in checks}) == 1
