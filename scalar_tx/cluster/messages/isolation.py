"""How do isolation levels and states of transactions become messages?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS: Final = {
    Isolation.SERIALIZABLE: rpc.ISOLATION_SERIALIZABLE,
    Isolation.SNAPSHOT: rpc.ISOLATION_SNAPSHOT,
    Isolation.READ_COMMITTED: rpc.ISOLATION_READ_COMMITTED,
}
_LEVEL_OF: Final[Mapping[int, Isolation]] = {number: level for level, number in _LEVELS.items()}
_STATES: Final = {
    TransactionState.COMMITTED: rpc.STATE_COMMITTED,
    TransactionState.ABORTED: rpc.STATE_ABORTED,
    TransactionState.UNKNOWN: rpc.STATE_UNKNOWN,
}
_STATE_OF: Final[Mapping[int, TransactionState]] = {
    number: state for state, number in _STATES.items()
}


def isolation_message(isolation: Isolation | None) -> rpc.Isolation:
    """The message of a level; None: the node's default."""
    return rpc.ISOLATION_UNSPECIFIED if isolation is None else _LEVELS[isolation]


def isolation_of(message: int) -> Isolation | None:
    """The level of a message; None: the node's default."""
    if message == rpc.ISOLATION_UNSPECIFIED:
        return None
    level = _LEVEL_OF.get(message)
    if level is None:
        raise MalformedError(f"{message} is no isolation level")
    return level


def state_message(state: TransactionState) -> rpc.State:
    """The message of a state."""
    return _STATES[state]


def state_of(message: int) -> TransactionState | None:
    """The state of a message; None: it has none."""
    return _STATE_OF.get(message)
