"""How are the calls that transactions are made of sent? The driver's way, without its machinery.

The driver spends more on a call than the call takes, and it takes an answer whose headers were cut
short for an empty one: a record that is there would be told to be absent. Region, endpoint,
credentials and certificates are those that the driver finds, and the driver signs the requests.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.httpsession import get_cert_path  # type: ignore[import-untyped]
from botocore.utils import get_environ_proxies  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.storage.dynamo.settings import DynamoSettings

# The driver's names of the calls sent here, and the service's.
OPERATIONS: Final = {
    "get_item": "GetItem",
    "query": "Query",
    "scan": "Scan",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "put_item": "PutItem",
    "transact_write_items": "TransactWriteItems",
    "batch_write_item": "BatchWriteItem",
}
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_TARGET: Final = "DynamoDB_20120810"
_SERVICE: Final = "dynamodb"
_OK: Final = 200
_PORTS: Final = {"http": 80, "https": 443}


class Wire:
    """Connections to one endpoint, as many as the settings allow, shared by all threads.

    Errors are the driver's: ClientError for what the service answers, ``urllib3.exceptions`` and
    the driver's own for what happens on the way. A call is sent once.
    """

    def __init__(self, driver: Any, session: Any, settings: DynamoSettings) -> None:
        self._settings = settings
        self._endpoint: str = driver.meta.endpoint_url
        self._region: str = driver.meta.region_name
        self._session = session
        parts = urlsplit(self._endpoint)
        self._path = parts.path or "/"
        self._host = parts.hostname or ""
        if parts.port not in (None, _PORTS[parts.scheme]):
            self._host += f":{parts.port}"
        bundle = session._session.get_config_variable("ca_bundle")  # noqa: SLF001  # has no other
        self._certificates = bundle or get_cert_path(verify=True)
        self._pool = self._connect()

    def _connect(self) -> urllib3.HTTPConnectionPool:
        parts = urlsplit(self._endpoint)
        wanted = self._settings
        common: dict[str, Any] = {
            "port": parts.port or _PORTS[parts.scheme],
            "maxsize": wanted.connections,
            "block": True,
            "timeout": urllib3.Timeout(connect=wanted.connect_timeout, read=wanted.request_timeout),
            "retries": False,
        }
        host = parts.hostname or ""
        if parts.scheme == "http":
            return urllib3.HTTPConnectionPool(host, **common)
        return urllib3.HTTPSConnectionPool(
            host, cert_reqs="CERT_REQUIRED", ca_certs=self._certificates, **common
        )

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call, and return what is answered."""
        body = json.dumps(request, default=_base64).encode()
        patience: Any = self._settings.request_timeout
        answer = self._pool.urlopen(
            "POST",
            self._path,
            body=body,
            headers=self._headers(f"{_TARGET}.{OPERATIONS[operation]}", body),
            retries=False,
            redirect=False,
            assert_same_host=False,
            pool_timeout=patience,
        )
        if answer.status != _OK:
            raise ClientError(_error(answer), operation)
        found = _content(answer)
        if found is None:
            raise ConnectionClosedError(endpoint_url=self._endpoint)
        return found

    def _headers(self, target: str, body: bytes) -> dict[str, str]:
        request = AWSRequest(
            "POST",
            self._endpoint,
            headers={"content-type": CONTENT_TYPE, "host": self._host, "x-amz-target": target},
            data=body,
        )
        SigV4Auth(credentials_of(self._session), _SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())

    def close(self) -> None:
        """Let go of all connections."""
        self._pool.close()


class Driven:
    """The same calls as the driver makes them, for an endpoint behind a proxy."""

    def __init__(self, driver: Any, session: Any) -> None:
        self._driver = driver
        self._session = session

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call, and return what is answered."""
        credentials_of(self._session)
        found: dict[str, Any] = getattr(self._driver, operation)(**request)
        headers = found["ResponseMetadata"]["HTTPHeaders"]
        if "content-length" not in headers and "transfer-encoding" not in headers:
            raise ConnectionClosedError(endpoint_url=self._driver.meta.endpoint_url)
        return found

    def close(self) -> None:
        """The driver is closed by whoever made it."""


def wire(driver: Any, session: Any, settings: DynamoSettings) -> Wire | Driven:
    """What sends the calls of transactions to where a driver's client does."""
    if get_environ_proxies(driver.meta.endpoint_url):
        return Driven(driver, session)
    return Wire(driver, session, settings)


def credentials_of(session: Any) -> Any:
    """What signs a request now: renewed where it had expired, looked for where there was none.

    The driver's errors; what is not the endpoint's own answer must not pass for one.
    """
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    try:
        return found.get_frozen_credentials()
    except (ClientError, HTTPClientError, RuntimeError) as error:
        raise CredentialRetrievalError(provider=found.method, error_msg=str(error)) from error


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} can't be in a request")


def _with_binary(found: dict[str, Any]) -> dict[str, Any]:
    if len(found) == 1:
        binary = found.get("B")
        if isinstance(binary, str):
            found["B"] = base64.b64decode(binary)
    return found


def _content(answer: Any) -> dict[str, Any] | None:
    """The answer's content; None if it is not whole."""
    data: bytes = answer.data
    checksum = answer.headers.get("x-amz-crc32")
    if checksum is not None and checksum != str(zlib.crc32(data)):
        return None
    try:
        found = json.loads(data, object_hook=_with_binary)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _error(answer: Any) -> dict[str, Any]:
    """An error as the driver tells it."""
    content = _content(answer) or {}
    kind = str(content.get("__type") or answer.headers.get("x-amzn-errortype") or answer.status)
    return {
        **content,
        "Error": {
            "Code": kind.rpartition("#")[2].partition(":")[0],
            "Message": content.get("message") or content.get("Message") or "",
        },
        "ResponseMetadata": {"HTTPStatusCode": answer.status},
    }
