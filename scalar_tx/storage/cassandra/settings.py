"""Where are the nodes, and how are they spoken to?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

DEFAULT_PORT: Final = 9042
PREFIX: Final = "scalar.db."
LOCAL_DATA_CENTER: Final = "cassandra.local_data_center"
REQUEST_TIMEOUT: Final = "cassandra.request_timeout_millis"
TLS: Final = "cassandra.tls.enabled"
TLS_CA: Final = "cassandra.tls.ca_root_cert_path"
# What a user may set besides ScalarDB's own properties, without ``scalar.db.``.
PROPERTIES: Final = (LOCAL_DATA_CENTER, REQUEST_TIMEOUT, TLS, TLS_CA)

# Longer than every time-out of the server's own defaults, whose answer says more than silence.
_REQUEST_SECONDS: Final = 12.0
_LEAST_MS: Final = 100


@dataclass(frozen=True)
class CassandraSettings:
    """The nodes to begin with, as (host, port), and how to speak to them."""

    nodes: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    local_data_center: str | None = None  # None: that of the node first reached
    request_timeout: float = _REQUEST_SECONDS  # seconds
    tls: bool = False
    tls_ca: str | None = None  # None: the system's authorities
    system_namespace: str = "scalardb"

    @property
    def place(self) -> str:
        """The nodes, for messages."""
        return ", ".join(f"{host}:{port}" for host, port in self.nodes)


def cassandra_settings(settings: StorageSettings) -> CassandraSettings:
    """Read the settings of a storage; SettingsError names what is wrong in them."""
    place = settings.place
    usual_port = settings.contact_port or DEFAULT_PORT
    points = settings.contact_points
    username, password = settings.username, settings.password
    if len(points) == 1 and points[0].startswith("cassandra:"):
        points, (username, password) = _from_url(points[0], place, (username, password))
    if not points:
        raise SettingsError(
            f"{place}: the storage is cassandra, and scalar.db.contact_points names no node",
            advice="Name one or more nodes, for example 10.0.0.1,10.0.0.2",
        )
    nodes = tuple(_node(point, usual_port, place) for point in points)
    # As the Java library: credentials count only where both are given.
    both = username is not None and password is not None
    given = settings.properties
    return CassandraSettings(
        nodes=nodes,
        username=username if both else None,
        password=password if both else None,
        local_data_center=given.get(PREFIX + LOCAL_DATA_CENTER) or None,
        request_timeout=_milliseconds(given.get(PREFIX + REQUEST_TIMEOUT), place),
        tls=_flag(given.get(PREFIX + TLS), place),
        tls_ca=given.get(PREFIX + TLS_CA) or None,
        system_namespace=settings.system_namespace,
    )


def _from_url(
    url: str, place: str, credentials: tuple[str | None, str | None]
) -> tuple[tuple[str, ...], tuple[str | None, str | None]]:
    parts = urlsplit(url)
    if not parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingsError(
            f"{place} is no address of Cassandra",
            advice="Write cassandra://host:port or cassandra://user:password@host:port; "
            "everything else is set by properties",
        )
    user, at, hosts = parts.netloc.rpartition("@")
    if at:
        name, _, word = user.partition(":")
        credentials = (unquote(name), unquote(word))
    return tuple(hosts.split(",")), credentials


def _node(point: str, usual_port: int, place: str) -> tuple[str, int]:
    text = point.strip()
    host, colon, port = text.rpartition(":")
    if text.startswith("["):  # an IPv6 address in brackets
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif not colon or ":" in host:  # without port, or an IPv6 address alone
        host, colon, port = text, "", ""
    if not host or any(sign in host for sign in "/ @"):
        raise SettingsError(
            f"{place}: {point!r} in scalar.db.contact_points is no node",
            advice="Write a host name or an address, with :port if need be",
        )
    if not colon:
        return host, usual_port
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise SettingsError(
            f"{place}: the port in {point!r} must be 1 to 65535",
            advice="Write host:port, for example 10.0.0.1:9042",
        )
    return host, int(port)


def _milliseconds(text: str | None, place: str) -> float:
    if text is None or not text.strip():
        return _REQUEST_SECONDS
    value = text.strip()
    if not (value.isascii() and value.isdecimal() and int(value) >= _LEAST_MS):
        raise SettingsError(
            f"{place}: {PREFIX}{REQUEST_TIMEOUT}={text} must be a number from {_LEAST_MS} on",
            advice=f"Correct or remove it; the default is {_REQUEST_SECONDS * 1000:.0f}",
        )
    return int(value) / 1000


def _flag(text: str | None, place: str) -> bool:
    word = (text or "false").strip().lower()
    if word not in ("true", "false"):
        raise SettingsError(
            f"{place}: {PREFIX}{TLS}={text} must be true or false",
            advice="Correct or remove it",
        )
    return word == "true"
