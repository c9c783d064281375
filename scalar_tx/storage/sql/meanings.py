"""What can an error of an SQL database mean for the operation it struck?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)

# What a statement says of itself, by an error of its own making, where it was to do nothing.
UNMET: Final = "scalar_tx: a condition was not met"


class Meaning(Enum):
    """What the protocol must do about an error."""

    REFUSED = "a record with that key is there; nothing changed"
    BUSY = "locked by others; nothing changed"
    UNAVAILABLE = "nothing was done"
    LOST = "may have taken effect"
    WRONG = "can never succeed as it is; nothing changed"


@dataclass(frozen=True)
class Case:
    """One code: its meaning before a commit and at one, and what to do."""

    name: str
    before: Meaning
    at_commit: Meaning
    advice: str
    retryable: bool = True


CHECK_CALL: Final = "Check the call, and that the table is made as its definition says"


def no_such_table(text: str) -> InvalidOperationError:
    """A table that is not there."""
    return InvalidOperationError(
        text, advice="Create the table with the schema loader", code="STX-3017"
    )


def no_such_column(text: str) -> SchemaError:
    """A table that lacks a column of its definition."""
    return SchemaError(
        text, advice="Compare the database's table with the definition", code="STX-3302"
    )


def error_of(text: str, case: Case, code: str, *, at_commit: bool) -> Exception:
    """The error to raise for a case; ``code`` is that of StorageUnavailableError."""
    match case.at_commit if at_commit else case.before:
        case Meaning.REFUSED:
            return WriteRefusedError(text)
        case Meaning.BUSY:
            return StorageBusyError(text)
        case Meaning.LOST:
            return ReplyLostError(text)
        case Meaning.UNAVAILABLE:
            return StorageUnavailableError(
                text, advice=case.advice, code=code, retryable=case.retryable
            )
        case Meaning.WRONG:
            return InvalidOperationError(text, advice=case.advice, code="STX-3303")
