"""What does a storage need to be told before it can be opened?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# ``//user:password@`` of a URL; a password may hold a slash, so up to the last @.
_USER = re.compile(r"(?<=:)//(?=[^/\s])\S*@|(?<=:thin:)\S*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;,][^=?&;,]*(?:pass|pwd|secret|token|credential)[^=?&;,]*=)[^&;,\s]*", re.IGNORECASE
)


def redacted(address: str) -> str:
    """An address or URL without what it may hold of users, passwords and tokens.

    >>> redacted("jdbc:mysql://me:hush@host/db?password=hush&useSSL=true")
    'jdbc:mysql://***@host/db?password=***&useSSL=true'
    """
    # Parameters first: an @ in a password among them would be taken for the user's end.
    shown = _SECRET_PARAMETER.sub(r"\1***", address)
    return _USER.sub(lambda found: "//***@" if found[0].startswith("//") else "***@", shown)


@dataclass(frozen=True, slots=True)
class ConnectionPoolSettings:
    """``scalar.db.connection_pool.*``: connections kept and allowed; None: the adapter decides."""

    min_idle: int | None = None
    max_idle: int | None = None
    max_total: int | None = None


@dataclass(frozen=True)
class StorageSettings:
    """One storage as the settings describe it; the registry opens it by ``kind``.

    ``kind`` is a name of the registry, ScalarDB's or ours. ``contact_points`` are hosts, a region,
    a path or one URL, as the kind has it; ``contact_port`` 0 is the storage's own. ``properties``
    holds every property by its full name, so that an adapter finds its own. ``place`` says where
    the storage was named. Neither password nor properties appear in the repr.
    """

    kind: str
    contact_points: tuple[str, ...] = ()
    contact_port: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    connection_pool: ConnectionPoolSettings = field(default_factory=ConnectionPoolSettings)
    scan_fetch_size: int | None = None
    system_namespace: str = "scalardb"
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    multi: MultiStorageSettings | None = None
    place: str = "the call"

    def __post_init__(self) -> None:
        object.__setattr__(self, "properties", MappingProxyType(dict(self.properties)))

    def __repr__(self) -> str:
        points = tuple(redacted(point) for point in self.contact_points)
        hidden = "" if self.password is None else ", password=***"
        inner = "" if self.multi is None else f", multi={self.multi!r}"
        return (
            f"StorageSettings(kind={self.kind!r}, contact_points={points!r}, "
            f"contact_port={self.contact_port}, username={self.username!r}{hidden}{inner}, "
            f"place={self.place!r})"
        )


@dataclass(frozen=True)
class MultiStorageSettings:
    """Several storages and which of them holds what (Storage specification 6).

    ``tables`` maps a full table name, ``namespaces`` a namespace to the name of a storage;
    ``default`` names the storage of everything else.
    """

    storages: Mapping[str, StorageSettings]
    default: str
    namespaces: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("storages", "namespaces", "tables"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def holder(self, table: str) -> str:
        """The name of the storage that holds a table."""
        by_namespace = self.namespaces.get(table.partition(".")[0], self.default)
        return self.tables.get(table, by_namespace)
