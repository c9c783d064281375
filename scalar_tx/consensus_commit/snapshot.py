"""What has a transaction read and written so far?

Reads are kept by record, the first one counts (Consensus Commit specification 3.3): a record's
previous image for prepare is the one the transaction acted on. What must be validated at commit is
kept beside them: the keys of point reads, and a trace of each scan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.scan import ScanTrace
    from scalar_tx.model.types import Row, Value
    from scalar_tx.runtime.interface import Later

RecordId: TypeAlias = "tuple[str, tuple[Value, ...]]"
# Which version of a record: the id of the transaction that wrote it; None: there is no record.
Version: TypeAlias = "str | None"
IMPORTED: Final = "imported"  # the version of a record that no transaction has written yet


@dataclass(slots=True)
class PendingWrite:
    """A put (``values``) or a delete (None) that will be prepared at commit."""

    table: TransactionalTable
    key: tuple[Value, ...]
    values: dict[str, Value] | None
    insert: bool = False  # the record must not exist, whatever was read
    pre_read: bool = False  # the record must be read before prepare if it was not

    @property
    def record_id(self) -> RecordId:
        """The record written."""
        return (self.table.name, self.key)


@dataclass(slots=True)
class Snapshot:
    """The local sets of one transaction."""

    reads: dict[RecordId, Row | None] = field(default_factory=dict)
    weakly_read: set[RecordId] = field(default_factory=set)  # those of reads that nothing validates
    point_reads: dict[RecordId, TransactionalTable] = field(default_factory=dict)
    scans: dict[object, ScanTrace] = field(default_factory=dict)
    writes: dict[RecordId, PendingWrite] = field(default_factory=dict)
    last_get: RecordId | None = None  # read after all else that was read; None: there is none
    settling: list[tuple[RecordId, Later]] = field(default_factory=list)
    shown: list[tuple[RecordId, Version]] | None = None  # in order; kept if somebody observes
    unread: set[RecordId] = field(default_factory=set)  # that are written without being read

    def note(self, record_id: RecordId, row: Row | None, *, weak: bool = False) -> None:
        """Keep what was read of a record, unless something was before that is worth as much."""
        if record_id not in self.reads:
            self.reads[record_id] = row
            if weak:
                self.weakly_read.add(record_id)
        elif not weak and record_id in self.weakly_read:
            self.weakly_read.discard(record_id)
            self.reads[record_id] = row

    def show(self, record_id: RecordId, row: Row | None) -> None:
        """Keep for observers which version the transaction was shown."""
        if self.shown is not None:
            self.shown.append((record_id, version_of(row)))

    def to_be_read(self) -> list[PendingWrite]:
        """The writes whose records have to be read, or else stay ``unread``."""
        return [
            write
            for record_id, write in self.writes.items()
            if write.pre_read and record_id not in self.reads and record_id not in self.unread
        ]

    def replaced(self, write: PendingWrite) -> Row | None:
        """The committed record that a write goes over; None: it makes one, or there was none.

        Of one that is ``unread`` it is not known.
        """
        return None if write.insert else self.reads.get(write.record_id)

    def view(self, record_id: RecordId) -> Row | None:
        """The record as this transaction sees it: what it read, overlaid with what it wrote."""
        write = self.writes.get(record_id)
        base = self.reads.get(record_id)
        if write is None:
            return base
        return overlay(write, base)


def version_of(row: Row | None) -> Version:
    """The version that a committed row is."""
    if row is None:
        return None
    writer = row["tx_id"]
    return writer if isinstance(writer, str) else IMPORTED


def overlay(write: PendingWrite, base: Row | None) -> Row | None:
    """The record after a write over what was read."""
    if write.values is None:
        return None
    table = write.table
    row: Row
    if base is None or write.insert:
        row = dict.fromkeys(table.stored.columns)
        row.update(zip(table.key_columns, write.key, strict=True))
    else:
        row = dict(base)
    row.update(write.values)
    return row
