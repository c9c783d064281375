"""Who calls, and what may they do?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import grpc

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.operations import Operation


class NotAllowedError(InvalidOperationError):
    """The caller may not do that; whether what it names is there is not said."""

    default_code = "STX-5050"
    default_advice = "Ask whoever administers the node to grant it"
    status_code = grpc.StatusCode.PERMISSION_DENIED


class Caller(Protocol):
    """Somebody who calls."""

    @property
    def name(self) -> str:
        """The user's name; empty where nobody logs in."""
        ...

    def may(self, privilege: str, table: str) -> bool:
        """Is one of the nine privileges theirs on ``namespace.table``, or on ``namespace``?"""
        ...

    @property
    def superuser(self) -> bool:
        """May they do everything that may be done from outside?"""
        ...


class Access(Protocol):
    """Finds out who calls."""

    async def caller(self, metadata: Mapping[str, str]) -> Caller:
        """Who sent a call with that metadata? InvalidOperationError: nobody that may."""
        ...


class Anybody:
    """The caller of a node that asks nobody to log in."""

    name = ""
    superuser = True

    def may(self, privilege: str, table: str) -> bool:
        """Everything is allowed."""
        return True


class OpenAccess:
    """The access to a node that asks nobody to log in."""

    async def caller(self, metadata: Mapping[str, str]) -> Caller:
        """Anybody."""
        return Anybody()


class ClosedNamespaces:
    """Namespaces that no call touches directly, whoever sends it."""

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def check(self, table: str) -> None:
        """NotAllowedError: the table, or the namespace itself, is the node's own."""
        if table.partition(".")[0] in self._names:
            raise NotAllowedError(
                f"{table} is kept by the node itself",
                advice="Use the calls made for it: Settle, Administration, Security",
            )


def check_operation(caller: Caller, closed: ClosedNamespaces, operation: Operation) -> None:
    """NotAllowedError: the caller may not run that operation."""
    split_name(operation.table)
    closed.check(operation.table)
    for privilege in privileges_for(operation):
        check(caller, privilege, operation.table)


def check(caller: Caller, privilege: str, table: str) -> None:
    """NotAllowedError: the caller lacks a privilege."""
    if not caller.may(privilege, table):
        raise NotAllowedError(f"{caller.name or 'this caller'} may not {privilege} on {table}")


def check_superuser(caller: Caller, what: str) -> None:
    """NotAllowedError: only superusers may."""
    if not caller.superuser:
        raise NotAllowedError(f"only a superuser may {what}")


def privileges_for(operation: Operation) -> tuple[str, ...]:
    """What an operation needs: a write that tells of the record reads it, too."""
    if isinstance(operation, Get | Scan):
        return ("SELECT",)
    if isinstance(operation, Insert):
        return ("INSERT",)
    if isinstance(operation, Upsert):
        return ("INSERT", "UPDATE")
    reads = ("SELECT",) if operation.where is not None else ()
    if isinstance(operation, Put):
        return ("INSERT", "UPDATE", *reads)
    if isinstance(operation, Delete):
        return ("DELETE", *reads)
    if isinstance(operation, Update) and operation.missing == "error":
        return ("UPDATE", "SELECT")
    return ("UPDATE", *reads)
