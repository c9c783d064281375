"""What went wrong, in the words that clients of ScalarDB Server know?

An error has a kind, from which its gRPC status or its code within a stream follows, and a text: the
one of the Java server where its protocol's description lists one (8, 20.1), else our own.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import Final

from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.sessions import TooManyOpenError
from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    RecordNotFoundError,
    ScalarTxError,
    StorageError,
    TransactionNotFoundError,
    UnknownOutcomeError,
    WriteRefusedError,
)

_log = logging.getLogger("scalar_tx.scalardb_server")

# Trailers hold 8192 bytes, in which a byte that is no printable ASCII takes three (2).
LONGEST: Final = 4000  # bytes of UTF-8
_LONGEST_SENT: Final = 6000

_PAUSED: Final = "the server is paused"
_NO_MUTATION: Final = "CORE-20000: No mutation was applied"

# code of an error -> what the Java server says there
_CONFLICTS: Final = {
    "STX-1020": "CORE-20022: An anti-dependency was found. The transaction has been aborted",
    "STX-1030": "CORE-20015: The committing state in the coordinator failed. The transaction has "
    "been aborted",
    "STX-1031": "CORE-20013: The record being prepared already exists",
    "STX-1033": "CORE-20013: The record being prepared already exists",
}


class Kind(Enum):
    """What a client is to make of an error."""

    INVALID = auto()  # the request can't be right, or not now
    CONFLICT = auto()  # begin again
    UNSATISFIED = auto()  # a write's own condition is not met; the transaction goes on
    UNKNOWN = auto()  # committed or not
    OTHER = auto()
    NOT_APPLIED = auto()  # a write's own condition is not met, outside transactions
    PAUSED = auto()  # nothing was done, and the same request may be sent again
    FULL = auto()  # nothing was done: too much is open
    EXPIRED = auto()  # the transaction was given up for its client's silence
    LEFT = auto()  # the client ended its side before the transaction's end


class RefusedError(Exception):
    """An error as a client is told of it."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def invalid(text: str) -> RefusedError:
    """The request can't be right."""
    return RefusedError(Kind.INVALID, text)


def with_id(text: str, transaction_id: str | None) -> str:
    """A text that names its transaction, as Java clients expect it at the end."""
    return text if transaction_id is None else f"{text}. Transaction ID: {transaction_id}"


def already_exists(transaction_id: str) -> RefusedError:
    """A transaction of that id is open in this process."""
    return RefusedError(
        Kind.OTHER, with_id("CORE-10047: The transaction already exists", transaction_id)
    )


def aborted_by_somebody(transaction_id: str) -> RefusedError:
    """It can't be committed any more, as its id is on record as aborted."""
    return RefusedError(Kind.CONFLICT, with_id(_CONFLICTS["STX-1030"], transaction_id))


def refusal_of(error: Exception) -> RefusedError:
    """Any error as a client is told of it; what nobody has foreseen is logged."""
    match error:
        case RefusedError():
            return error
        case MalformedError():
            return invalid(f"the request is malformed: {error}")
        case GateClosedError():
            return RefusedError(Kind.PAUSED, _PAUSED)
        case ConflictError():
            known = _CONFLICTS.get(error.code)
            text = str(error) if known is None else with_id(known, error.transaction_id)
            return RefusedError(Kind.CONFLICT, text)
        case WriteRefusedError():
            return RefusedError(Kind.NOT_APPLIED, _NO_MUTATION)
        case ScalarTxError():
            return RefusedError(_kind_of(error), str(error))
        case StorageError():
            return RefusedError(Kind.OTHER, f"the storage: {error}")
        case _:
            _log.error("a call ended in %r", error, exc_info=error)
            return RefusedError(Kind.OTHER, f"an error inside the node: {type(error).__name__}")


def _kind_of(error: ScalarTxError) -> Kind:
    match error:
        case InvalidOperationError() | TransactionNotFoundError():
            return Kind.INVALID
        case ConditionNotMetError() | RecordNotFoundError():
            return Kind.UNSATISFIED
        case UnknownOutcomeError():
            return Kind.UNKNOWN
        case TooManyOpenError():
            return Kind.FULL
        case _:
            return Kind.OTHER


def cut(text: str) -> str:
    """The text, or as much of its beginning as fits into a trailer."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) > LONGEST or _sent_length(encoded) > _LONGEST_SENT:
        end, room = 0, _LONGEST_SENT
        while end < LONGEST and (room := room - _sent_length(encoded[end : end + 1])) >= 0:
            end += 1
        return encoded[:end].decode("utf-8", "ignore")
    return encoded.decode("utf-8")


def _sent_length(encoded: bytes) -> int:
    """How long it is in a trailer, where gRPC writes ``%E3`` for the byte 0xE3."""
    return sum(1 if 0x20 <= one < 0x7F and one != 0x25 else 3 for one in encoded)
