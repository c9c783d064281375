"""Who may do what? The table of the services specification, section 2, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import NotFoundError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(StrEnum):
    """What a user is everywhere."""

    AUDIT_ADMIN = "AUDIT_ADMIN"
    GENERAL_USER = "GENERAL_USER"
    EXTERNAL_AUDITOR = "EXTERNAL_AUDITOR"


class SetRole(StrEnum):
    """What a person is on one audit set; the first is the highest."""

    OWNER = "OWNER"
    CO_OWNER = "CO_OWNER"
    MEMBER = "MEMBER"
    REVIEWER = "REVIEWER"


class Privilege(StrEnum):
    """What a person is in one audit group."""

    OWNER = "OWNER"
    MEMBER = "MEMBER"


class Kind(Enum):
    """What kind of caller it is."""

    NOBODY = "nobody"  # has not logged in
    PERSON = "person"
    SERVICE = "service"


class Action(Enum):
    """What is done to an audit set or to what is in it."""

    DESCRIBE = "rename, describe, link to a group"
    DISPOSE = "delete the set, hand over ownership"
    COLLABORATORS = "add or remove collaborators"
    ITEMS = "add or remove items"
    VIEW = "view the set and what is in it"
    VERIFY = "verify an item, list its history"
    READ_LOG = "read the auditors' log"


_EVERYBODY: Final = frozenset(SetRole)
ALLOWED: Final[Mapping[Action, frozenset[SetRole]]] = {
    Action.DESCRIBE: frozenset({SetRole.OWNER, SetRole.CO_OWNER}),
    Action.DISPOSE: frozenset({SetRole.OWNER}),
    Action.COLLABORATORS: frozenset({SetRole.OWNER, SetRole.CO_OWNER}),
    Action.ITEMS: frozenset({SetRole.OWNER, SetRole.CO_OWNER, SetRole.MEMBER}),
    Action.VIEW: _EVERYBODY,
    Action.VERIFY: _EVERYBODY,
    Action.READ_LOG: frozenset({SetRole.OWNER, SetRole.CO_OWNER}),
}
# What the members of a group that is linked to a set are on that set.
THROUGH_A_GROUP: Final[Mapping[Privilege, SetRole]] = {
    Privilege.OWNER: SetRole.CO_OWNER,
    Privilege.MEMBER: SetRole.REVIEWER,
}
_RANKS: Final = {role: rank for rank, role in enumerate(SetRole)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. A service has a ``name`` and no e-mail, nobody has neither.

    ``log_in`` names the log-in that the token came of; ``peer`` is where the call came from, for
    logs.
    """

    kind: Kind = Kind.NOBODY
    email: str = ""
    user_id: str = ""
    name: str = ""
    roles: frozenset[Role] = field(default_factory=frozenset)
    log_in: str = field(default="", repr=False)
    peer: str = ""

    @property
    def is_service(self) -> bool:
        """Does a service call, with a SERVICE token?"""
        return self.kind is Kind.SERVICE

    @property
    def is_admin(self) -> bool:
        """Does an AUDIT_ADMIN call?"""
        return Role.AUDIT_ADMIN in self.roles

    @property
    def is_outside_auditor(self) -> bool:
        """Is every view of this caller to be logged?"""
        return Role.EXTERNAL_AUDITOR in self.roles

    @property
    def may_create(self) -> bool:
        """May the caller create audit sets and groups?"""
        return self.is_admin or Role.GENERAL_USER in self.roles

    @property
    def counted_as(self) -> str:
        """Under whom open transactions are counted. No name of a node's user has a colon."""
        return f"auditor:{self.email or self.name or self.peer}"


def highest(*roles: SetRole | None) -> SetRole | None:
    """The highest of some roles; None: none at all."""
    found = [role for role in roles if role is not None]
    return min(found, key=_RANKS.__getitem__, default=None)


def may(caller: Caller, role: SetRole | None, action: Action) -> bool:
    """May somebody of that role do this?"""
    return caller.is_admin or (role is not None and role in ALLOWED[action])


def insist(
    caller: Caller, role: SetRole | None, action: Action, audit_set_id: str, *, exists: bool = True
) -> None:
    """NotFoundError: the caller may not even see the set; PermissionDeniedError: may not do this.

    ``exists``: whether there is such a set at all, for callers who see every one.
    """
    if not exists or not may(caller, role, Action.VIEW):
        raise NotFoundError(
            f"there is no audit set {audit_set_id!r}",
            reason="AUDIT_SET_NOT_FOUND",
            audit_set_id=audit_set_id,
        )
    if not may(caller, role, action):
        raise PermissionDeniedError(
            f"a {role} of the audit set may not {action.value}", audit_set_id=audit_set_id
        )
