"""How is DynamoDB called? The one module that touches the driver.

The driver sends every request once. A conditional write that it sent again after a lost reply would
be refused by what its first sending wrote, and the refusal would be believed. What was throttled
did nothing and is tried again here, after pauses drawn anew from a growing range.
"""

from __future__ import annotations

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
    GroupRefusedError,
    Meaning,
    answer_case,
    cancelled_case,
    driver_case,
    storage_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.storage.dynamo.settings import DynamoSettings

_FIRST_PAUSE: Final = 0.05  # seconds; the range of the first pause
_LONGEST_PAUSE: Final = 1.0
_SENDINGS: Final = 3  # of one atomic write whose reply was lost
_UNMET: Final = "ConditionalCheckFailed"
_CANCELLED: Final = "TransactionCanceledException"


class Client:
    """Calls one account in one region, from any thread. Errors are those of ``storage.errors``."""

    def __init__(self, settings: DynamoSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._closed = False

    def read(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A call that changes nothing, sent again where the service failed inside."""
        return self._patiently(
            lambda: self._once("dynamodb", operation, request, write=False), _failed_inside
        )

    def write(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A call that changes something, sent once unless it was throttled."""
        return self._patiently(lambda: self._once("dynamodb", operation, request, write=True))

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
        return self._patiently(
            lambda: self._once("application-autoscaling", operation, request, write=True)
        )

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
        return str(self._client("dynamodb").meta.endpoint_url)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            self._closed = True
            made, self._made = self._made, {}
        for client in made.values():
            client.close()

    def _patiently(
        self,
        call: Callable[[], dict[str, Any]],
        passing: Callable[[BaseException], bool] = lambda _: False,
    ) -> dict[str, Any]:
        retrying = Retrying(
            retry=retry_if_exception(lambda e: isinstance(e, _ThrottledError) or passing(e)),
            stop=stop_after_delay(self.settings.patience),
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
            reraise=True,
        )
        return retrying(call)

    def _once(
        self, service: str, operation: str, request: Mapping[str, Any], *, write: bool
    ) -> dict[str, Any]:
        try:
            found: dict[str, Any] = getattr(self._client(service), operation)(**request)
        except botocore.exceptions.ClientError as error:
            raise self._answered(error, operation, write=write) from error
        except botocore.exceptions.BotoCoreError as error:
            case = driver_case(_class_names(error))
            raise storage_error(f"{operation}: {error}", case, write=write) from error
        return found

    def _answered(self, error: Any, operation: str, *, write: bool) -> Exception:
        told = error.response.get("Error", {})
        code, text = told.get("Code", ""), told.get("Message") or told.get("message") or ""
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == _CANCELLED:
            reasons = [
                str(one.get("Code", "None"))
                for one in error.response.get("CancellationReasons", [])
            ]
            case = cancelled_case(reasons)
            text = ", ".join(f"entry {i}: {why}" for i, why in enumerate(reasons) if why != "None")
            if reasons and set(reasons) <= _THROTTLED_ENTRIES:
                return _ThrottledError(f"DynamoDB: {operation}: {text}")
            if case.meaning is Meaning.REFUSED:
                return GroupRefusedError(
                    text, [i for i, why in enumerate(reasons) if why == _UNMET]
                )
        else:
            case = answer_case(code, status)
        if code in _THROTTLED:
            return _ThrottledError(f"DynamoDB: {operation}: {code} {text}")
        return storage_error(f"{operation}: {code} {text}", case, write=write)

    def _client(self, service: str) -> Any:
        client = self._made.get(service)
        if client is not None:
            return client
        with self._lock:
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
            session = boto3.session.Session(
                aws_access_key_id=wanted.access_key,
                aws_secret_access_key=wanted.secret_key,
                profile_name=wanted.profile,
                region_name=wanted.region,
            )
            return session.client(
                service,
                endpoint_url=wanted.endpoint,
                config=Config(
                    connect_timeout=wanted.connect_timeout,
                    read_timeout=wanted.request_timeout,
                    max_pool_connections=wanted.connections,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                ),
            )
        except botocore.exceptions.BotoCoreError as error:
            raise storage_error(
                str(error), driver_case(_class_names(error)), write=False
            ) from error


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


def _failed_inside(error: BaseException) -> bool:
    return isinstance(error, StorageUnavailableError) and error.code == FAILED_INSIDE


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
