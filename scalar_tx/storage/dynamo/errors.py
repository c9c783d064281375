"""What does an error of DynamoDB, or of the way to it, mean for the call it struck?

DynamoDB refuses with status 4xx before it changes anything; with 5xx it does not know itself how
far it came. Of the driver's own errors some come before the request is sent, all others after. What
is not listed may have taken effect. Sources: the error lists of DynamoDB's API reference, and the
driver's exceptions; Storage specification 4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SettingsError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class GroupRefusedError(WriteRefusedError):
    """Conditions of an atomic write were not met; ``positions`` are those of its entries."""

    def __init__(self, text: str, positions: Sequence[int]) -> None:
        super().__init__(text)
        self.positions = tuple(positions)


class Meaning(Enum):
    """What the protocol must do about an error of a write."""

    REFUSED = "a condition was not met; nothing changed"
    BUSY = "throttled, or another transaction is at the record; nothing changed"
    UNAVAILABLE = "nothing was done"
    LOST = "may have taken effect"
    MISSING = "there is no such table; nothing changed"
    WRONG = "can never succeed as it is; nothing changed"
    SETTINGS = "the settings can't be used; nothing was sent"


@dataclass(frozen=True)
class Case:
    """One error: its meaning, what to do, and the code where the meaning does not say it.

    A read can't be lost: there it is unavailability.
    """

    meaning: Meaning
    advice: str
    code: str = "STX-4601"
    retryable: bool = True  # of unavailability: may it pass within a minute?


_AGAIN: Final = "Try again; the table may need more capacity"
_CREDENTIALS: Final = (
    "Give valid credentials: scalar.db.username and password, a profile, a role, or the "
    "environment; temporary ones must not have expired"
)
_RIGHTS: Final = "Let these credentials use the table, its indexes and the metadata table"
_CLOCK: Final = (
    "Set this machine's clock, which signs every request, and check the region and the credentials"
)
_CALL: Final = "Check the call, and that the table is made as its definition says"
_TOO_LARGE: Final = (
    "Write smaller values: a record holds 400 KB, an atomic write 4 MB, and while a transaction is "
    "under way a record holds its values before and after"
)
_SERVER: Final = "Try again; if it goes on, look at the service's health page"
_REACH: Final = "Check the region, the endpoint and the network, and that the server is there"

FAILED_INSIDE: Final = "STX-4607"
BUSY: Final = Case(Meaning.BUSY, _AGAIN)
_NO_RIGHTS: Final = Case(Meaning.UNAVAILABLE, _RIGHTS, "STX-4603", retryable=False)
_NO_CREDENTIALS: Final = Case(Meaning.UNAVAILABLE, _CREDENTIALS, "STX-4602", retryable=False)
# Whoever hands them out did not do so this time.
_CREDENTIALS_LATER: Final = Case(Meaning.UNAVAILABLE, _CREDENTIALS, "STX-4602")
_NO_CLOCK: Final = Case(Meaning.UNAVAILABLE, _CLOCK, "STX-4604", retryable=False)
_NO_SERVER: Final = Case(Meaning.UNAVAILABLE, _REACH, "STX-4605")
_NO_TRUST: Final = Case(
    Meaning.UNAVAILABLE,
    "Check the endpoint's scheme and certificate",
    "STX-4606",
    retryable=False,
)
_MISSING: Final = Case(Meaning.MISSING, "Create it with the schema loader")
_WRONG: Final = Case(Meaning.WRONG, _CALL, "STX-3608")
TOO_LARGE: Final = Case(Meaning.WRONG, _TOO_LARGE, "STX-3613")
_UNSURE: Final = Case(Meaning.LOST, _SERVER, FAILED_INSIDE)
NO_SETTINGS: Final = Case(Meaning.SETTINGS, "Correct the settings")
# Of a code that is not listed nothing is known; 4xx is no proof for it.
UNKNOWN: Final = Case(Meaning.LOST, "See the cause of this error")

# What the service answers.
ANSWERS: Final[dict[str, Case]] = {
    "ConditionalCheckFailedException": Case(Meaning.REFUSED, _CALL),
    "TransactionConflictException": BUSY,
    "ProvisionedThroughputExceededException": BUSY,
    "ThrottlingException": BUSY,
    "Throttling": BUSY,
    "RequestLimitExceeded": BUSY,
    "ReplicatedWriteConflictException": BUSY,
    # A definition is being changed.
    "LimitExceededException": BUSY,
    "ResourceInUseException": BUSY,
    "TableInUseException": BUSY,
    "ConcurrentUpdateException": BUSY,
    "ContinuousBackupsUnavailableException": BUSY,
    "IndexNotFoundException": _MISSING,
    "ResourceNotFoundException": _MISSING,
    "TableNotFoundException": _MISSING,
    "ObjectNotFoundException": _MISSING,
    "ValidationException": _WRONG,
    "SerializationException": _WRONG,
    "ItemCollectionSizeLimitExceededException": _WRONG,
    "DuplicateItemException": _WRONG,
    "UnknownOperationException": _WRONG,
    "IdempotentParameterMismatchException": _WRONG,
    "AccessDeniedException": _NO_RIGHTS,
    "AccessDenied": _NO_RIGHTS,
    "NotAuthorized": _NO_RIGHTS,
    "OptInRequired": _NO_RIGHTS,
    "InaccessibleEncryptionKeyException": _NO_RIGHTS,
    "FailedResourceAccessException": _NO_RIGHTS,
    "IncompleteSignatureException": _NO_CREDENTIALS,
    "InvalidAccessKeyId": _NO_CREDENTIALS,
    "InvalidClientTokenId": _NO_CREDENTIALS,
    "MissingAuthenticationToken": _NO_CREDENTIALS,
    "MissingAuthenticationTokenException": _NO_CREDENTIALS,
    "UnrecognizedClientException": _NO_CREDENTIALS,
    "ExpiredToken": _NO_CREDENTIALS,
    "ExpiredTokenException": _NO_CREDENTIALS,
    "InvalidSignatureException": _NO_CLOCK,
    "SignatureDoesNotMatch": _NO_CLOCK,
    "RequestExpired": _NO_CLOCK,
    "RequestTimeTooSkewed": _NO_CLOCK,
    # The first sending of this very write is still at work.
    "TransactionInProgressException": Case(Meaning.LOST, "Try again", FAILED_INSIDE),
    "InternalServerError": _UNSURE,
    "InternalServiceException": _UNSURE,
    "InternalServerErrorException": _UNSURE,
    "InternalFailure": _UNSURE,
    "ServiceUnavailable": _UNSURE,
    "ServiceUnavailableException": _UNSURE,
    "RequestTimeout": _UNSURE,
    "RequestTimeoutException": _UNSURE,
}

# What the driver and urllib3 raise by themselves, by the name of the class or of a base.
DRIVER: Final[dict[str, Case]] = {
    "EndpointConnectionError": _NO_SERVER,
    "ConnectTimeoutError": _NO_SERVER,
    "ProxyConnectionError": _NO_SERVER,
    "InvalidProxiesConfigError": NO_SETTINGS,
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "CredentialRetrievalError": _CREDENTIALS_LATER,
    "TokenRetrievalError": _CREDENTIALS_LATER,
    "UnauthorizedSSOTokenError": _NO_CREDENTIALS,
    "SSOError": _NO_CREDENTIALS,
    "RefreshWithMFAUnsupportedError": _NO_CREDENTIALS,
    "MetadataRetrievalError": _CREDENTIALS_LATER,
    "NoRegionError": NO_SETTINGS,
    "InvalidRegionError": NO_SETTINGS,
    "ProfileNotFound": NO_SETTINGS,
    "ConfigNotFound": NO_SETTINGS,
    "ConfigParseError": NO_SETTINGS,
    "InvalidConfigError": NO_SETTINGS,
    "ParamValidationError": _WRONG,
    # Of an SSL error only a certificate that was refused is known to come before the request.
    "SSLCertVerificationError": _NO_TRUST,
    "SSLError": Case(Meaning.LOST, "Check the endpoint's scheme and certificate", "STX-4606"),
    "ReadTimeoutError": Case(Meaning.LOST, _REACH, "STX-4605"),
    "ConnectionClosedError": Case(Meaning.LOST, _REACH, "STX-4605"),
    "ResponseStreamingError": Case(Meaning.LOST, _REACH, "STX-4605"),
    "IncompleteReadError": Case(Meaning.LOST, _REACH, "STX-4605"),
    "HTTPClientError": Case(Meaning.LOST, _REACH, "STX-4605"),
    "NewConnectionError": _NO_SERVER,
    "ProtocolError": Case(Meaning.LOST, _REACH, "STX-4605"),
    # Our own connections' (see ``connections``).
    "NoFreeConnectionError": Case(
        Meaning.BUSY, "Allow more connections: scalar.db.connection_pool"
    ),
    "HandshakeError": Case(
        Meaning.UNAVAILABLE, "Check the endpoint's scheme and certificate", "STX-4606"
    ),
}

# Of a record or a request that is too large the text alone tells.
_SIZE: Final = re.compile(r"\b(item|payload|request) size\b.*\bexceed", re.IGNORECASE)
_BODY_TOO_LARGE: Final = 413

# Why one entry of a transaction was cancelled.
REASONS: Final[dict[str, Meaning]] = {
    "None": Meaning.BUSY,
    "TransactionConflict": Meaning.BUSY,
    "ThrottlingError": Meaning.BUSY,
    "ProvisionedThroughputExceeded": Meaning.BUSY,
    "ConditionalCheckFailed": Meaning.REFUSED,
    "ValidationError": Meaning.WRONG,
    "ItemCollectionSizeLimitExceeded": Meaning.WRONG,
    "DuplicateItem": Meaning.WRONG,
    "AccessDenied": Meaning.UNAVAILABLE,
}


def answer_case(code: str, status: int, text: str = "") -> Case:
    """The case of an error that the service answered, with its text."""
    if status == _BODY_TOO_LARGE or (code == "ValidationException" and _SIZE.search(text)):
        return TOO_LARGE
    found = ANSWERS.get(code)
    if found is None:
        return _UNSURE if status >= 500 else UNKNOWN
    return found


def driver_case(classes: Sequence[str]) -> Case:
    """The case of an error of the driver, by the names of its classes, the nearest first."""
    return next((DRIVER[name] for name in classes if name in DRIVER), UNKNOWN)


def cancelled_case(reasons: Sequence[str], text: str = "") -> Case:
    """The case of a cancelled transaction, of which nothing took effect."""
    meanings = {REASONS.get(reason, Meaning.WRONG) for reason in reasons}
    if Meaning.REFUSED in meanings:
        return Case(Meaning.REFUSED, _CALL)
    if Meaning.UNAVAILABLE in meanings:
        return _NO_RIGHTS
    if Meaning.WRONG in meanings:
        return TOO_LARGE if _SIZE.search(text) else _WRONG
    return BUSY


def storage_error(text: str, case: Case, *, write: bool) -> Exception:
    """The error to raise for a case."""
    text = f"DynamoDB: {text}"
    match case.meaning:
        case Meaning.REFUSED:
            return WriteRefusedError(text)
        case Meaning.BUSY:
            return StorageBusyError(text)
        case Meaning.MISSING:
            return InvalidOperationError(text, advice=case.advice, code="STX-3017")
        case Meaning.WRONG:
            return InvalidOperationError(text, advice=case.advice, code=case.code)
        case Meaning.SETTINGS:
            return SettingsError(text, advice=case.advice, code="STX-3609")
        case Meaning.LOST if write:
            return ReplyLostError(text)
        case _:
            return StorageUnavailableError(
                text, advice=case.advice, code=case.code, retryable=case.retryable
            )
