"""How are records read on behalf of a caller, one or several at once?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from scalar_tx.consensus_commit.batch_reads import in_batches
from scalar_tx.consensus_commit.read_errors import read_error
from scalar_tx.errors import ScalarTxError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.read import Reader
    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.model.types import Value

T = TypeVar("T")
Step: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"


async def guarded(steps: Coroutine[Any, Any, T], transaction_id: str | None) -> T:
    """Run steps that only read; name what a storage says about a read."""
    try:
        return await steps
    except (StorageError, ScalarTxError) as error:
        named = read_error(error, transaction_id)
        if named is error:
            raise
        raise named from error


async def pre_read(reader: Reader, transaction_id: str | None) -> None:
    """Read what the transaction writes over, as far as it has to know it and does not."""
    wanted = [(write.record_id, write.table) for write in reader.snapshot.to_be_read()]
    if wanted:
        await read_together(reader, wanted, transaction_id)


async def read_together(
    reader: Reader,
    wanted: Sequence[tuple[RecordId, TransactionalTable]],
    transaction_id: str | None,
    *,
    more: Sequence[Step] = (),
) -> None:
    """Read records by key that were not read yet, for reads and writes to come.

    Those of one storage go out in one call where it takes several, the others, and ``more`` steps
    that read something else, as many at a time as the runtime runs. What could be read is kept,
    whatever becomes of the rest. All have ended when this returns, or raises what the first of
    those that failed raised.
    """
    if len(wanted) == 1 and not more:
        ((record_id, table),) = wanted
        await guarded(reader.for_write(table, record_id[1]), transaction_id)
        return
    records = [(table, record_id[1]) for record_id, table in wanted]
    batches = in_batches(reader.context.storage, records, lambda one: one[0].name)
    steps: list[Step] = [partial(_read_batch, reader, batch) for _, batch in batches]
    steps.extend(more)
    outcomes = await reader.context.runtime.run_all(steps)
    reader.snapshot.last_get = None  # none of them came after all others
    for outcome in outcomes:
        if outcome.error is not None:
            raise read_error(outcome.error, transaction_id) from outcome.error


async def _read_batch(
    reader: Reader, batch: Sequence[tuple[TransactionalTable, tuple[Value, ...]]]
) -> None:
    if len(batch) == 1:
        await reader.for_write(*batch[0])
        return
    for outcome in await reader.together(batch):
        outcome.result()
