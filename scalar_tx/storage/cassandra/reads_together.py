"""Which records are read by one statement?

Those of one partition: reads at SERIAL of the same partition wait for one another at its replicas,
each by a round of its own. Of several partitions each is a statement by itself: one over all of
them would burden a single node, and can't be asked for SERIAL.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_tx.storage.cassandra.names import quoted
from scalar_tx.storage.cassandra.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.storage.cassandra.statements import RecordStatements
    from scalar_tx.storage.cassandra.wire import Cells

MOST_TOGETHER: Final = 25  # keys of one statement: hosted Cassandras refuse more
_INT: Final = struct.Struct(">i")


class PartitionStatements:
    """The statements that read several records of one partition of a table."""

    def __init__(self, records: RecordStatements) -> None:
        table = records.table
        self._records = records
        self._width = len(table.schema.partition_key)
        behind = table.schema.primary_key[self._width :]
        self._places = [table.columns.index(name) for name in behind]
        names = ", ".join(map(quoted, behind))
        self._column = f"({names})" if len(behind) > 1 else names
        self._first = " AND ".join(f"{quoted(name)}=?" for name in table.schema.partition_key)

    def get_several(self, keys: Sequence[Cells]) -> Statement:
        """Read records of one partition, of keys as bytes; in which order is not said."""
        listed = [_packed(key[self._width :]) for key in keys]
        text = (
            f"SELECT {self._records.columns} FROM {self._records.name} "
            f"WHERE {self._first} AND {self._column} IN ?"
        )
        return Statement(text, (*keys[0][: self._width], _INT.pack(len(listed)) + b"".join(listed)))

    def clustering_in(self, key: Cells) -> Cells:
        """Where in its partition a record lies."""
        return key[self._width :]

    def clustering_of(self, row: Cells) -> Cells:
        """The same of a row of an answer."""
        return tuple(row[place] for place in self._places)


def _packed(cells: Cells) -> bytes:
    """An element of a bound list: a value, or a tuple of several."""
    packed = b"".join(map(_sized, cells))
    return packed if len(cells) == 1 else _sized(packed)


def _sized(cell: bytes | None) -> bytes:
    return _INT.pack(-1) if cell is None else _INT.pack(len(cell)) + cell


@dataclass(frozen=True, slots=True)
class Together:
    """Records that one statement reads: their numbers among all that are wanted, their keys."""

    table: Table
    numbers: list[int] = field(default_factory=list)
    keys: list[Cells] = field(default_factory=list)


def together(wanted: Sequence[tuple[Table, Cells]]) -> list[Together]:
    """Divide records, by their keys as bytes, among statements."""
    found: dict[tuple[object, ...], list[Together]] = {}
    for number, (table, key) in enumerate(wanted):
        width = len(table.schema.partition_key)
        # Where a partition holds one record, each is by itself.
        partition = key[:width] if width < len(key) else number
        groups = found.setdefault((table.name, partition), [Together(table)])
        if len(groups[-1].keys) >= MOST_TOGETHER:
            groups.append(Together(table))
        groups[-1].numbers.append(number)
        groups[-1].keys.append(key)
    return [group for groups in found.values() for group in groups]
