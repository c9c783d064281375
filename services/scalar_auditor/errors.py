"""What does a service answer instead of a result? (Services specification 5)

Rules raise these; ``serving`` makes a status of gRPC of them. Nothing was changed where one is
raised.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final

from scalar_tx.errors import ConflictError, StorageUnavailableError, UnknownOutcomeError

# What keeps a transaction from being done now, and not for good.
HINDRANCES: Final = (ConflictError, StorageUnavailableError, UnknownOutcomeError)


class Status(Enum):
    """The codes of gRPC that services answer, by name."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"


class ServiceError(Exception):
    """A refusal. ``reason`` is stable, in capitals; ``metadata`` holds ids, never secrets."""

    status: ClassVar[Status]
    default_reason: ClassVar[str]

    def __init__(self, message: str, *, reason: str | None = None, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = metadata


class InvalidArgumentError(ServiceError):
    """A field of the request can't be right; ``field`` is its path in the request."""

    status = Status.INVALID_ARGUMENT
    default_reason = "INVALID_FIELD"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)
        self.field = field


class NotFoundError(ServiceError):
    """There is no such thing, or the caller may not see it: no difference is told."""

    status = Status.NOT_FOUND
    default_reason = "NOT_FOUND"


class AlreadyExistsError(ServiceError):
    """There is one already, and it is another."""

    status = Status.ALREADY_EXISTS
    default_reason = "ALREADY_EXISTS"


class FailedPreconditionError(ServiceError):
    """Not as things stand; give a ``reason``."""

    status = Status.FAILED_PRECONDITION
    default_reason = "FAILED_PRECONDITION"


class PermissionDeniedError(ServiceError):
    """The caller may see it, and may not do this."""

    status = Status.PERMISSION_DENIED
    default_reason = "PERMISSION_DENIED"


class UnauthenticatedError(ServiceError):
    """It is not known who calls."""

    status = Status.UNAUTHENTICATED
    default_reason = "UNAUTHENTICATED"


class TooManyRequestsError(ServiceError):
    """Not now; ``retry_after`` in seconds."""

    status = Status.RESOURCE_EXHAUSTED
    default_reason = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, *, retry_after: float, reason: str | None = None) -> None:
        super().__init__(message, reason=reason, retry_after=f"{retry_after:g}")
        self.retry_after = retry_after
