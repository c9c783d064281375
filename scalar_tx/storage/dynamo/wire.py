"""How are the calls that transactions are made of sent? The driver's way, without its machinery.

The driver spends more on a call than the call takes, and it takes an answer whose headers were cut
short for an empty one: a record that is there would be told to be absent. Region, endpoint,
credentials and certificates are those that the driver finds.
"""

from __future__ import annotations

import json
import zlib
from binascii import a2b_base64, b2a_base64
from time import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.httpsession import get_cert_path  # type: ignore[import-untyped]
from botocore.utils import get_environ_proxies  # type: ignore[import-untyped]

from scalar_tx.storage.dynamo.connections import PORTS, Connections
from scalar_tx.storage.dynamo.settings import BY_BOTO3
from scalar_tx.storage.dynamo.signing import Credentials, Signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.storage.dynamo.answers import Answer
    from scalar_tx.storage.dynamo.settings import DynamoSettings

# The driver's names of the calls sent here, and the service's.
OPERATIONS: Final = {
    "get_item": "GetItem",
    "batch_get_item": "BatchGetItem",
    "query": "Query",
    "scan": "Scan",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "put_item": "PutItem",
    "transact_write_items": "TransactWriteItems",
    "batch_write_item": "BatchWriteItem",
}
_TARGETS: Final = {name: f"DynamoDB_20120810.{theirs}" for name, theirs in OPERATIONS.items()}
_OK: Final = 200


class Wire:
    """Connections to one endpoint, as many as the settings allow, shared by all threads.

    Errors are the driver's: ClientError for what the service answers, its own and those of
    ``connections`` for what happens on the way. A call is sent once.
    """

    def __init__(self, driver: Any, session: Any, settings: DynamoSettings) -> None:
        self._endpoint: str = driver.meta.endpoint_url
        self._session = session
        parts = urlsplit(self._endpoint)
        self._signer = Signer(host_header(self._endpoint), parts.path, driver.meta.region_name)
        bundle = session._session.get_config_variable("ca_bundle")  # noqa: SLF001  # has no other
        self._connections = Connections(
            self._endpoint,
            settings.connections,
            settings.connect_timeout,
            settings.request_timeout,
            bundle or get_cert_path(verify=True),
        )

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call, and return what is answered."""
        body = _encoded(request).encode()
        found = credentials_of(self._session)
        credentials = Credentials(found.access_key, found.secret_key, found.token)
        answer = self._connections.exchange(
            self._signer.request(_TARGETS[operation], body, credentials, time())
        )
        if answer.status != _OK:
            raise ClientError(_error(answer), operation)
        content = _content(answer)
        if content is None:
            raise ConnectionClosedError(endpoint_url=self._endpoint)
        return content

    def close(self) -> None:
        """Let go of all connections."""
        self._connections.close()


class Driven:
    """The same calls as the driver makes them, where it is asked to or there is a proxy."""

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
    if settings.transport == BY_BOTO3 or get_environ_proxies(driver.meta.endpoint_url):
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


def host_header(endpoint: str) -> str:
    """What an endpoint's Host header says: its port only where the scheme does not say it.

    >>> host_header("https://[::1]:443/x"), host_header("http://localhost:8000")
    ('[::1]', 'localhost:8000')
    """
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port in (None, PORTS[parts.scheme]) else f"{host}:{parts.port}"


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b2a_base64(value, newline=False).decode()
    raise TypeError(f"{type(value).__name__} can't be in a request")


_encoded: Final = json.JSONEncoder(
    default=_base64, separators=(",", ":"), check_circular=False
).encode
_decoded: Final = json.JSONDecoder().decode


def _content(answer: Answer) -> dict[str, Any] | None:
    """The answer's content, binary values as bytes; None if it is not whole."""
    data = answer.content
    if answer.checksum is not None and answer.checksum != b"%d" % zlib.crc32(data):
        return None
    try:
        found = _decoded(data.decode())
        if not isinstance(found, dict):
            return None
        _restore_binary(_items(found))
    except (ValueError, TypeError, AttributeError, KeyError):  # no JSON, or of another shape
        return None
    return found


def _items(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The items and keys of an answer, wherever they stand."""
    for name in ("Item", "Attributes", "LastEvaluatedKey"):
        if name in found:
            yield found[name]
    yield from found.get("Items", ())
    for items in (found.get("Responses") or {}).values():
        yield from items
    for left in (found.get("UnprocessedKeys") or {}).values():
        yield from left["Keys"]
    for reason in found.get("CancellationReasons") or ():
        if "Item" in reason:
            yield reason["Item"]
    for requests in (found.get("UnprocessedItems") or {}).values():
        for request in requests:
            for one in request.values():
                yield one.get("Item") or one.get("Key") or {}


def _restore_binary(items: Iterable[dict[str, Any]]) -> None:
    # Lists and maps within an item, which are never ours, keep their text: it is sent as it came.
    for item in items:
        for attribute in item.values():
            if "B" in attribute:
                attribute["B"] = a2b_base64(attribute["B"])


def _error(answer: Answer) -> dict[str, Any]:
    """An error as the driver tells it."""
    content = _content(answer) or {}
    kind = str(content.get("__type") or answer.kind or answer.status)
    return {
        **content,
        "Error": {
            "Code": kind.rpartition("#")[2].partition(":")[0],
            "Message": content.get("message") or content.get("Message") or "",
        },
        "ResponseMetadata": {"HTTPStatusCode": answer.status},
    }
