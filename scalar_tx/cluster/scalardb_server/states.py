"""What became of a transaction, and how is one aborted by its id? (9.1)

These calls ask the coordinator and nobody else, so they may be about a transaction whose stream is
open here, on another node, or nowhere. Its stream is not closed; its commit then fails.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import InvalidOperationError, ScalarTxError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_tx.manager_async import AsyncTransactionManager

_log = logging.getLogger("scalar_tx.scalardb_server")

_NUMBERS: Final[Mapping[TransactionState, rpc.TransactionState]] = {
    TransactionState.COMMITTED: rpc.TRANSACTION_STATE_COMMITTED,
    TransactionState.ABORTED: rpc.TRANSACTION_STATE_ABORTED,
    TransactionState.UNKNOWN: rpc.TRANSACTION_STATE_UNKNOWN,
}


class States:
    """The calls by id that both transaction services have."""

    def __init__(self, manager: AsyncTransactionManager) -> None:
        self._manager = manager

    async def get_state(
        self, request: rpc.GetTransactionStateRequest
    ) -> rpc.GetTransactionStateResponse:
        """What is on record; unknown also where it can't be read."""
        state = await _known(self._manager.state, request.transaction_id)
        return rpc.GetTransactionStateResponse(state=state)

    async def roll_back(self, request: rpc.RollbackRequest) -> rpc.RollbackResponse:
        """Aborted, or what somebody decided before; unknown where it can't be reached."""
        state = await _known(self._manager.settle, request.transaction_id)
        return rpc.RollbackResponse(state=state)

    async def abort(self, request: rpc.AbortRequest) -> rpc.AbortResponse:
        """The same by its other name."""
        state = await _known(self._manager.settle, request.transaction_id)
        return rpc.AbortResponse(state=state)


async def _known(
    ask: Callable[[str], Awaitable[TransactionState]], transaction_id: str
) -> rpc.TransactionState:
    if not transaction_id:
        raise invalid("")
    try:
        return _NUMBERS[await ask(transaction_id)]
    except InvalidOperationError:
        raise
    except ScalarTxError as error:
        _log.warning("the state of %s is not known: %s", transaction_id, kind_of(error))
        return rpc.TRANSACTION_STATE_UNKNOWN
