"""Which rules does every row of a transactional table obey, whoever wrote it?

Consensus Commit specification 11.3 and 1.4. Old releases leave the previous image in committed
rows; that breaks no rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Row

_STATES = (None, record.PREPARED, record.DELETED, record.COMMITTED)


def broken_rules(table: TransactionalTable, row: Row, aborted: set[str]) -> Iterator[str]:
    """What is wrong with a row; ``aborted`` are the ids of aborted transactions."""
    state = row["tx_state"]
    if state not in _STATES:
        yield f"tx_state is {state!r}, which no writer leaves"
    elif row["before_tx_state"] not in (None, record.COMMITTED):
        yield f"before_tx_state is {row['before_tx_state']!r}; only committed images are replaced"
    elif state in (record.PREPARED, record.DELETED):
        yield from _unsettled(table, row)
    elif row["tx_id"] is None:
        yield from _never_written(row)
    else:
        yield from _committed(row, aborted)


def _unsettled(table: TransactionalTable, row: Row) -> Iterator[str]:
    if row["tx_id"] is None:
        yield "an unsettled record names no writer"
    if row["tx_prepared_at"] is None:
        yield "an unsettled record has no tx_prepared_at, so it would never expire"
    version, before = row["tx_version"], row["before_tx_version"]
    replaced = int(before or 0)  # type: ignore[arg-type]  # an INT column
    expected = replaced + 1 if record.has_before_image(row) else 1
    if version != expected:
        yield f"tx_version is {version!r}, and what it replaces makes it {expected}"
    if not record.has_before_image(row):
        left = [name for name in table.before_columns if row[name] is not None]
        if left:
            yield f"it replaces nothing, but has {', '.join(left)}"


def _never_written(row: Row) -> Iterator[str]:
    there = [n for n in ("tx_state", "tx_version", "tx_committed_at") if row[n] is not None]
    if there:
        yield f"it names no writer, but has {', '.join(there)}"


def _committed(row: Row, aborted: set[str]) -> Iterator[str]:
    if row["tx_state"] is None:
        yield f"it names the writer {row['tx_id']!r}, but has no tx_state"
    version = row["tx_version"]
    if not isinstance(version, int) or version < 1:
        yield f"tx_version of a committed record is {version!r}"
    if row["tx_committed_at"] is None:
        yield "a committed record has no tx_committed_at"
    if row["tx_id"] in aborted:
        yield (
            f"it is committed by {row['tx_id']}, which is aborted on record. Unless its rollback "
            "was asked for after its own decision was removed, it was undone only in part"
        )
