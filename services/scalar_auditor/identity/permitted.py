"""May the caller manage users, roles, organisations and service tokens? An AUDIT_ADMIN may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.errors import PermissionDeniedError
from scalar_auditor.identity import accounts, organizations

if TYPE_CHECKING:
    from scalar_auditor.permissions import Caller


def insist_on_admin(caller: Caller) -> None:
    """PermissionDeniedError."""
    if not caller.is_admin:
        raise PermissionDeniedError("only an AUDIT_ADMIN may do this")


def insist_on_self_or_admin(caller: Caller, user_email: str) -> None:
    """NotFoundError: of others one does not even hear whether they are there."""
    if not caller.is_admin and user_email != caller.email:
        raise accounts.not_found(user_email)


def insist_on_admin_over(caller: Caller, user_email: str) -> None:
    """NotFoundError for somebody else, PermissionDeniedError for oneself."""
    insist_on_self_or_admin(caller, user_email)
    insist_on_admin(caller)


def insist_on_admin_over_organization(caller: Caller, org_id: str) -> None:
    """NotFoundError: who is no admin sees no organisation."""
    if not caller.is_admin:
        raise organizations.not_found(org_id)
