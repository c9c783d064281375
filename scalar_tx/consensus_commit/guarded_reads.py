"""What is a caller told when a read failed? Nothing has changed, whatever became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.read import Reader
    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.model.types import Row

T = TypeVar("T")


async def guarded(steps: Coroutine[Any, Any, T], transaction_id: str | None) -> T:
    """Run steps that only read; name what a storage says about a read."""
    try:
        return await steps
    except (StorageError, ScalarTxError) as error:
        named = read_error(error, transaction_id)
        if named is error:
            raise
        raise named from error


def read_error(error: Exception, transaction_id: str | None) -> Exception:
    """What a caller is told when a read failed: a read changes nothing, whatever became of it."""
    if isinstance(error, StorageBusyError):
        return ConflictError(
            f"the storage was busy: {error}", transaction_id=transaction_id, code="STX-1032"
        )
    if isinstance(error, StorageError):
        return StorageUnavailableError(
            f"a read failed: {error}", transaction_id=transaction_id, code="STX-4004"
        )
    if isinstance(error, ScalarTxError) and error.transaction_id is None:
        error.transaction_id = transaction_id
    return error


async def read_together(
    reader: Reader,
    wanted: Sequence[tuple[RecordId, TransactionalTable]],
    transaction_id: str | None,
) -> None:
    """Read records by key, as many at a time as the runtime runs, for reads and writes to come."""
    if len(wanted) == 1:
        ((record_id, table),) = wanted
        await guarded(reader.for_write(table, record_id[1]), transaction_id)
        return
    steps: list[Callable[[], Coroutine[Any, Any, Row | None]]] = [
        lambda table=table, key=record_id[1]: reader.for_write(table, key)  # type: ignore[misc]  # bound at once
        for record_id, table in wanted
    ]
    outcomes = await reader.context.runtime.run_all(steps)
    reader.snapshot.last_get = None  # none of them came after all others
    for outcome in outcomes:
        if outcome.error is not None:
            raise read_error(outcome.error, transaction_id) from outcome.error
