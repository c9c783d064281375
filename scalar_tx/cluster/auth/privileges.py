"""What may somebody do where? Nothing, unless it was granted.

A grant is about a table, or about a namespace and thereby each of its tables, those included that
are made later. Namespaces themselves, users, roles and the coordinator's table are for superusers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.offered_services import namespaces_of
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.settings import Settings

OWN_NAMESPACE: Final = "scalar_tx"


class Privilege(Enum):
    """The nine (Operations specification 9.3)."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CREATE = "CREATE"
    DROP = "DROP"
    TRUNCATE = "TRUNCATE"
    ALTER = "ALTER"
    GRANT = "GRANT"

    # Members are singletons; Enum's own hash is a call into Python.
    __hash__ = object.__hash__

    @staticmethod
    def parse(text: object) -> Privilege:
        """The privilege of that name, in any case. InvalidOperationError, STX-5215."""
        if isinstance(text, Privilege):
            return text
        try:
            return Privilege(str(text).strip().upper())
        except ValueError:
            raise InvalidOperationError(
                f"{text!r:.60} is no privilege",
                advice=f"They are {', '.join(one.value for one in Privilege)}",
                code="STX-5215",
            ) from None


ALL: Final = frozenset(Privilege)


_WRITES: Final = frozenset({Privilege.INSERT, Privilege.UPDATE, Privilege.DELETE})


@dataclass(frozen=True, slots=True)
class Grant:
    """Privileges of a user or role (``user:ada``, ``role:clerks``) on a namespace or table."""

    subject: str
    privileges: frozenset[Privilege]
    place: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user may do, their roles' grants included. Immutable; made by ``rights``.

    ``closed``: namespaces that nobody reaches by transactions, in lower case; a database may take
    names for equal that differ in case only.
    """

    superuser: bool = False
    closed: frozenset[str] = frozenset()
    granted: Mapping[str, frozenset[Privilege]] = field(default_factory=dict, hash=False)

    def allows(self, privilege: Privilege, table: str) -> bool:
        """May they do this to ``namespace.table``? InvalidOperationError: that is no name."""
        namespace, _ = split_name(table)
        if self.is_closed(namespace):
            return False
        return self.superuser or any(
            privilege in self.granted.get(place, ()) for place in (table, namespace)
        )

    def allows_namespace(self, privilege: Privilege, namespace: str) -> bool:
        """May they do this to every table of a namespace, also to those that are not there yet?"""
        if self.is_closed(namespace):
            return False
        return self.superuser or privilege in self.granted.get(namespace, ())

    def sees(self, table: str) -> bool:
        """May they know that there is such a table, and its columns?"""
        return any(self.allows(privilege, table) for privilege in Privilege)

    def sees_namespace(self, namespace: str) -> bool:
        """May they know that there is such a namespace?"""
        if self.is_closed(namespace):
            return False
        return self.superuser or any(
            place == namespace or place.startswith(f"{namespace}.") for place in self.granted
        )

    @property
    def writes(self) -> bool:
        """May they change records, of whatever table?"""
        return self.superuser or any(
            not _WRITES.isdisjoint(privileges) and not self.is_closed(place.partition(".")[0])
            for place, privileges in self.granted.items()
        )

    def is_closed(self, namespace: str) -> bool:
        """Is it one of the node's own, which nobody reaches?"""
        return namespace.casefold() in self.closed


def rights(grants: Iterable[Grant], *, superuser: bool, closed: frozenset[str]) -> Rights:
    """What all these grants together allow."""
    granted: dict[str, frozenset[Privilege]] = {}
    for grant in grants:
        granted[grant.place] = granted.get(grant.place, frozenset()) | grant.privileges
    return Rights(superuser, closed, MappingProxyType(granted))


def closed_namespaces(settings: Settings, *more: str) -> frozenset[str]:
    """The node's own namespaces: decisions, metadata, users, its services' own; and ``more``."""
    names = (settings.consensus_commit.coordinator_namespace, settings.system_namespace, *more)
    return own_namespaces(settings) | {name.casefold() for name in names}


def own_namespaces(settings: Settings) -> frozenset[str]:
    """The namespaces that ScalarDB knows nothing of: of users, and of the node's services."""
    names = (OWN_NAMESPACE, *namespaces_of(settings.node.services))
    return frozenset(name.casefold() for name in names)


def checked_place(place: object, closed: frozenset[str]) -> str:
    """A namespace or ``namespace.table`` on which something can be granted.

    InvalidOperationError, STX-5214: it is no name, or a namespace that nobody reaches.
    """
    parts = place.split(".") if isinstance(place, str) else []
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise InvalidOperationError(
            f"{place!r:.60} is neither a namespace nor a table",
            advice="Name a namespace, or a table as 'namespace.table'",
            code="STX-5214",
        )
    if "*" in parts:
        raise InvalidOperationError(
            f"{place!r:.60} is no place: nothing stands for all names",
            advice="Name a namespace: what is granted there is granted on each of its tables",
            code="STX-5214",
        )
    if parts[0].casefold() in closed:
        raise InvalidOperationError(
            f"nothing can be granted on {parts[0]!r:.60}, which is the node's own",
            advice="Keep data in namespaces of your own",
            code="STX-5214",
        )
    return ".".join(parts)
