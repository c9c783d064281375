"""What does a client hear instead of an answer? (Services specification 5)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

_DETAILS: Final = "grpc-status-details-bin"
_ADVICE: Final[Mapping[str, str]] = {
    "INVALID_ARGUMENT": "Correct the field that is named, and send it again",
    "NOT_FOUND": "Check the id, and whether you may see it: who may not is told the same",
    "ALREADY_EXISTS": "Choose another id, or look at what is there",
    "FAILED_PRECONDITION": "Look at how things stand, and send what suits it",
    "PERMISSION_DENIED": "Ask somebody with a higher role on it",
    "UNAUTHENTICATED": "Log in again",
    "RESOURCE_EXHAUSTED": "Wait a little, and try again",
    "ABORTED": "Nothing was done: try again",
    "UNAVAILABLE": "Check the address, and that the node runs and is ready; then try again",
    "UNIMPLEMENTED": "Start the node with this service: scalar-tx node --services …",
    "INTERNAL": "Tell the node's operator the incident; its log says what went wrong",
}
# Where a reason says more of what to do than its code does.
_ADVICE_OF_REASON: Final[Mapping[str, str]] = {
    "WRONG_KIND_OF_CALLER": "People log in; a service calls with its own token "
    "(at the command line: SCALAR_AUDITOR_TOKEN, which people leave unset)",
}


class AuditorError(Exception):
    """A call ended without an answer, and nothing of it was done.

    ``code`` is gRPC's, by name; ``reason`` is stable, in capitals, and empty where no service
    answered; ``metadata`` holds ids; ``field`` is the path of the field that can't be right.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.field = field
        self.advice = (
            advice or _ADVICE_OF_REASON.get(reason) or _ADVICE.get(code, "The node's log says more")
        )

    def __str__(self) -> str:
        where = f" {self.reason}" if self.reason else ""
        return f"{self.message} ({self.code}{where})"

    @property
    def retry_after(self) -> float | None:
        """After how many seconds the service looks at it again; None: it does not say."""
        try:
            return float(self.metadata["retry_after"])
        except (KeyError, ValueError):
            return None


class OutcomeUnknownError(AuditorError):
    """The call may have been done, or not: never take it for a failure. Look before you repeat it.

    A call that can be repeated was repeated until its time was over.
    """


def error_of(error: Any, *, writes: bool) -> AuditorError:
    """What a failed call of gRPC means. ``writes``: it may have changed something."""
    code = error.code().name
    message = error.details() or "there was no answer"
    info, field = error_details_pb2.ErrorInfo(), ""
    details = dict(error.trailing_metadata() or ()).get(_DETAILS)
    for detail in status_pb2.Status.FromString(details).details if details else ():
        bad = error_details_pb2.BadRequest()
        detail.Unpack(info)
        if detail.Unpack(bad) and bad.field_violations:
            field = bad.field_violations[0].field
    found = AuditorError(
        message, code=code, reason=info.reason, metadata=info.metadata, field=field
    )
    return unclear_before(found) if writes and _is_unclear(found) else found


def unclear_before(error: AuditorError) -> OutcomeUnknownError:
    """What a call ends with that may have been done, by this attempt or by one before it."""
    return OutcomeUnknownError(
        f"whether this was done is not known: {error.message}",
        code=error.code,
        reason="OUTCOME_UNKNOWN",
        metadata=error.metadata,
        advice="Look whether it was done before you send it again",
    )


# What gRPC says of a request that it could not even send.
_NEVER_SENT: Final = ("failed to connect to all addresses", "DNS resolution failed")
# What a call may end with whose answer was lost.
_LOST: Final = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL", "DATA_LOSS"}


def was_never_sent(error: AuditorError) -> bool:
    """Was there nobody to send the call to?"""
    return error.code == "UNAVAILABLE" and any(part in error.message for part in _NEVER_SENT)


def _is_unclear(error: AuditorError) -> bool:
    """May a call have been done although it ended so? What a service refuses is not."""
    if error.reason:
        return error.reason == "OUTCOME_UNKNOWN"
    return error.code in _LOST and not was_never_sent(error)
