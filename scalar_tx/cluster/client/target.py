"""Which node is meant, and what does it take to be let in?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import grpc

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from scalar_tx.settings import NodeSettings, Settings

PORT: Final = 60053
_ADDRESS: Final = re.compile(
    r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^:\[\]@/?#\s]+)(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Addresses ``host:port``, credentials, and how the way there is protected."""

    addresses: tuple[str, ...]
    credentials: grpc.ChannelCredentials | None = field(default=None, repr=False)
    authority: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def target_of(settings: Settings) -> Target:
    """The node that settings name; SettingsError: they name none, or a file that is not there."""
    storage = settings.storage
    user, password = storage.username, storage.password
    addresses: list[str] = []
    for point in storage.contact_points:
        rest = point.partition("://")[2] if "://" in point else point
        name, at, rest = rest.rpartition("@")
        if at:
            given, colon, secret = name.partition(":")
            user, password = unquote(given), unquote(secret) if colon else password
        rest = rest.rstrip("/")
        addresses += [
            _address(one, storage.contact_port or PORT, storage.place) for one in rest.split(",")
        ]
    if not addresses:
        raise SettingsError(
            f"{storage.place}: no node is named",
            advice="Give grpc://host:60053, several hosts separated by commas",
        )
    node = settings.node
    secure = storage.kind == "grpcs" or node.tls_enabled
    return Target(
        tuple(addresses),
        _credentials(node) if secure else None,
        node.authority,
        user,
        password,
    )


def _address(text: str, port: int, place: str) -> str:
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or int(found["port"] or port) > 65535:
        raise SettingsError(
            f"{place}: {text!r} is no address of a node",
            advice="Write host:port, several separated by commas: grpc://a:60053,b:60053",
        )
    return f"{found['host']}:{found['port'] or port}"


def _credentials(node: NodeSettings) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_content(node.client_trust, "cluster.tls.ca_root_cert_path"),
        private_key=_content(node.client_key, "node.tls.client_key_path"),
        certificate_chain=_content(node.client_certificate, "node.tls.client_cert_path"),
    )


def _content(path: str | None, name: str) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"scalar.db.{name} names {path}, which can't be read: {error.strerror}",
            advice="Name a file in PEM form that this program may read",
        ) from error
