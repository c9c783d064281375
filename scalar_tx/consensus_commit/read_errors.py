"""What is a caller told of a read that failed? Nothing has changed, whatever became of it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.types import Value


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


def about(error: Exception, table: TransactionalTable, key: tuple[Value, ...]) -> Exception:
    """The error of one of several reads, saying of which record it was."""
    where = f"; this was a read of {table.name} {dict(table.key_mapping(key))!r}"
    named = copy(error)  # the others may have been told the same one
    if isinstance(named, ScalarTxError):
        named.message += where
    else:
        named.args = (f"{error}{where}",)
    named.__cause__ = error
    return named
