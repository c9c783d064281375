"""When does nobody need a decision any more, and how is it given up?

Once every record that the transaction has written is settled. Which ones those are, the decision's
row may tell, and it tells it only where nobody can still commit under that id: so the row can go
(Consensus Commit specification 5.6). Readers that meet an old image of such a record, and then no
decision, look at the record again. A row that does not tell stays: of an abort that somebody else
has forced, its slow writer must learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.transaction_id import member_id
from scalar_tx.errors import (
    ConflictError,
    SchemaError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
    from scalar_tx.consensus_commit.decision_row import StoredDecision
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.consensus_commit.write_set import Entry
    from scalar_tx.model.types import Value


async def finish(context: Context, coordinator: CoordinatorTable, tx_id: str) -> bool:
    """Settle what a transaction has written and remove its decision, with its whole group's.

    True: no decision about it is left. False: nothing was done, since the row does not tell what
    was written, or tells it of parts whose records may lie elsewhere.
    """
    try:
        found = await coordinator.find(tx_id)
        if found is None:
            return True
        if not can_be_finished(found):
            return False
        await settle_records(context, found)
        await coordinator.remove([found])
    except (UndecidedError, StorageError) as error:
        raise _named(error, tx_id) from error
    return True


def can_be_finished(found: StoredDecision) -> bool:
    """Is every record known that the decision may be needed for, and where it lies?"""
    return found.written is not None and all(
        entry.participant_id is None for group in found.written for entry in group.entries
    )


async def settle_records(context: Context, found: StoredDecision) -> None:
    """Settle every record that was written under a decision; raises if one may be left.

    SchemaError, InvalidOperationError: what the row tells of the records does not fit the tables.
    """
    steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
        lambda writer=writer, entry=entry: _settle_record(context, found, writer, entry)  # type: ignore[misc]  # bound now
        for group in found.written or ()
        for writer in [_writer(found, group.child_id)]
        for entry in group.entries
    ]
    for outcome in await context.runtime.run_all(steps):
        outcome.result()


def _writer(found: StoredDecision, child_id: str | None) -> str:
    return found.key if child_id is None else member_id(found.key, child_id)


async def _settle_record(
    context: Context, found: StoredDecision, writer: str, entry: Entry
) -> None:
    table = await context.catalog.table(f"{entry.namespace}.{entry.table}")
    await context.recovery.finish(table, _key(entry, table, writer), writer, found.decision)


def _key(entry: Entry, table: TransactionalTable, writer: str) -> tuple[Value, ...]:
    told = {
        (name, data_type): value
        for name, data_type, value in (*entry.partition_key, *(entry.clustering_key or ()))
    }
    columns = table.stored.schema.columns
    wanted = [(name, columns[name]) for name in table.key_columns]
    if told.keys() != set(wanted) or None in told.values():
        names = ", ".join(f"{name} {data_type.value}" for name, data_type in told)
        raise SchemaError(
            f"{writer} has written a record of {table.name} with the key ({names}), which is not "
            "the table's key",
            advice="Leave the decision where it is: the table was made anew since, or this "
            "configuration names another database",
            transaction_id=writer,
        )
    return tuple(told[one] for one in wanted)


def _named(error: Exception, tx_id: str) -> Exception:
    if isinstance(error, UndecidedError):
        return StorageUnavailableError(
            "the decision could not be read; nothing was done",
            advice="Ask again once the coordinator's storage answers",
            transaction_id=tx_id,
            code="STX-4002",
        )
    if isinstance(error, StorageBusyError):
        return ConflictError(
            f"the storage was busy while {tx_id} was finished: {error}",
            advice="Call it again: it goes on where it ended",
            transaction_id=tx_id,
            code="STX-1012",
        )
    return StorageUnavailableError(
        f"whether {tx_id} is finished is not known: {error}",
        advice="Call it again: it goes on where it ended",
        transaction_id=tx_id,
        code="STX-4008",
    )
