"""What do the processes of one transaction say to each other?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Operation


class Step(Enum):
    """What all parts are told to do, one after the other."""

    PREPARE = "prepare"
    VALIDATE = "validate"
    COMMIT = "commit"
    ROLLBACK = "roll back"


@dataclass(frozen=True, slots=True)
class Join:
    """Take part in a transaction."""

    isolation: Isolation
    read_only: bool


What: TypeAlias = "Join | Step | Operation | tuple[Operation, ...]"


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do. ``life``: of the process that has joined; another one knows nothing."""

    tx_id: str
    number: int
    life: str
    what: What

    def __str__(self) -> str:
        what = self.what.value if isinstance(self.what, Step) else self.what
        return f"order {self.number} of {self.tx_id}: {what}"


@dataclass(frozen=True, slots=True)
class Reply:
    """How an order went. ``dead``: it failed, and the part says that nobody can commit any more."""

    number: int
    life: str
    value: object = None
    error: Exception | None = None
    dead: bool = False

    def __str__(self) -> str:
        ended = self.value if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return f"reply {self.number}: {ended}"


class PartGoneError(ScalarTxError):
    """A part did not answer in time, or lost its memory, or does not know how it ended."""

    default_retryable = True
