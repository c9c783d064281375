"""Why is a call of a transaction refused, whatever it asks for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.errors import ConflictError, InvalidOperationError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from scalar_tx.errors import ScalarTxError
    from scalar_tx.model.operations import Get


def closed(what: str, outcome: TransactionState | None, tx_id: str | None) -> InvalidOperationError:
    """The transaction is over. ``what``: what it was to be done with it."""
    ended = "committed" if outcome is TransactionState.COMMITTED else "rolled back"
    if outcome is TransactionState.UNKNOWN:
        ended = "of unknown outcome; ask db.settle"
    return InvalidOperationError(
        f"can't {what} this transaction: it is {ended}",
        advice="Begin another one",
        transaction_id=tx_id,
        code="STX-3038",
    )


def read_only(tx_id: str | None) -> InvalidOperationError:
    """It was begun to read only."""
    return InvalidOperationError(
        "a read-only transaction can't write",
        advice="Leave read_only=True out",
        transaction_id=tx_id,
        code="STX-3037",
    )


def too_late(timeout: float | None, tx_id: str | None) -> ScalarTxError:
    """Its time is over."""
    return ConflictError(
        f"the transaction took longer than its timeout of {timeout or 0:g} s",
        transaction_id=tx_id,
        code="STX-1040",
    )


def several_have(get: Get) -> InvalidOperationError:
    """A get by an index value found more than one record."""
    return InvalidOperationError(
        f"several records of {get.table} have the index value {dict(get.index or {})!r}",
        advice="Use scan(index=…)",
        code="STX-3035",
    )
