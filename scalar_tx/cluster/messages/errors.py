"""How does an error become a ``google.rpc.Status``, and an error of ours again?

The code of gRPC says roughly what a caller of any language does next; ``ErrorInfo`` holds the
stable code, the advice and what else our errors carry. ``RetryInfo`` says when to come back, to
clients of any language that know nothing of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from scalar_tx import errors
from scalar_tx.cluster.auth.refusals import (
    NotAuthenticatedError,
    NotPermittedError,
    TooManyAttemptsError,
)
from scalar_tx.cluster.messages.records import records_message, records_of
from scalar_tx.cluster.messages.values import MalformedError, columns_message, columns_of
from scalar_tx.cluster.rpc.v1 import errors_pb2
from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    ScalarTxError,
    StorageUnavailableError,
)
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAIN: Final = "scalar_tx"
DETAILS: Final = "grpc-status-details-bin"
_MOST_RECORDS: Final = 20
_LONGEST_TEXT: Final = 1500  # bytes of a message and of an advice: trailers hold 8 KiB
_LARGEST_DETAILS: Final = 5000

_CODES: Final[Mapping[type[ScalarTxError], grpc.StatusCode]] = {
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.ConditionNotMetError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.RecordNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.UnknownOutcomeError: grpc.StatusCode.UNKNOWN,
    errors.TransactionNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.InvalidOperationError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.SettingsError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SchemaError: grpc.StatusCode.FAILED_PRECONDITION,
    TooManyAttemptsError: grpc.StatusCode.UNAVAILABLE,
    errors.StorageUnavailableError: grpc.StatusCode.UNAVAILABLE,
}
_KINDS: Final = {kind.__name__: kind for kind in (*_CODES, ScalarTxError)}


def code_of(error: ScalarTxError) -> grpc.StatusCode:
    """The code that a client of any language goes by."""
    if isinstance(error, NotAuthenticatedError):
        return grpc.StatusCode.UNAUTHENTICATED
    if isinstance(error, NotPermittedError):
        return grpc.StatusCode.PERMISSION_DENIED
    kind = _kind(error)
    return grpc.StatusCode.INTERNAL if kind is ScalarTxError else _CODES[kind]


def _kind(error: ScalarTxError) -> type[ScalarTxError]:
    return next((kind for kind in type(error).__mro__ if kind in _CODES), ScalarTxError)


def status_message(error: ScalarTxError) -> status_pb2.Status:
    """The message of an error, small enough for a trailer."""
    metadata = {
        "kind": _kind(error).__name__,
        "advice": _cut(error.advice),
        "retryable": "true" if error.retryable else "false",
    }
    if error.transaction_id is not None:
        metadata["transaction_id"] = error.transaction_id
    if isinstance(error, ConflictError):
        if error.other_transaction is not None:
            metadata["other_transaction"] = error.other_transaction
        if error.retry_after is not None:
            metadata["retry_after"] = repr(error.retry_after)
    info = error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=metadata)
    status = status_pb2.Status(code=code_of(error).value[0], message=_cut(error.message))
    status.details.add().Pack(info)
    if isinstance(error, StorageUnavailableError) and error.retry_after is not None:
        delay = Duration()
        delay.FromMicroseconds(max(0, round(error.retry_after * 1e6)))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    records = _records(error)
    if records is not None:
        status.details.add().Pack(records)
    return status


def _records(error: ScalarTxError) -> errors_pb2.ErrorRecords | None:
    if isinstance(error, ConflictError) and error.records:
        names = [
            errors_pb2.RecordName(table=table, key=columns_message(dict(key), "key", table))
            for table, key in error.records[:_MOST_RECORDS]
        ]
        found = errors_pb2.ErrorRecords(names=names)
        while found.names and found.ByteSize() > _LARGEST_DETAILS:
            found.names.pop()
        return found
    if isinstance(error, ConditionNotMetError) and isinstance(error.record, Record):
        found = errors_pb2.ErrorRecords(found=records_message([error.record]))
        return found if found.ByteSize() <= _LARGEST_DETAILS else None
    return None


def _cut(text: str) -> str:
    whole = text.encode(errors="replace")
    if len(whole) <= _LONGEST_TEXT:
        return whole.decode()
    return whole[:_LONGEST_TEXT].decode(errors="ignore") + "…"


def error_of(status: status_pb2.Status) -> ScalarTxError | None:
    """The error of a message; None: it is none of ours."""
    info = error_details_pb2.ErrorInfo()
    if not any(one.Unpack(info) for one in status.details) or info.domain != DOMAIN:
        return None
    told = info.metadata
    kind = _KINDS.get(told.get("kind", ""), ScalarTxError)
    how: dict[str, Any] = {
        "advice": told.get("advice"),
        "code": info.reason,
        "transaction_id": told.get("transaction_id"),
    }
    if kind is not ConditionNotMetError:
        how["retryable"] = told.get("retryable") == "true"
    if kind is ConflictError:
        how["other_transaction"] = told.get("other_transaction")
        how["retry_after"] = _number(told.get("retry_after"))
    if issubclass(kind, StorageUnavailableError):
        how["retry_after"] = _delay(status.details)
    how.update(_concerned(status.details, kind))
    found: ScalarTxError = kind(status.message, **how)
    return found


def _concerned(details: Any, kind: type[ScalarTxError]) -> dict[str, Any]:
    records = errors_pb2.ErrorRecords()
    if not any(one.Unpack(records) for one in details):
        return {}
    try:
        if kind is ConflictError:
            return {"records": [(name.table, columns_of(name.key)) for name in records.names]}
        found = records_of(records.found) if kind is ConditionNotMetError else []
    except MalformedError:
        return {}  # the error itself matters more
    return {"record": found[0]} if found else {}


def _delay(details: Any) -> float | None:
    found = error_details_pb2.RetryInfo()
    if not any(one.Unpack(found) for one in details):
        return None
    return float(found.retry_delay.seconds + found.retry_delay.nanos / 1e9)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
