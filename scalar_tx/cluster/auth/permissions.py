"""What must a caller be allowed for what they ask? Checked before anything is asked of a database.

A refusal says nothing of what is there: it is the same for a table that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.cluster.auth.privileges import Privilege, Rights
from scalar_tx.cluster.auth.refusals import NotPermittedError
from scalar_tx.cluster.auth.security_log import Caller, Event, Result, tell
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.model.operations import Operation


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a user with the rights that they had at most 4 seconds ago."""

    name: str
    superuser: bool = False
    roles: frozenset[str] = frozenset()
    rights: Rights = field(default_factory=Rights)


def needed(operation: Operation) -> frozenset[Privilege]:
    """The privileges that an operation needs on its table.

    A write needs SELECT where its outcome tells what is there: with a condition, or where a missing
    record is an error.
    """
    match operation:
        case Get() | Scan():
            return frozenset({Privilege.SELECT})
        case Insert():
            return frozenset({Privilege.INSERT})
        case Upsert():
            return frozenset({Privilege.INSERT, Privilege.UPDATE})
        case Put():
            tells = operation.where is not None
            return _with_select(Privilege.INSERT, Privilege.UPDATE, tells=tells)
        case Update():
            tells = operation.where is not None or operation.missing == "error"
            return _with_select(Privilege.UPDATE, tells=tells)
        case Delete():
            return _with_select(Privilege.DELETE, tells=operation.where is not None)


def _with_select(*privileges: Privilege, tells: bool) -> frozenset[Privilege]:
    return frozenset({*privileges, Privilege.SELECT} if tells else privileges)


def check_operation(principal: Principal, operation: Operation, *, peer: str = "") -> None:
    """NotPermittedError, STX-5202: they may not do this. The same goes for the checks below."""
    for privilege in sorted(needed(operation), key=lambda one: one.value):
        check_table(principal, privilege, operation.table, peer=peer)


def check_table(principal: Principal, privilege: Privilege, table: str, *, peer: str = "") -> None:
    """May they do this to the table? InvalidOperationError: that is no table's name."""
    if not principal.rights.allows(privilege, table):
        raise _refused(principal, f"{privilege.value} on {table:.256}", table, peer)


def check_namespace(
    principal: Principal, privilege: Privilege, namespace: str, *, peer: str = ""
) -> None:
    """May they do this to every table of the namespace?"""
    if not principal.rights.allows_namespace(privilege, namespace):
        raise _refused(principal, f"{privilege.value} on {namespace:.256}", namespace, peer)


def check_writer(principal: Principal, what: str, *, peer: str = "") -> None:
    """May they change anything? ``what`` is what they were about to, which may undo a change."""
    if not principal.rights.writes:
        raise _refused(principal, what, "", peer)


def check_superuser(principal: Principal, what: str, *, peer: str = "") -> None:
    """May they administer the node? ``what`` is what they were about to: "create a user"."""
    if not principal.superuser:
        raise _refused(principal, what, "", peer)


def check_grant(
    principal: Principal, privileges: Iterable[Privilege], place: str, *, peer: str = ""
) -> None:
    """May they grant or revoke these there? They need GRANT, and each of the privileges."""
    allows = principal.rights.allows if "." in place else principal.rights.allows_namespace
    for privilege in (Privilege.GRANT, *privileges):
        if not allows(privilege, place):
            raise _refused(principal, f"GRANT {privilege.value} on {place:.256}", place, peer)


def _refused(principal: Principal, what: str, subject: str, peer: str) -> NotPermittedError:
    tell(
        Event.USE,
        Caller(principal.name, peer),
        subject=subject,
        result=Result.REFUSED,
        detail=what,
    )
    return NotPermittedError(f"you may not {what}", code="STX-5202")
