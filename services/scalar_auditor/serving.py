"""How is a method of a service served: who calls, what is counted, what does an error become?"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from scalar_auditor.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    ServiceError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from scalar_auditor.permissions import Kind
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.ending_calls import cut_off
from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.cluster.intake import reader, taken
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.observe.carried import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller

    Context = grpc.aio.ServicerContext[Any, Any]
    Send = Callable[[Any], Awaitable[None]]

_log = logging.getLogger("scalar_auditor")

DOMAIN: Final = "scalar-auditor"
_DETAILS: Final = "grpc-status-details-bin"

ANYBODY: Final = frozenset(Kind)
LOGGED_IN: Final = frozenset({Kind.PERSON, Kind.SERVICE})
PEOPLE: Final = frozenset({Kind.PERSON})
SERVICES: Final = frozenset({Kind.SERVICE})


@dataclass(frozen=True, slots=True)
class Method:
    """One method. ``callers``: whom it is for at all; what they may do there, ``serve`` finds out.

    ``serve`` takes the request and its Caller and returns the answer; of a method with a stream of
    answers it takes, third, what sends one, and returns nothing.
    """

    serve: Callable[..., Awaitable[Any]]
    callers: frozenset[Kind]


def handler(
    auditor: Auditor, service: ServiceDescriptor, methods: Mapping[str, Method]
) -> grpc.GenericRpcHandler:
    """What serves all methods of a service; each of them has to be there."""
    missing = {one.name for one in service.methods} ^ methods.keys()
    if missing:
        raise AssertionError(f"{service.full_name}: {sorted(missing)}")
    auditor.metrics.prepare(service.name, methods)
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {one.name: _handler_of(auditor, one, methods[one.name]) for one in service.methods},
    )


def _handler_of(auditor: Auditor, described: MethodDescriptor, method: Method) -> Any:
    takes = reader(GetMessageClass(described.input_type), auditor.elements)
    gives = GetMessageClass(described.output_type).SerializeToString
    call = _Call(auditor, described, method)
    if described.server_streaming:
        return grpc.unary_stream_rpc_method_handler(call.streaming, takes, gives)
    return grpc.unary_unary_rpc_method_handler(call.unary, takes, gives)


class _Call:
    """Serves one method."""

    def __init__(self, auditor: Auditor, described: MethodDescriptor, method: Method) -> None:
        self._auditor = auditor
        self._service = described.containing_service.name
        self._name = described.name
        self._path = f"{described.containing_service.full_name}/{described.name}"
        self._method = method

    async def unary(self, request: Any, context: Context) -> Any:
        began, code = time.monotonic(), "OK"
        try:
            caller = await self._admitted(taken(request), context)
            # Who has no transaction yet is refused in a pause; what has one, it waits for.
            with self._auditor.gate.admit(), self._within(context):
                return await self._method.serve(request, caller)
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception as error:  # noqa: BLE001  # it is told to the caller
            status = status_of(error)
            code = grpc_code(status.code).name
            await _refuse(context, status)
        finally:
            self._count(code, began)

    # It is awaited, and writes to the context by itself: no generator, which could be left in the
    # middle.
    async def streaming(self, request: Any, context: Context) -> None:
        began, code = time.monotonic(), "OK"
        try:
            caller = await self._admitted(taken(request), context)
            with self._within(context):
                # Each of its transactions passes the gate (``Auditor.step``): no pause could wait
                # for the end of a stream.
                await self._method.serve(request, caller, context.write)
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except grpc.aio.InternalError as error:
            code = "CANCELLED"
            raise asyncio.CancelledError from error  # its client has gone, and reads nothing
        except Exception as error:  # noqa: BLE001  # it is told to the caller
            status = status_of(error)
            code = grpc_code(status.code).name
            await _refuse(context, status)
        finally:
            self._count(code, began)

    async def _admitted(self, request: Any, context: Context) -> Caller:
        headers = dict(context.invocation_metadata() or ())
        caller = await self._auditor.access.caller(
            str(headers.get("authorization", "")), context.peer() or ""
        )
        check_kind(caller, self._method)
        return caller

    def _within(self, context: Context) -> Any:
        metadata = context.invocation_metadata()
        return served(f"{self._service}.{self._name}", self._path, metadata)

    def _count(self, code: str, began: float) -> None:
        seconds = time.monotonic() - began
        self._auditor.metrics.request_ended(self._service, self._name, code, seconds)


def check_kind(caller: Caller, method: Method) -> None:
    """UnauthenticatedError, PermissionDeniedError: the method is not for callers of that kind."""
    if caller.kind in method.callers:
        return
    if caller.kind is Kind.NOBODY:
        raise UnauthenticatedError("log in, and send the access token with each call")
    whom = "services, with a SERVICE token" if Kind.SERVICE in method.callers else "people"
    raise PermissionDeniedError(f"this method is for {whom}", reason="WRONG_KIND_OF_CALLER")


def grpc_code(number: int) -> grpc.StatusCode:
    """The code of that number."""
    return _CODES[number]


_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def status_of(error: Exception) -> status_pb2.Status:
    """What a caller hears of an error; what they may not hear of is written to the log."""
    if isinstance(error, ServiceError):
        return _status(
            grpc.StatusCode[error.status.name],
            error.message,
            error.reason,
            error.metadata,
            _more_of(error),
        )
    if isinstance(error, MalformedError):
        return _status(grpc.StatusCode.INVALID_ARGUMENT, str(error), "MALFORMED_REQUEST", {})
    if isinstance(error, GateClosedError):
        text = "the node is paused, for a backup: nothing was done, try again"
        return _status(grpc.StatusCode.UNAVAILABLE, text, "PAUSED", {})
    if isinstance(error, TooManyAttemptsError):
        seconds = error.retry_after or 1.0
        return _status(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "too many passwords or codes are tried: wait a little",
            "TOO_MANY_ATTEMPTS",
            {"retry_after": f"{seconds:g}"},
            [_retry_after(seconds)],
        )
    if isinstance(error, ScalarTxError):
        return _of_transaction(error)
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s", incident, exc_info=error)
    return _status(
        grpc.StatusCode.INTERNAL,
        f"the service has failed at this request, incident {incident}",
        "INTERNAL",
        {"incident": incident},
    )


def _of_transaction(error: ScalarTxError) -> status_pb2.Status:
    metadata = {} if error.transaction_id is None else {"transaction_id": error.transaction_id}
    if isinstance(error, UnknownOutcomeError):
        # It says that a call may have been done all the same, which no other code does.
        text = "whether this was done could not be found out: look before it is sent again"
        return _status(grpc.StatusCode.DEADLINE_EXCEEDED, text, "OUTCOME_UNKNOWN", metadata)
    if isinstance(error, ConflictError):
        text = "others changed the same records all the time; nothing was done"
        return _status(grpc.StatusCode.ABORTED, text, "CONFLICT", metadata)
    if isinstance(error, StorageUnavailableError):
        text = "the database can't be reached now; nothing was done"
        return _status(grpc.StatusCode.UNAVAILABLE, text, "STORAGE_UNAVAILABLE", metadata)
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s: %s", incident, error.code, exc_info=error)
    return _status(
        grpc.StatusCode.INTERNAL,
        f"the service has failed at this request, incident {incident}",
        "INTERNAL",
        {"incident": incident, "code": error.code},
    )


def _more_of(error: ServiceError) -> list[Any]:
    if isinstance(error, InvalidArgumentError):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message
        )
        return [error_details_pb2.BadRequest(field_violations=[violation])]
    if isinstance(error, TooManyRequestsError):
        return [_retry_after(error.retry_after)]
    return []


def _retry_after(seconds: float) -> Any:
    delay = Duration()
    delay.FromMicroseconds(max(0, round(seconds * 1e6)))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _status(
    code: grpc.StatusCode,
    text: str,
    reason: str,
    metadata: Mapping[str, str],
    more: Iterable[Any] = (),
) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=text)
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    for detail in (info, *more):
        status.details.add().Pack(detail)
    return status


async def _refuse(context: Context, status: status_pb2.Status) -> None:
    trailers = ((_DETAILS, status.SerializeToString()),)
    await cut_off(context, grpc_code(status.code), status.message, trailers)
