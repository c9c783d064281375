"""Everything this library raises on purpose, sorted by what a caller does next.

ScalarTxError                    carries .code, .advice, .retryable, .transaction_id
├── ConflictError                begin again
├── ConditionNotMetError         the caller's own condition was false
├── RecordNotFoundError          update of a record that isn't there
├── UnknownOutcomeError          the decision can't be reached; settle it later
├── TransactionNotFoundError     unknown or expired id
├── InvalidOperationError        the request can't be right
├── SettingsError                a property is wrong or missing
├── SchemaError                  a schema file, a table's columns or stored data are wrong
└── StorageUnavailableError      nothing was done

StorageError                     adapter to protocol; the protocol turns it into one of the above
├── WriteRefusedError            a conditional write found another value; nothing changed
├── StorageBusyError             throttled or locked; nothing changed
└── ReplyLostError               the write may still take effect

An adapter raises a ``StorageError``, or ``StorageUnavailableError`` where it knows that nothing
was done, or ``InvalidOperationError`` / ``SchemaError`` for a request that can never succeed. A
time-out is never a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ScalarTxError(Exception):
    """The base of every error a caller meets.

    ``code`` is stable across releases (``STX-…``), ``advice`` says what to do next, ``retryable``
    whether running the whole transaction again can help, ``transaction_id`` names the transaction
    where there is one. The text of the error is message, advice, id and code in one.
    """

    default_code: ClassVar[str] = "STX-0000"
    default_advice: ClassVar[str] = "See the cause of this error."
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        code: str | None = None,
        transaction_id: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice or self.default_advice
        self.code = code or self.default_code
        self.transaction_id = transaction_id
        self.retryable = self.default_retryable if retryable is None else retryable

    def __str__(self) -> str:
        text = f"{self.message.rstrip('. ')}. {self.advice.rstrip('. ')}. [{self.code}]"
        if self.transaction_id is not None:
            text += f" (transaction {self.transaction_id})"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.__dict__))


def _rebuild(kind: type[ScalarTxError], message: str, state: dict[str, Any]) -> ScalarTxError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class ConflictError(ScalarTxError):
    """Another transaction was in the way; nothing of this one took effect. Begin again.

    ``records`` names the records concerned as ``(table, key)`` pairs, ``other_transaction`` the
    other writer where it is known, ``retry_after`` the seconds until an undecided writer may be
    aborted. ``attempts`` and ``elapsed`` (seconds) are set when a retry policy was spent.
    """

    default_code = "STX-1001"
    default_advice = "Begin the transaction again; run() and @transactional do this by themselves"
    default_retryable = True

    def __init__(
        self,
        message: str,
        *,
        records: Sequence[tuple[str, Mapping[str, Any]]] = (),
        other_transaction: str | None = None,
        retry_after: float | None = None,
        advice: str | None = None,
        code: str | None = None,
        transaction_id: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(
            message, advice=advice, code=code, transaction_id=transaction_id, retryable=retryable
        )
        self.records = tuple(records)
        self.other_transaction = other_transaction
        self.retry_after = retry_after
        self.attempts: int | None = None
        self.elapsed: float | None = None


class ConditionNotMetError(ScalarTxError):
    """The caller's own write condition was false; ``record`` holds what was there, or None."""

    default_code = "STX-1002"
    default_advice = (
        "Decide by what .record holds; the transaction is still usable, the write was not recorded"
    )

    def __init__(
        self,
        message: str,
        *,
        record: Mapping[str, Any] | None = None,
        advice: str | None = None,
        code: str | None = None,
        transaction_id: str | None = None,
    ) -> None:
        super().__init__(message, advice=advice, code=code, transaction_id=transaction_id)
        self.record = record


class RecordNotFoundError(ScalarTxError):
    """An update named a record that isn't there."""

    default_code = "STX-1003"
    default_advice = (
        "Insert or upsert the record, or pass missing='ignore'; the transaction is still usable"
    )


class UnknownOutcomeError(ScalarTxError):
    """The decision could not be reached: the transaction may or may not be committed."""

    default_code = "STX-2001"
    default_advice = (
        "Do not repeat the work blindly: call db.settle(transaction_id) once the coordinator's "
        "storage answers again; it returns what stands"
    )


class TransactionNotFoundError(ScalarTxError):
    """No open transaction of this process has that id."""

    default_code = "STX-1004"
    default_advice = "Begin a new transaction; ids can be resumed only in the process that began it"


class InvalidOperationError(ScalarTxError):
    """The request can't be right, whatever the database holds."""

    default_code = "STX-3001"
    default_advice = "Correct the call"


class SettingsError(ScalarTxError):
    """A property is wrong, unknown or missing."""

    default_code = "STX-3002"
    default_advice = "Correct the property named in the message"


class SchemaError(ScalarTxError):
    """A schema file, a table's columns, or bytes found in a table are not what they must be."""

    default_code = "STX-3003"
    default_advice = "Correct the schema at the place named in the message"


class StorageUnavailableError(ScalarTxError):
    """The storage could not be used; nothing was done.

    ``retry_after``: the seconds before which nobody need try again, where they are known.
    """

    default_code = "STX-4001"
    default_advice = "Check that the database is there and reachable, then begin again"
    default_retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        advice: str | None = None,
        code: str | None = None,
        transaction_id: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(
            message, advice=advice, code=code, transaction_id=transaction_id, retryable=retryable
        )
        self.retry_after = retry_after


class StorageError(Exception):
    """What an adapter tells the protocol about a call that did not go through."""


class WriteRefusedError(StorageError):
    """A condition of an atomic write was not met. Nothing of the write changed anything."""


class StorageBusyError(StorageError):
    """The storage was locked or throttled. Nothing changed; the same call may succeed later."""


class ReplyLostError(StorageError):
    """The outcome of a write is not known; it may even take effect later."""
