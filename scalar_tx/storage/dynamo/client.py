"""How is DynamoDB called, and how often?

Every request is sent once. A conditional write that were sent again after a lost reply would be
refused by what its first sending wrote, and the refusal would be believed. What was throttled
did nothing and is tried again here, after pauses drawn anew from a growing range; so is a read of
which no answer came at all, or that the service failed in.
"""

from __future__ import annotations

import os
import random
import ssl
import threading
import time
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import boto3  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]
import urllib3
from botocore.config import Config  # type: ignore[import-untyped]
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.storage.dynamo.errors import (
    FAILED_INSIDE,
    NO_SETTINGS,
    GroupRefusedError,
    Meaning,
    answer_case,
    cancelled_case,
    driver_case,
    storage_error,
)
from scalar_tx.storage.dynamo.wire import OPERATIONS, credentials_of, wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scalar_tx.storage.dynamo.settings import DynamoSettings

_FIRST_PAUSE: Final = 0.05  # seconds; the range of the first pause
_LONGEST_PAUSE: Final = 1.0
_DYNAMODB: Final = "dynamodb"
_WIRE: Final = "the wire"  # beside the driver's clients, which go by their service
_SENDINGS: Final = 3  # of one atomic write whose reply was lost
_UNMET: Final = "ConditionalCheckFailed"
_CANCELLED: Final = "TransactionCanceledException"


class Client:
    """Calls one account in one region, from any thread. Errors are those of ``storage.errors``."""

    def __init__(self, settings: DynamoSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._session: Any = None
        self._process = os.getpid()
        self._closed = False

    def read(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A call that changes nothing, sent again where the service failed inside."""
        return self._patiently(_DYNAMODB, operation, request, write=False)

    def write(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A call that changes something, sent once unless it was throttled."""
        return self._patiently(_DYNAMODB, operation, request, write=True)

    def transact(self, entries: list[dict[str, Any]]) -> None:
        """An atomic write of several items.

        Where its reply is lost the same write is sent again under the same token, under which it
        takes effect once. Only a success settles it then: the first sending may still arrive.
        """
        request = {"TransactItems": entries, "ClientRequestToken": str(uuid.uuid4())}
        for sending in range(1, _SENDINGS + 1):
            try:
                self.write("transact_write_items", request)
            except ReplyLostError:
                if sending == _SENDINGS:
                    raise
                time.sleep(random.random() * _LONGEST_PAUSE)  # noqa: S311  # keeps no secret
            except Exception as error:
                if sending == 1:
                    raise
                raise ReplyLostError(
                    f"DynamoDB: the reply to an atomic write was lost, and then: {error}"
                ) from error
            else:
                return

    def scaling(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A call of Application Auto Scaling."""
        return self._patiently("application-autoscaling", operation, request, write=True)

    def tables(self) -> Iterator[str]:
        """All tables of the account in this region, by the names that they have there."""
        request: dict[str, Any] = {}
        while True:
            answer = self.read("list_tables", request)
            yield from answer["TableNames"]
            if "LastEvaluatedTableName" not in answer:
                return
            request["ExclusiveStartTableName"] = answer["LastEvaluatedTableName"]

    def clock_ahead_ms(self) -> float | None:
        """How far the server's clock is ahead of this machine's, to a second."""
        answer = self.read("list_tables", {"Limit": 1})
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            return None
        # The header has no fractions: on average it is half a second old.
        ahead = parsedate_to_datetime(date) - datetime.now(UTC)
        return ahead.total_seconds() * 1000 + 500

    def place(self) -> str:
        """The address of the server."""
        return str(self._client(_DYNAMODB).meta.endpoint_url)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            self._closed = True
            made, self._made = self._made, {}
        for client in made.values():
            client.close()

    def _patiently(
        self, service: str, operation: str, request: Mapping[str, Any], *, write: bool
    ) -> dict[str, Any]:
        try:
            return self._once(service, operation, request, write=write)
        except (StorageBusyError, StorageUnavailableError) as error:
            if not _passes(error, write=write):
                raise
        time.sleep(random.random() * _FIRST_PAUSE)  # noqa: S311  # keeps no secret
        retrying = Retrying(
            retry=retry_if_exception(lambda error: _passes(error, write=write)),
            stop=stop_after_delay(self.settings.patience),
            wait=wait_random_exponential(multiplier=2 * _FIRST_PAUSE, max=_LONGEST_PAUSE),
            reraise=True,
        )
        return retrying(self._once, service, operation, request, write=write)

    def _once(
        self, service: str, operation: str, request: Mapping[str, Any], *, write: bool
    ) -> dict[str, Any]:
        try:
            return self._send(service, operation, request)
        except botocore.exceptions.ClientError as error:
            raise self._answered(error, operation, write=write) from error
        except (botocore.exceptions.BotoCoreError, urllib3.exceptions.HTTPError) as error:
            names = _class_names(error)
            told = storage_error(f"{operation}: {error}", driver_case(names), write=write)
            if isinstance(told, StorageUnavailableError) and not _CUT.isdisjoint(names):
                raise _CutError(told) from error
            raise told from error

    def _send(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any]
        if service == _DYNAMODB and operation in OPERATIONS:
            found = self._client(_WIRE).call(operation, request)
        else:
            driver = self._client(service)
            credentials_of(self._session)
            found = getattr(driver, operation)(**request)
        return found

    def _answered(self, error: Any, operation: str, *, write: bool) -> Exception:
        told = error.response.get("Error", {})
        code, text = told.get("Code", ""), told.get("Message") or told.get("message") or ""
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == _CANCELLED:
            entries = error.response.get("CancellationReasons", [])
            reasons = [str(one.get("Code", "None")) for one in entries]
            text = ", ".join(
                f"entry {i}: {why} {one.get('Message') or ''}".rstrip()
                for i, (why, one) in enumerate(zip(reasons, entries, strict=True))
                if why != "None"
            )
            case = cancelled_case(reasons, text)
            if reasons and set(reasons) <= _THROTTLED_ENTRIES:
                return _ThrottledError(f"DynamoDB: {operation}: {text}")
            if case.meaning is Meaning.REFUSED:
                return GroupRefusedError(
                    text, [i for i, why in enumerate(reasons) if why == _UNMET]
                )
        else:
            case = answer_case(code, status, text)
        if code in _THROTTLED:
            return _ThrottledError(f"DynamoDB: {operation}: {code} {text}")
        return storage_error(f"{operation}: {code} {text}", case, write=write)

    def _client(self, service: str) -> Any:
        client = self._made.get(service)
        if client is not None and self._process == os.getpid():
            return client
        with self._lock:
            if self._process != os.getpid():
                # Connections are of the process that made them.
                self._made, self._session, self._process = {}, None, os.getpid()
            if self._closed:
                raise InvalidOperationError(
                    "the DynamoDB storage is closed", advice="Connect again", code="STX-3610"
                )
            client = self._made.get(service)
            if client is None:
                client = self._made[service] = self._make(service)
        return client

    def _make(self, service: str) -> Any:
        wanted = self.settings
        try:
            if self._session is None:
                self._session = boto3.session.Session(
                    aws_access_key_id=wanted.access_key,
                    aws_secret_access_key=wanted.secret_key,
                    profile_name=wanted.profile,
                    region_name=wanted.region,
                )
            if service == _WIRE:
                driver = self._made.get(_DYNAMODB)
                if driver is None:
                    driver = self._made[_DYNAMODB] = self._make(_DYNAMODB)
                return wire(driver, self._session, wanted)
            driver = self._session.client(
                service,
                endpoint_url=wanted.endpoint,
                config=Config(
                    connect_timeout=wanted.connect_timeout,
                    read_timeout=wanted.request_timeout,
                    max_pool_connections=wanted.connections,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                ),
            )
            # A driver's client that was made without them would never look for them again.
            credentials_of(self._session)
        except botocore.exceptions.BotoCoreError as error:
            raise storage_error(
                str(error), driver_case(_class_names(error)), write=False
            ) from error
        except ValueError as error:  # the driver does not take the endpoint
            raise storage_error(str(error), NO_SETTINGS, write=False) from error
        return driver


_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
    }
)


# A transaction of which nothing but the capacity of its tables was in the way.
_THROTTLED_ENTRIES: Final = frozenset({"None", "ThrottlingError", "ProvisionedThroughputExceeded"})


class _ThrottledError(StorageBusyError):
    """Nothing changed, and the same call is worth trying after a pause."""


# The connection ended in the middle of an exchange, as a kept one does when its server goes.
_CUT: Final = frozenset(
    {"ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError", "ProtocolError"}
)


class _CutError(StorageUnavailableError):
    """A read whose connection ended; another connection may do better."""

    def __init__(self, told: StorageUnavailableError) -> None:
        super().__init__(told.message, advice=told.advice, code=told.code)


def _passes(error: BaseException, *, write: bool) -> bool:
    """May the same call succeed after a pause, and do no harm?"""
    if isinstance(error, _ThrottledError):
        return True
    if write or not isinstance(error, StorageUnavailableError):
        return False
    return isinstance(error, _CutError) or error.code == FAILED_INSIDE


def _class_names(error: BaseException) -> list[str]:
    """The classes of an error, its cause's first where that is a certificate's refusal."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            break
        if isinstance(seen, ssl.SSLCertVerificationError):
            return ["SSLCertVerificationError"]
        given = getattr(seen, "kwargs", {})
        inner = given.get("error") if isinstance(given, dict) else None
        reason = inner or getattr(seen, "reason", None) or seen.__cause__ or seen.__context__
        if not isinstance(reason, BaseException):
            argument = seen.args[0] if seen.args else None
            reason = argument if isinstance(argument, BaseException) else None
        seen = reason
    return [kind.__name__ for kind in type(error).__mro__]
