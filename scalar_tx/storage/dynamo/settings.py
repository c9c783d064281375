"""What do the settings say of a DynamoDB? (Storage specification 9.2 and 9.4)

The contact point is an AWS region, ScalarDB's way, or ``dynamodb://region?endpoint=…``. Without
user name and password the credentials are those that every program with the AWS SDK finds: the
environment, a profile, a role, the machine's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

PREFIX: Final = "scalar.db.dynamo."
# Our own, besides ScalarDB's.
PROPERTIES: Final = (
    "dynamo.profile",
    "dynamo.connect_timeout_millis",
    "dynamo.request_timeout_millis",
    "dynamo.transport",
)
# Who sends the calls of transactions.
BY_US: Final = "fast"
BY_BOTO3: Final = "boto3"

_REGION: Final = re.compile(r"[a-z0-9-]{1,64}")
_HOST: Final = re.compile(r"[a-z0-9.-]{1,255}|[0-9a-f:.]+")  # a name or an address
_DEFAULT_CONNECTIONS: Final = 32


@dataclass(frozen=True)
class DynamoSettings:
    """One account in one region, and how it is called. Times are in seconds."""

    region: str | None  # None: as the profile or the environment says
    endpoint: str | None = None
    prefix: str = ""
    metadata_namespace: str = "scalardb"
    access_key: str | None = None
    secret_key: str | None = None
    profile: str | None = None
    connections: int = _DEFAULT_CONNECTIONS
    connect_timeout: float = 5.0
    request_timeout: float = 10.0
    patience: float = 5.0  # for how long a throttled call is tried again
    transport: str = BY_US

    def __repr__(self) -> str:
        where = f", endpoint={self.endpoint!r}" if self.endpoint else ""
        return f"DynamoSettings(region={self.region!r}{where}, prefix={self.prefix!r})"


def dynamo_settings(settings: StorageSettings) -> DynamoSettings:
    """Read the settings; SettingsError names what is wrong."""
    points = settings.contact_points
    if not points:
        raise SettingsError(
            f"{settings.place}: the storage is {settings.kind}, and scalar.db.contact_points is "
            "not set",
            advice="Set it to an AWS region, for example eu-central-1",
        )
    given = _from_url(points[0]) if "://" in points[0] else {"region": points[0]}
    region = given["region"]
    if region and not _REGION.fullmatch(region):
        raise SettingsError(
            f"{settings.place}: {region!r:.80} is no AWS region",
            advice="Set scalar.db.contact_points to a region such as eu-central-1, and the address "
            f"of another server in {PREFIX}endpoint_override",
        )
    if (settings.username is None) != (settings.password is None):
        raise SettingsError(
            f"{settings.place}: of scalar.db.username and scalar.db.password one is missing",
            advice="Set both, the access key's id and its secret, or neither to use the "
            "credentials of the environment, a profile or a role",
        )
    properties = settings.properties
    return DynamoSettings(
        region=region or None,
        endpoint=given.get("endpoint") or _endpoint(settings),
        prefix=given.get("prefix") or properties.get(f"{PREFIX}namespace.prefix", ""),
        metadata_namespace=properties.get(f"{PREFIX}table_metadata.namespace") or "scalardb",
        access_key=settings.username,
        secret_key=settings.password,
        profile=given.get("profile") or properties.get(f"{PREFIX}profile") or None,
        connections=settings.connection_pool.max_total or _DEFAULT_CONNECTIONS,
        connect_timeout=_seconds(settings, "connect_timeout_millis", 5.0),
        request_timeout=_seconds(settings, "request_timeout_millis", 10.0),
        transport=_transport(settings),
    )


def _endpoint(settings: StorageSettings) -> str | None:
    for name in ("endpoint_override", "endpoint-override"):
        found = settings.properties.get(PREFIX + name)
        if found:
            return _checked_endpoint(found, settings.place)
    return None


def _checked_endpoint(text: str, place: str) -> str:
    if not _is_address(text):
        raise SettingsError(
            f"{place}: the endpoint {text!r:.80} is no address",
            advice="Write for example http://localhost:8000",
        )
    return text


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or port == 0:
        return False
    return _HOST.fullmatch(parts.hostname or "") is not None


def _from_url(url: str) -> dict[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _no_url() from None
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    unknown = [name for name, _ in pairs if name not in ("endpoint", "prefix", "profile")]
    if parts.username or parts.path.strip("/") or unknown:
        raise _no_url()
    found = {"region": parts.netloc, **dict(pairs)}
    if found.get("endpoint"):
        _checked_endpoint(found["endpoint"], "the URL")
    return found


def _no_url() -> SettingsError:
    return SettingsError(
        "a dynamodb:// URL holds a region, and the parameters endpoint, prefix and profile",
        advice="Write for example dynamodb://eu-central-1?endpoint=http://localhost:8000",
    )


def _transport(settings: StorageSettings) -> str:
    text = settings.properties.get(f"{PREFIX}transport") or BY_US
    if text not in (BY_US, BY_BOTO3):
        raise SettingsError(
            f"{settings.place}: {PREFIX}transport is {text!r:.40}",
            advice=f"Set it to {BY_US}, or to {BY_BOTO3}",
        )
    return text


def _seconds(settings: StorageSettings, name: str, default: float) -> float:
    text = settings.properties.get(PREFIX + name)
    if not text:
        return default
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise SettingsError(
            f"{settings.place}: {PREFIX}{name} is {text!r:.40}", advice="Give milliseconds"
        )
    return int(text) / 1000
